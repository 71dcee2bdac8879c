"""Device codes (RFC 8628): what a device waits with, and what its user types elsewhere."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from secrets import choice

from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Secret

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Of user codes: without vowels, so that none is a word (RFC 8628 section 6.1)."""
USER_CODE_LENGTH = 8
VERIFICATION_PATH = "/device"
"""Of the page where a user types the code."""
_USER_CODE = re.compile(rf"[{LETTERS}]{{{USER_CODE_LENGTH}}}", re.ASCII)
_BETWEEN = str.maketrans("", "", "- ")
_TYPED_LENGTH_MAX = 32


@dataclass(frozen=True, slots=True)
class NewDeviceCode:
    """What a device asks for. `address` is where it asks from, which its user is shown."""

    scopes: Scopes
    audience: tuple[str, ...] = ()
    jkt: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a device waits with for so many seconds, and asks about each `interval`; `user_code` is for its user."""

    secret: Secret
    user_code: str
    expires_in: int
    interval: int


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What a device waits for, and how far it is: for whom it was agreed to, refused, or used.

    `scopes` are those that were asked for; once a user has agreed, those of the user.
    """

    oauth_client_id: int
    client_id: str
    scopes: Scopes
    audience: tuple[str, ...]
    jkt: str | None
    address: str | None
    expiry: datetime
    interval: int
    polled: datetime | None = None
    app_id: int | None = None
    user_id: int | None = None
    refused: bool = False
    used: bool = False
    digest: bytes = field(default=b"", repr=False)
    pepper_generation: int = 0

    @property
    def answered(self) -> bool:
        """Whether a user has said yes or no."""
        return self.app_id is not None or self.refused


def generate_user_code(draw: Callable[[str], str] = choice) -> str:
    """Make a code that people type: `draw` picks one of some letters, by default by the system's chance."""
    return "".join(draw(LETTERS) for _ in range(USER_CODE_LENGTH))


def read_user_code(text: str) -> str | None:
    """Read what somebody typed, in any case and with dashes or spaces anywhere; None if that is no code."""
    if len(text) > _TYPED_LENGTH_MAX:
        return None
    code = text.translate(_BETWEEN).upper()
    return code if _USER_CODE.fullmatch(code) else None


def write_user_code(code: str) -> str:
    """Write a code as it is read to somebody: `WDJB-MJHT`."""
    half = USER_CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"
