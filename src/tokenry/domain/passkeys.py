"""Passkeys: key pairs of a person's device, each for one service and one user (Web Authentication level 3)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from tokenry.domain.errors import Fault
from tokenry.domain.secrets import Peppers
from tokenry.domain.texts import is_storable, shows

LABEL_LENGTH_MAX = 64
PASSKEYS_MAX = 20
"""Of a user."""
CHALLENGE_BYTES = 32
CHALLENGE_LIFETIME = timedelta(minutes=10)
ANSWER_LENGTH_MAX = 16_384


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its user sees it."""

    id: int
    user_id: int
    label: str
    created: datetime
    used: datetime | None


@dataclass(frozen=True, slots=True)
class PasskeyKey:
    """What a passkey is to those who verify it. `sign_count` is how often it has signed, or always 0."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """This service as browsers know it: its origin, and the host of that, which its passkeys are for."""

    origin: str
    id: str

    @classmethod
    def of(cls, public_url: str | None) -> Self | None:
        """The service at an address; None without one, and for a bare IP address, for which there are no passkeys."""
        host = urlsplit(public_url or "").hostname
        if public_url is None or not host:
            return None
        try:
            ip_address(host)
        except ValueError:
            return cls(public_url, host)
        return None


def is_cloned(before: int, after: int) -> bool:
    """Whether a count of signatures says that there are two of one passkey (section 6.1.1). Many count nothing."""
    return (before, after) != (0, 0) and after <= before


def user_handle(peppers: Peppers, user_id: int) -> bytes:
    """What a device knows a user by: it tells nobody who that is (section 14.6.1), and stays the same."""
    return peppers.digest_words("user handle", str(user_id), generation=1)


def label_faults(label: str) -> list[Fault]:
    """Say what is wrong with the label of a passkey."""
    if len(label) > LABEL_LENGTH_MAX or not label.isprintable() or not is_storable(label):
        return [Fault(f"Use at most {LABEL_LENGTH_MAX} characters that can be seen.", "label")]
    return [] if shows(label) else [Fault("Give it a name by which you will know it.", "label")]
