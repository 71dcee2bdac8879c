"""The header Idempotency-Key."""

import json
import re
from hashlib import sha256

from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.idempotency import HEADER, KEY_LENGTH_MAX, KeyedRequest
from tokenry.domain.secrets import holds_secret
from tokenry.web.requests import Call

_KEY = re.compile(rf"[!-~]{{1,{KEY_LENGTH_MAX}}}", re.ASCII)


def read_keyed_request(call: Call, path: str) -> KeyedRequest | None:
    """Read which request a POST to this path is, None if it does not say so. Raises Invalid.

    The same request has the same keys and values in its body, in whatever order and spacing; `path` is the same for
    every version of the API.
    """
    key = call.headers.get(HEADER.lower().encode("ascii"))
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Invalid(Fault(f"Must be 1-{KEY_LENGTH_MAX} visible ASCII characters", HEADER))
    if holds_secret(key):
        raise Invalid(Fault("Must not hold a token", HEADER))  # keys are stored as they are
    asked = json.dumps(["POST", path, call.body], sort_keys=True)
    return KeyedRequest(key, sha256(asked.encode("ascii")).digest())
