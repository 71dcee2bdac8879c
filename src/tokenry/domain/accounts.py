"""Accounts, their users, and who is acting."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tokenry.domain.errors import Fault
from tokenry.domain.scopes import Scopes

USERNAME_LENGTH_MAX = 64
EMAIL_LENGTH_MAX = 254
_USERNAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{USERNAME_LENGTH_MAX - 1}}}", re.ASCII)
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")


@dataclass(frozen=True, slots=True)
class Account:
    """Whoever runs the users: a company or a person. `euuid` is its public identity, 8-4-4-16 upper-case hex."""

    id: int
    euuid: str
    company: str


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who owns tokens. A disabled user's tokens are refused at once; enabling brings them back."""

    id: int
    account_id: int
    username: str
    email: str
    admin: bool
    created: datetime
    disabled: datetime | None


class Actor(NamedTuple):
    """Who is calling: the token that was presented, its scopes and expiry, its user and account.

    `expires_at` is in seconds since 1970; `preview` tells which of a token's secrets was presented. A named tuple,
    because one is made for every verification and a frozen dataclass takes five times as long to make.
    """

    token_id: int
    scopes: Scopes
    expires_at: int
    user_id: int
    username: str
    account_id: int
    account_euuid: str
    preview: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change comes from, for the audit: the actor if a token was used, else a name; and an address."""

    name: str
    actor: Actor | None = None
    address: str | None = None


def user_faults(*, username: str, email: str) -> list[Fault]:
    """Say what is wrong with a new user's name and address. Names are safe in headers, paths and file names."""
    faults = []
    if not _USERNAME.fullmatch(username):
        faults.append(
            Fault(
                f"Must be 1-{USERNAME_LENGTH_MAX} ASCII letters, numbers, dots, dashes and underscores, "
                "starting with a letter or number",
                "username",
            )
        )
    if email and (len(email) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(email)):
        faults.append(Fault("Must be an email address", "email"))
    return faults
