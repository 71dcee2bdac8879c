"""Reading a JSON object of an answer, key by key. What is not as it should be is an UnreadableAnswer.

No function here keeps a part of a body in a local variable while it raises: tracebacks can show those.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, TypeVar

from tokenry.client.errors import UnreadableAnswer
from tokenry.client.secrets import Secret, hide, masked
from tokenry.client.tokens import Network
from tokenry.client.transport import Answer
from tokenry.moments import FIRST, read_moment

T = TypeVar("T")

NEVER = datetime(2999, 12, 12, 5, tzinfo=UTC)
"""How the wire format says that a token does not expire."""
SECRETS = {"secret", "token", "access_token", "refresh_token", "device_code"}
"""What is never a bare text in here."""
_SEPARATORS = re.compile(r"[ ,]+")


class Row:
    """A JSON object of an answer, read key by key. It does not show what it holds."""

    __slots__ = ("_answer", "_request", "_values")

    def __init__(self, request: str, answer: Answer, values: dict[str, Any]) -> None:
        self._request = request
        self._answer = answer
        self._values = values

    @classmethod
    def of(cls, request: str, answer: Answer) -> "Row":
        """The object that is the body. Raises UnreadableAnswer."""
        row = cls._load(request, answer)
        if row is None:
            kind = masked(answer.headers.get("content-type", "no type"))
            raise UnreadableAnswer(
                request, answer.status, f"{len(answer.body)} bytes of {kind} that are not a JSON object"
            )
        return row

    def __repr__(self) -> str:
        return f"<Row of {self._request}>"

    def everything(self) -> dict[str, object]:
        """The object as it was, but for a token in it, which is a Secret."""
        return dict(self._values)

    def if_any(self, key: str, read: "Callable[[str], T]") -> T | None:
        """What `read`, a method of this row, makes of a key; None where there is none, or null."""
        return None if self._values.get(key) is None else read(key)

    def text(self, key: str) -> str:
        """A text."""
        return self._read(key, str, "a string")

    def number(self, key: str) -> int:
        """A whole number."""
        return self._read(key, int, "a whole number")

    def truth(self, key: str) -> bool:
        """A truth value."""
        return self._read(key, bool, "true or false")

    def time(self, key: str) -> datetime:
        """A time: UTC where it does not say otherwise."""
        moment = read_time(self._values.get(key))
        if moment is None:
            raise self.unreadable(key, "a time")
        return moment

    def expiry(self, key: str) -> datetime | None:
        """A time; None for never."""
        moment = self.if_any(key, self.time)
        return None if moment is None or moment >= NEVER else moment

    def secret(self, key: str) -> Secret:
        """A token's text, whole or not."""
        return self._read(key, Secret, "a string")

    def row(self, key: str) -> "Row":
        """An object."""
        return Row(self._request, self._answer, self._read(key, dict, "an object"))

    def rows(self, key: str) -> "list[Row]":
        """A list of objects."""
        if not isinstance(self._values.get(key), list) or not all(isinstance(row, dict) for row in self._values[key]):
            raise self.unreadable(key, "a list of objects")
        return [Row(self._request, self._answer, values) for values in self._values[key]]

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        if not isinstance(self._values.get(key), list) or not all(isinstance(each, str) for each in self._values[key]):
            raise self.unreadable(key, "a list of strings")
        return tuple(self._values[key])

    def values(self, key: str) -> dict[str, Any]:
        """An object of somebody's own, in which a key that is called as a token's is, is none."""
        found: dict[str, Any] = self._read(key, dict, "an object")
        return {name: _as_sent(value) for name, value in found.items()}

    def networks(self, key: str) -> tuple[Network, ...]:
        """A list of networks."""
        networks = _read_networks(self._values.get(key))
        if networks is None:
            raise self.unreadable(key, "a list of networks")
        return networks

    def scopes(self, key: str) -> tuple[str, ...]:
        """Scopes, in the order given."""
        return read_scopes(self.text(key))

    def unreadable(self, key: str, expected: str) -> UnreadableAnswer:
        """The exception for a key that is not as expected."""
        return UnreadableAnswer(self._request, self._answer.status, f"`{key}` should be {expected}")

    def _read(self, key: str, kind: type[T], expected: str) -> T:
        if isinstance(self._values.get(key), bool) and kind is not bool:
            raise self.unreadable(key, expected)
        if not isinstance(self._values.get(key), kind):
            raise self.unreadable(key, expected)
        return self._values[key]  # type: ignore[no-any-return]

    @classmethod
    def _load(cls, request: str, answer: Answer) -> "Row | None":
        try:
            values = json.loads(answer.body.decode("utf-8"), object_hook=_hide_token)
        except (ValueError, RecursionError):
            return None
        return cls(request, answer, values) if isinstance(values, dict) else None


def read_scopes(text: str) -> tuple[str, ...]:
    """Scopes, which some separate by spaces and some by commas."""
    return tuple(scope for scope in _SEPARATORS.split(text) if scope)


def read_time(value: object) -> datetime | None:
    """A moment; none is the first there is, which also stands for what would be before it."""
    moment = read_moment(value) if isinstance(value, str) else None
    return None if moment == FIRST else moment


def _read_networks(value: object) -> tuple[Network, ...] | None:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        return None
    try:
        return tuple(ip_network(text) for text in value)
    except ValueError:
        return None


def _as_sent(value: Any) -> Any:
    match value:
        case Secret():
            return value.reveal()
        case dict():
            return {name: _as_sent(inner) for name, inner in value.items()}
        case list():
            return [_as_sent(inner) for inner in value]
    return value


def _hide_token(values: dict[str, Any]) -> dict[str, Any]:
    """Every JSON object passes through here while it is decoded."""
    held = SECRETS & values.keys()
    return {**values, **{key: hide(values[key]) for key in held}} if held else values
