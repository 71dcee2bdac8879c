"""Forms that make something once, however often they are sent: by a double click, a reload, or going back."""

import json
import re
from hashlib import sha256
from secrets import token_urlsafe

from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.idempotency import HEADER, KeyedRequest
from tokenry.pages.fields import Form
from tokenry.pages.forgery import FIELD
from tokenry.pages.visits import Redirect, Visit

KEY = "key"
"""The hidden field by which a form is known when it is sent again."""
MADE_BEFORE = Fault("This form was sent before, and did what it says. Send it once more to do that again.")
_KEY = re.compile(r"[0-9A-Za-z_-]{32}", re.ASCII)


def new_key() -> str:
    """What a form is known by that is shown for the first time."""
    return token_urlsafe(24)


def read_key(form: Form) -> str:
    """What a form that was sent is known by; for what no page has made, something new."""
    key = form.get(KEY)
    return key if _KEY.fullmatch(key) else new_key()


def request_of(key: str, *asked: object) -> KeyedRequest:
    """The request of a form: it is the same again if the same is asked for."""
    return KeyedRequest(key, sha256(json.dumps(asked, sort_keys=True).encode("ascii")).digest(), once=True)


def form_request(visit: Visit) -> KeyedRequest:
    """The request of a form all of whose fields say what is asked for."""
    asked = [pair for pair in visit.form.pairs if pair[0] not in {FIELD, KEY}]
    return request_of(read_key(visit.form), visit.target, asked)


def tell_made(address: str) -> Redirect:
    """Lead whoever sent a form again to what it has made."""
    return Redirect(address, flash="form-sent-before")


def faults_of(refusal: Invalid) -> tuple[Fault, ...]:
    """Why a form is refused, in words for who sent it."""
    return (MADE_BEFORE,) if is_another(refusal) else tuple(refusal.faults)


def is_another(refusal: Invalid) -> bool:
    """Whether it is refused since the form was sent before, with something else in it."""
    return any(fault.field == HEADER for fault in refusal.faults)
