"""Metadata: what a product keeps with a user or a token, a JSON object that services are told which ask about a token.

In here it is a text: that object, compact and with its keys in order, so that equal objects are equal texts.
"""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from tokenry.domain.errors import Fault
from tokenry.domain.secrets import holds_secret
from tokenry.domain.texts import UNSTORABLE, is_storable, write_base64url

NO_METADATA = "{}"
Entry = str | int | float | bool | None
"""What can be asked for on the top level."""
_NOT_IN_KEYS = '" or \\'
BYTES_MAX = 4096
"""Of the text, as UTF-8."""
DEPTH_MAX = 8
"""Of objects and lists, the object itself included."""
KEY_LENGTH_MAX = 100
"""On the top level, where entries are found by their keys."""
WHOLE_MAX = (1 << 53) - 1
"""Larger whole numbers are not the same to everybody who reads JSON (RFC 7493 section 2.2)."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a product keeps with a user and with a token, as services are told. Each object is the caller's own."""

    user_text: str = NO_METADATA
    token_text: str = NO_METADATA

    @property
    def user(self) -> dict[str, Any]:
        """What it keeps with the user."""
        return read_metadata(self.user_text)

    @property
    def token(self) -> dict[str, Any]:
        """What it keeps with the token."""
        return read_metadata(self.token_text)

    @property
    def json(self) -> dict[str, dict[str, Any]]:
        """Both, as JSON has them."""
        return {"user": self.user, "token": self.token}

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.user_text != NO_METADATA or self.token_text != NO_METADATA

    def __len__(self) -> int:
        """How long the texts are."""
        return len(self.user_text) + len(self.token_text)

    def write_header(self) -> str:
        """Write both as a header has them: that JSON in base64url, and nothing where there is none."""
        return write_base64url(f'{{"user":{self.user_text},"token":{self.token_text}}}'.encode()) if self else ""

    @classmethod
    def read_header(cls, text: str) -> "Metadata":
        """Read both from a header. Raises ValueError, LookupError, TypeError, RecursionError."""
        if not text:
            return NOTHING_KEPT
        found = json.loads(b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        return cls(write_metadata({**found["user"]}), write_metadata({**found["token"]}))


NOTHING_KEPT = Metadata()


def metadata_faults(value: object) -> list[Fault]:
    """Say what is wrong with what somebody gives as metadata: as JSON has been read, and so maybe of any kind."""
    if not isinstance(value, dict):
        return [Fault("Must be a JSON object", "metadata")]
    reasons = list(dict.fromkeys(_reasons(value, 1)))
    if not all(map(is_key, value)):
        reasons.insert(0, f"Must have keys of 1-{KEY_LENGTH_MAX} printable characters, none of them {_NOT_IN_KEYS}")
    if not reasons:
        text = write_metadata(value)
        if len(text.encode("utf-8")) > BYTES_MAX:
            reasons.append(f"Must be at most {BYTES_MAX} bytes")
        elif holds_secret(text):  # it is shown, and told to services
            reasons.append("Must not hold a token")
    return [Fault(reason, "metadata") for reason in reasons]


def is_key(key: str) -> bool:
    """Whether this may be a key on the top level: in JSON it is written as it is, so that databases find it."""
    return 1 <= len(key) <= KEY_LENGTH_MAX and key.isprintable() and not set(key) & set('"\\')


def entry_texts(value: Entry) -> list[str]:
    """All texts that an entry has which equals this: 1 is 1.0, and nothing else is anything else."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None or abs(number) > WHOLE_MAX or number != int(number):
        return [json.dumps(value, ensure_ascii=False, allow_nan=False)]
    return [str(int(number)), str(float(number)), *([] if number else ["-0.0"])]


def write_metadata(value: Mapping[str, Any]) -> str:
    """Write metadata that has no faults as text."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def read_metadata(text: str) -> dict[str, Any]:
    """Read metadata: an object of the caller's own."""
    found: dict[str, Any] = json.loads(text)
    return found


def changed_keys(before: str, after: str) -> list[str]:
    """The keys on the top level that differ: all that the audit says, since values may be about a person."""
    if before == after:
        return []
    old, new = read_metadata(before), read_metadata(after)
    # As texts, since to Python 1 is 1.0, and true.
    return [key for key in sorted(old.keys() | new.keys()) if _entry(old, key) != _entry(new, key)]


def _entry(values: Mapping[str, Any], key: str) -> str | None:
    return write_metadata({key: values[key]}) if key in values else None


def _reasons(value: object, depth: int) -> Iterator[str]:
    match value:
        case dict() | list() if depth > DEPTH_MAX:
            yield f"Must be nested at most {DEPTH_MAX} deep"
        case dict():
            for key, inner in value.items():
                yield from _reasons(key, depth)
                yield from _reasons(inner, depth + 1)
        case list():
            for inner in value:
                yield from _reasons(inner, depth + 1)
        case str() if not is_storable(value):
            yield UNSTORABLE
        case int() if abs(value) > WHOLE_MAX:
            yield f"Must have no whole number beyond {WHOLE_MAX}"
        case float() if not isfinite(value):
            yield "Must have no number beyond a double's"
