"""The operator's commands, run on the database of a service."""

import httpx2

from tests.servers import Server, tokenry


def run(service: Server, *arguments: str) -> str:
    """Run a command that must succeed; its standard output."""
    done = tokenry(*arguments, "--data-dir", str(service.data_dir))
    assert done.returncode == 0, done.stderr
    return done.stdout


def fail(service: Server, *arguments: str) -> str:
    """Run a command that must fail with one line and exit status 1; that line."""
    done = tokenry(*arguments, "--data-dir", str(service.data_dir))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    return done.stderr


def verify(service: Server, token: str) -> httpx2.Response:
    return httpx2.get(f"{service.url}/verify", headers={"Authorization": f"Bearer {token}"})


def rows(output: str) -> list[dict[str, str]]:
    """Tab-separated lines below their column names."""
    columns, *lines = (line.split("\t") for line in output.splitlines())
    return [dict(zip(columns, line, strict=True)) for line in lines]
