"""Accounts, and who is acting."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple, Self

from tokenry.domain.details import Reason
from tokenry.domain.errors import Fault
from tokenry.domain.managed import Managed
from tokenry.domain.metadata import NOTHING_KEPT, Metadata
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import PAGE
from tokenry.domain.texts import shows
from tokenry.domain.tokens import NEVER_SECONDS
from tokenry.domain.users import User, email_faults

COMPANY_LENGTH_MAX = 128
_NOT_IN_USERNAME = re.compile(r"[^A-Za-z0-9._-]")
_NOT_FIRST = re.compile(r"^[^A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Account:
    """The company or person that users belong to. `euuid` is its public identity, 8-4-4-16 upper-case hex.

    An account with a parent is a child account; it has no children of its own.
    """

    id: int
    euuid: str
    company: str
    created: datetime
    contact: "Contact"
    parent_id: int | None = None

    @property
    def settings(self) -> Mapping[str, str]:
        """What can be changed of it, by name."""
        return {"company": self.company, **asdict(self.contact)}


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
CONTACT_FIELDS = tuple(field.name for field in fields(Contact))
SETTINGS = ("company", *CONTACT_FIELDS)
"""What can be changed of an account, by name: so called everywhere, in the database and on the wire."""
SETTING_LENGTHS_MAX = {
    "first_name": 50,
    "last_name": 50,
    "address_1": 64,
    "address_2": 64,
    "city": 24,
    "state": 24,
    "zip": 16,
    "phone": 32,
    "tax_id": 100,
}
_COUNTRY = re.compile(r"(?:[A-Za-z]{2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class AccountChange:
    """Changes of an account, by name; `faults` are those found while reading the request."""

    settings: Mapping[str, str]
    faults: tuple[Fault, ...] = ()

    def check(self, account: Account) -> list[Fault]:
        """Say everything that is wrong with it; what the account already has is not judged again."""
        faults = list(self.faults)
        for name in self.differences(account):
            faults += _setting_faults(name, self.settings[name])
        return faults

    def differences(self, account: Account) -> dict[str, dict[str, str]]:
        """What it changes of an account, from and to."""
        before = account.settings
        return {
            name: {"from": before[name], "to": value} for name, value in self.settings.items() if value != before[name]
        }

    def applied_to(self, account: Account) -> Account:
        """The account as it is to be."""
        settings = {**account.settings, **self.settings}
        return replace(account, company=settings.pop("company"), contact=Contact(**settings))


class Actor(NamedTuple):
    """Who is calling: the token that was presented, its scopes and expiry, its user and account.

    `expires_at` is in seconds since 1970; `preview` tells which of a token's secrets was presented; `client_id` is the
    OAuth client that a token was given to, and None for one that its user made; `audience` is for whom it is meant, if
    for somebody in particular; `admin` is whether the user manages the account; `external_id` is a product's name for
    the user, and `metadata` what it keeps with user and token; until `not_before`, also in seconds since 1970, the
    token is refused; one that `rotates_itself_only` does nothing else on this service's own paths. A named tuple,
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
    client_id: str | None = None
    admin: bool = False
    audience: tuple[str, ...] = ()
    external_id: str | None = None
    not_before: int = 0
    rotates_itself_only: bool = False
    metadata: Metadata = NOTHING_KEPT

    @property
    def expires(self) -> int | None:
        """`expires_at`, or None for a token that does not expire."""
        return None if self.expires_at >= NEVER_SECONDS else self.expires_at

    @property
    def expiry(self) -> datetime | None:
        """When the token expires; None for never."""
        return None if self.expires_at >= NEVER_SECONDS else datetime.fromtimestamp(self.expires_at, UTC)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change comes from: who acts if a token was used, else a name; and an address.

    A session acts as a token does that may do all that its user may; `session_id` tells which. `user_id` is the user
    who acts without either, signing in. `managed` is the user for whom somebody else acts, who manages this one.
    `reason` is why tokens are revoked, where somebody said so.
    """

    name: str
    actor: Actor | None = None
    address: str | None = None
    session_id: int | None = None
    user_id: int | None = None
    managed: Managed | None = None
    reason: Reason | None = None

    @property
    def owner_id(self) -> int:
        """Whose tokens are meant, in a use case that takes a token."""
        if self.managed is not None:
            return self.managed.user_id
        assert self.actor is not None
        return self.actor.user_id

    def on_behalf_of(self, user: User) -> Self:
        """The same for a user whom whoever acts manages, and whose tokens are then meant."""
        return replace(self, managed=Managed(user.id, user.username))

    @property
    def page_token(self) -> str | None:
        """The preview of the page token by which a user's own browser acts, if it does."""
        return self.actor.preview if self.actor is not None and self.actor.preview.startswith(PAGE.prefix) else None

    @classmethod
    def of(cls, actor: Actor, address: str | None = None) -> Self:
        """Where what somebody does with a token comes from."""
        return cls(actor.username, actor, address)


def company_faults(company: str) -> list[Fault]:
    """Say what is wrong with an account's name: 1-128 printable characters, one of them visible."""
    if not (1 <= len(company) <= COMPANY_LENGTH_MAX and company.isprintable()):
        return [Fault(f"Must be 1-{COMPANY_LENGTH_MAX} printable characters", "company")]
    return [] if shows(company) else [Fault("Must have at least one visible character", "company")]


def _setting_faults(name: str, value: str) -> list[Fault]:
    match name:
        case "company":
            return company_faults(value)
        case "email":
            return email_faults(value)
        case "country":
            return [] if _COUNTRY.fullmatch(value) else [Fault("Must be a two-letter country code", name)]
    if len(value) <= SETTING_LENGTHS_MAX[name] and (not value or value.isprintable()):
        return []
    return [Fault(f"Must be 0-{SETTING_LENGTHS_MAX[name]} printable characters", name)]


def proxy_username(*, parent_company: str, child_euuid: str, turn: int = 0) -> str:
    """The name of a parent account's user in a child account, as the wire format has it.

    The first 15 characters of the parent's name, and 16 hexadecimal digits for the two accounts. What is in no username
    becomes a dash, and an `x` where it would come first: a username is sent in headers. Each further `turn` is another
    name, for where somebody has this one from before such names were kept from others.
    """
    digest = sha256(f"{parent_company}{child_euuid}{turn or ''}".encode()).hexdigest()
    shown = _NOT_IN_USERNAME.sub("-", parent_company[:15])
    return f"{_NOT_FIRST.sub('x', shown)}_{digest[:16]}"
