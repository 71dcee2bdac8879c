"""Users: who owns tokens, and the rules for their names and addresses."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from tokenry.domain.errors import Fault

USERNAME_LENGTH_MAX = 64
EMAIL_LENGTH_MAX = 254
_USERNAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{USERNAME_LENGTH_MAX - 1}}}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class UserType(Enum):
    """What a user's account is to others. A proxy is a parent account's hand in a child account."""

    DEFAULT = "default"
    PARENT = "parent"
    CHILD = "child"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who owns tokens. A disabled user's tokens are refused at once; enabling brings them back.

    An administrator manages the account's users. `child_account_access` lets somebody else of a parent account into
    its child accounts.
    """

    id: int
    account_id: int
    username: str
    email: str
    admin: bool
    created: datetime
    disabled: datetime | None
    type: UserType = UserType.DEFAULT
    child_account_access: bool = False

    @property
    def restricted(self) -> bool:
        """The wire format's word for not being an administrator."""
        return not self.admin

    @property
    def proxy(self) -> bool:
        """Whether it is a parent account's, and so may neither make tokens nor change what the child account set."""
        return self.type is UserType.PROXY


def user_faults(*, username: str, email: str) -> list[Fault]:
    """Say what is wrong with a user's name and address; an empty address is none."""
    return username_faults(username) + (email_faults(email) if email else [])


def username_faults(username: str) -> list[Fault]:
    """Say what is wrong with a name. Names are safe in headers, paths and file names."""
    if _USERNAME.fullmatch(username):
        return []
    return [
        Fault(
            f"Must be 1-{USERNAME_LENGTH_MAX} ASCII letters, numbers, dots, dashes and underscores, "
            "starting with a letter or number",
            "username",
        )
    ]


def email_faults(email: str) -> list[Fault]:
    """Say what is wrong with an address."""
    if len(email) <= EMAIL_LENGTH_MAX and email.isprintable() and _EMAIL.fullmatch(email):
        return []
    return [Fault("Must be an email address", "email")]
