"""What people are told of what is not there: which thing was asked for, by its kind and its id."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from tokenry.printable import printable

NOT_FOUND = "Not found"
"""What the service says, and the operator's commands are told, of whatever it is."""
_NUMBERED = {"tokens": "token", "webhooks": "webhook", "deliveries": "message"}
_NAMED = {"users": "user", "service-accounts": "service account"}


def say_missing(things: Iterable[tuple[str, object]]) -> str | None:
    """Say that the last of some things is not there, each of which is of the one before; None if there are none."""
    named = [f"{kind} {printable(str(which))}" for kind, which in things]
    return f"There is no {' of '.join(reversed(named))}." if named else None


def find_things(request: str) -> Iterator[tuple[str, str]]:
    """Find the things in the address of a request, `GET https://…`: their kinds, and their ids."""
    steps = urlsplit(request.partition(" ")[2]).path.split("/")
    for kind, step in pairwise(steps):
        if kind in _NAMED and step:
            yield _NAMED[kind], unquote(step)
        elif kind in _NUMBERED and step.isdecimal():
            yield _NUMBERED[kind], step
