"""One-time passwords by time (RFC 6238): six digits that an app shows for thirty seconds."""

import hmac
import secrets
from base64 import b32encode
from collections.abc import Callable
from datetime import datetime, timedelta

from pyotp import HOTP, TOTP

STEP_SECONDS = 30
DRIFT_STEPS = 1
"""How far a clock may be off."""
KEY_BYTES = 20
"""As long as the digest that it goes into (RFC 4226 section 4)."""
GUESSES_MAX = 20
GUESSES_SPAN = timedelta(hours=1)
"""So many wrong codes, with the right password, in so long a time. More are refused, the right one too."""
CODE_LENGTH = 6
_GROUP_LENGTH = 4


def generate_key(draw: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Make a key, as apps take it: in base 32."""
    return b32encode(draw(KEY_BYTES)).decode("ascii")


def group_key(key: str) -> str:
    """A key as people type it, in groups of four."""
    return " ".join(key[at : at + _GROUP_LENGTH] for at in range(0, len(key), _GROUP_LENGTH))


def key_address(key: str, *, username: str, issuer: str) -> str:
    """The address that apps read from a picture."""
    return TOTP(key).provisioning_uri(name=username, issuer_name=issuer)


def is_code(text: str) -> bool:
    """Whether it looks like a code."""
    return len(text) == CODE_LENGTH and text.isascii() and text.isdecimal()


def find_step(key: str, code: str, now: datetime) -> int | None:
    """Find the step whose code this is, one before or after `now` at most; None if it is none. The newest of two."""
    if not is_code(code):
        return None
    current = int(now.timestamp()) // STEP_SECONDS
    near = range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1)
    right = [hmac.compare_digest(HOTP(key).at(step), code) for step in near]
    return max((step for step, is_right in zip(near, right, strict=True) if is_right), default=None)
