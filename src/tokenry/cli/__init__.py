"""The command line. `tokenry` is `main`; what it imports is what every `tokenry --help` costs."""

from tokenry.cli.front import main

__all__ = ["main"]
