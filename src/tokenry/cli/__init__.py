"""The command line. `tokenry` is `main`."""

import sys


def main() -> None:
    """Run the command line; without the server's libraries, say how to get them."""
    try:
        from tokenry.cli.operator import run  # noqa: PLC0415 - the server's libraries are an extra
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "tokenry":
            raise
        print(f'tokenry: {error.name} is not installed: run pip install "tokenry[server]".', file=sys.stderr)
        sys.exit(1)
    run()
