"""Reading bodies: how much of one is taken, and what JSON says."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from starlette.types import Receive

from tokenry.domain.errors import Fault, Invalid
from tokenry.web.errors import BodyTooLarge
from tokenry.web.pieces import ClientGone

T = TypeVar("T")

BODY_BYTES_MAX = 64 * 1024
LENGTH_DIGITS_MAX = 10
_EXPECTED: dict[type, str] = {str: "Must be a string", bool: "Must be true or false"}


async def receive_body(headers: Mapping[bytes, str], receive: Receive, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """Receive a body to its end. Raises BodyTooLarge, ClientGone."""
    length = headers.get(b"content-length", "0").lstrip("0")  # the HTTP parser let only digits through, but any number
    if len(length) > LENGTH_DIGITS_MAX or int(length or "0") > bytes_max:
        raise BodyTooLarge
    raw = bytearray()
    more = True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        raw += message.get("body", b"")
        more = message.get("more_body", False)
        if len(raw) > bytes_max:
            raise BodyTooLarge
    return bytes(raw)


def read_json_object(raw: bytes, _media_type: str = "") -> Mapping[str, object]:
    """Read a JSON object. An empty body counts as `{}`. Raises Invalid."""
    if not raw:
        return {}
    body = read_json(raw)
    if not isinstance(body, dict):
        raise Invalid(Fault("Must be a JSON object"))
    return body


def read_json(raw: bytes) -> object:
    """Read JSON. Raises Invalid."""
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Invalid(Fault("Invalid JSON")) from None


def leave_unread(_raw: bytes, _media_type: str = "") -> Mapping[str, object]:
    """Read nothing of a body, whose operation does: it has to know first who sends these bytes."""
    return {}


def read_key(body: Mapping[str, object], key: str, kind: type[T], faults: list[Fault]) -> T | None:
    """Read one key of a body, text or a truth value; None if it is not there. Another type is one fault more."""
    value = body.get(key)
    if isinstance(value, kind):
        return value
    if key in body:
        faults.append(Fault(_EXPECTED[kind], key))
    return None


def _refuse_constant(name: str) -> object:
    raise ValueError(name)
