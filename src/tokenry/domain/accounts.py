"""Accounts, and who is acting."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NEVER_SECONDS


@dataclass(frozen=True, slots=True)
class Account:
    """Whoever runs the users: a company or a person. `euuid` is its public identity, 8-4-4-16 upper-case hex."""

    id: int
    euuid: str
    company: str
    created: datetime
    contact: "Contact"


@dataclass(frozen=True, slots=True)
class Contact:
    """Where an account is reached. Free text; what is not known is empty."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    address_1: str = ""
    address_2: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""
    phone: str = ""
    tax_id: str = ""


NO_CONTACT = Contact()


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

    @property
    def expires(self) -> int | None:
        """`expires_at`, or None for a token that does not expire."""
        return None if self.expires_at >= NEVER_SECONDS else self.expires_at


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change comes from, for the audit: the actor if a token was used, else a name; and an address."""

    name: str
    actor: Actor | None = None
    address: str | None = None
