"""OpenID providers that people may sign in with, and what one says of somebody (OpenID Connect Core 1.0)."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from tokenry.domain.errors import Fault, Refusal
from tokenry.domain.public_url import is_loopback
from tokenry.domain.scopes import Scopes
from tokenry.domain.texts import is_storable
from tokenry.domain.users import USERNAME_LENGTH_MAX, email_faults

PROVIDERS_MAX = 20
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
SUBJECT_LENGTH_MAX = 255
URL_LENGTH_MAX = 2000
TURNS_MAX = 20
"""How many names are tried for a new user before none is free."""
_NOT_IN_USERNAME = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, and what the operator believes of it. `name` is in addresses, `label` on the button.

    The account of a new user is `account`, by name or euuid, or the one that the claim `account_claim` names; without
    either, the first there is. With an `admin_claim`, administrators are those of whom it is, or has, `admin_value`.
    New tokens of who signs in by it may do no more than the `ceiling`; without one it has no say in that.
    """

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    username_claim: str = "preferred_username"
    email_claim: str = "email"
    account: str | None = None
    account_claim: str | None = None
    admin_claim: str | None = None
    admin_value: str | None = None
    ceiling: Scopes | None = None
    create_users: bool = False
    link_by_verified_email: bool = False

    @property
    def method(self) -> str:
        """How somebody signed in, for sessions and logins."""
        return f"oidc:{self.name}"

    @property
    def claims(self) -> frozenset[str]:
        """The claims that are asked for what a person is."""
        named = (self.username_claim, self.email_claim, self.account_claim, self.admin_claim)
        verified = ("email_verified",) if self.link_by_verified_email else ()
        return frozenset(claim for claim in (*named, *verified) if claim is not None)


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in at a provider, as far as that is believed.

    `email` is empty where there is none; `account` is None where the provider has none for this person, or no say;
    `admin` is None where it has no say. `authenticated` is when the provider last made sure who it is, if it told.
    """

    issuer: str
    subject: str
    username: str
    email: str
    email_verified: bool
    account: str | None
    admin: bool | None
    authenticated: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """Who a user is to a provider."""

    id: int
    issuer: str
    subject: str
    created: datetime


class Trouble(Enum):
    """Why somebody is not signed in by a provider."""

    UNREACHABLE = "the provider does not answer as it should"
    UNTRUSTED = "what the provider said does not hold"
    STALE = "it was not begun in this browser, or too long ago, or is done"
    DECLINED = "the provider said no"
    STRANGER = "there is no user for this person"
    DISABLED = "the user is disabled"


class NotSignedIn(Refusal):
    """Somebody is not signed in by a provider. `reason` is for the operator's log; it quotes nothing secret."""

    def __init__(self, trouble: Trouble, reason: str) -> None:
        super().__init__(Fault(trouble.value))
        self.trouble = trouble
        self.reason = reason


def is_safe_url(text: str, *, plain: bool) -> bool:
    """Whether something may be asked or sent there: https, or if `plain` is allowed http on this machine."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname or "", url.port
    except ValueError:
        return False
    if not (text.isascii() and text.isprintable() and " " not in text and len(text) <= URL_LENGTH_MAX):
        return False
    if not host or url.username is not None or url.password is not None or url.fragment:
        return False
    return url.scheme == "https" or (plain and url.scheme == "http" and is_loopback(host))


def read_person(provider: Provider, claims: Mapping[str, Any]) -> Person:
    """Who claims are about that a provider signed. Raises NotSignedIn where they do not even say that."""
    match claims.get("sub"):
        case str(subject) if is_subject(subject):
            pass
        case _:
            raise NotSignedIn(Trouble.UNTRUSTED, "the ID token has no subject, or one too long")
    email = _text(claims, provider.email_claim)
    if email_faults(email):
        email = ""
    # What says that an address was verified says so of `email`, and of no other claim (Core section 5.1).
    verified = provider.email_claim == "email" and claims.get("email_verified") is True
    return Person(
        issuer=provider.issuer,
        subject=subject,
        username=_text(claims, provider.username_claim),
        email=email,
        email_verified=bool(email) and verified,
        account=provider.account if provider.account_claim is None else _text(claims, provider.account_claim) or None,
        admin=None if provider.admin_claim is None else _has(claims.get(provider.admin_claim), provider.admin_value),
        authenticated=_moment(claims.get("auth_time")),
    )


def is_subject(text: str) -> bool:
    """Whether a provider may call somebody that."""
    return 0 < len(text) <= SUBJECT_LENGTH_MAX and is_storable(text)


def candidate_usernames(person: Person) -> list[str]:
    """Names for a new user, the best first, all in the characters of usernames; none where nothing is known."""
    wanted = person.username.partition("@")[0] or person.email.partition("@")[0]
    plain = unicodedata.normalize("NFKD", wanted).encode("ascii", "ignore").decode("ascii")
    name = _NOT_IN_USERNAME.sub("-", plain).lstrip("._-")[: USERNAME_LENGTH_MAX - len(f"-{TURNS_MAX}")]
    return [name, *(f"{name}-{turn}" for turn in range(2, TURNS_MAX + 1))] if name else []


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) and value.isprintable() else ""


def _has(value: object, wanted: str | None) -> bool:
    return value == wanted or (isinstance(value, list) and wanted in value)


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and not isinstance(value, bool) else None
    except (OverflowError, OSError, ValueError):
        return None
