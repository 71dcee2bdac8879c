"""Users whom a product manages by its own names for them, and whoever does that on its behalf."""

from dataclasses import dataclass
from typing import NamedTuple

from tokenry.domain.errors import Fault, Forbidden
from tokenry.domain.policy import UserKind
from tokenry.domain.secrets import holds_secret
from tokenry.domain.texts import shows
from tokenry.domain.users import User, email_faults, username_faults

MANAGERS = (UserKind.SERVICE, UserKind.ADMIN)
"""Who may manage users for a product, with the scopes for it; a proxy user, who is of a parent account, may not."""
EXTERNAL_ID_LENGTH_MAX = 255
_REPLACEMENT = "\ufffd"
"""What becomes of bytes in an address that are not UTF-8."""


class Managed(NamedTuple):
    """The user whom somebody manages, and whose tokens are meant."""

    user_id: int
    username: str


@dataclass(frozen=True, slots=True)
class UserWanted:
    """What a managed user is to be; None is as it was, or as it is made. `faults` are those found while reading."""

    username: str | None = None
    email: str | None = None
    disabled: bool | None = None
    metadata: str | None = None
    faults: tuple[Fault, ...] = ()

    def check(self, user: User | None = None) -> list[Fault]:
        """Say everything that is wrong with it; what the user already has is not judged again."""
        faults = list(self.faults)
        if self.username is not None and (user is None or self.username != user.username):
            faults += username_faults(self.username)
        if self.email and (user is None or self.email != user.email):
            faults += email_faults(self.email)
        return faults


def external_id_faults(text: str) -> list[Fault]:
    """Say what is wrong with a product's name for a user: 1-255 printable characters, compared as they are."""
    wrong = not text.isprintable() or not shows(text) or _REPLACEMENT in text or text in {".", ".."}
    if 1 <= len(text) <= EXTERNAL_ID_LENGTH_MAX and not wrong:
        # It is stored and shown as it is, and so would be a token that is in its place by mistake.
        return [Fault("Must not hold a token", "external_id")] if holds_secret(text) else []
    reason = f"Must be 1-{EXTERNAL_ID_LENGTH_MAX} printable characters, as UTF-8, and neither . nor .."
    return [Fault(reason, "external_id")]


def require_manager(user: User) -> None:
    """Raise Forbidden for a user who is neither a service account nor an administrator of the account's own."""
    if user.kind not in MANAGERS:
        raise Forbidden


def require_managed(user: User) -> None:
    """Raise Forbidden for a user whom nobody manages: administrators, service accounts, and proxy users."""
    if user.admin or user.service or user.proxy:
        raise Forbidden
