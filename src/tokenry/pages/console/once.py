"""Forms that make something once, however often they are sent: by a double click, a reload, or going back."""

import json
import re
from hashlib import sha256
from secrets import token_urlsafe

from tokenry.domain.errors import Invalid
from tokenry.domain.idempotency import HEADER, KeyedRequest
from tokenry.pages.visits import Fields

KEY = "key"
"""The hidden field by which a form is known when it is sent again."""
_KEY = re.compile(r"[0-9A-Za-z_-]{32}", re.ASCII)


def new_key() -> str:
    """What a form is known by that is shown for the first time."""
    return token_urlsafe(24)


def read_key(fields: Fields) -> str:
    """What a form that was sent is known by; for one without that, something new."""
    key = fields.get(KEY)
    return key if _KEY.fullmatch(key) else new_key()


def request_of(key: str, *asked: object) -> KeyedRequest:
    """The request of a form: it is the same again if the same is asked for."""
    return KeyedRequest(key, sha256(json.dumps(asked, sort_keys=True).encode("ascii")).digest(), once=True)


def is_another(refusal: Invalid) -> bool:
    """Whether it is refused since the form was sent before, with something else in it."""
    return any(fault.field == HEADER for fault in refusal.faults)
