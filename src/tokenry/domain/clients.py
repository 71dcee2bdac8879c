"""OAuth clients: what is known of one, what it may do, and the rules for what is set."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from tokenry.domain.errors import Fault
from tokenry.domain.oauth import GrantType
from tokenry.domain.redirects import redirect_faults
from tokenry.domain.scopes import EVERYTHING, Scopes
from tokenry.domain.texts import shows

CLIENT_ID_LENGTH_MAX = 1024
"""Of the address of a metadata document; others have 20."""
CHOSEN_ID_LENGTH_MAX = 56
"""Of one that the operator chooses: the name of the client's own user has a prefix before it."""
CLIENT_LABEL_LENGTH_MAX = 100
REDIRECTS_MAX = 20
CLIENTS_PER_ACCOUNT_MAX = 200
SERVICE_USER_PREFIX = "client-"
_MADE_ID = re.compile(r"[0-9a-f]{20}", re.ASCII)
"""Of an id that nobody chose, which no other client will ever have."""
_CHOSEN_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{CHOSEN_ID_LENGTH_MAX - 1}}}", re.ASCII)


class Authentication(StrEnum):
    """How a client proves who it is, by RFC 7591's name for it; a public one cannot."""

    NONE = "none"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY = "private_key_jwt"

    @property
    def has_secret(self) -> bool:
        """Whether it is by a client secret. A client that has one may send it in either way."""
        return self in (Authentication.BASIC, Authentication.POST)


@dataclass(frozen=True, slots=True)
class ClientRights:
    """What a client was registered for.

    `scopes` is the most it can get. With `narrowing` users may give it less than it asks for. `pkce_required` is always
    so for public clients, but for those of the implicit grant, which have no code.
    """

    grant_types: frozenset[GrantType] = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
    scopes: Scopes = EVERYTHING
    pkce_required: bool = True
    dpop_required: bool = False
    par_required: bool = False
    narrowing: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """A client as it was registered. `id` is ours, `client_id` what it calls itself.

    `account_id` is None for one that no account has registered. `service_user_id` is who it is when it acts for itself.
    """

    id: int
    client_id: str
    account_id: int | None
    label: str
    website: str
    public: bool
    verified: bool
    redirect_uris: tuple[str, ...]
    authentication: Authentication
    rights: ClientRights
    created: datetime
    jwks: str | None = None
    service_user_id: int | None = None
    disabled: datetime | None = None
    self_registered: bool = False
    """Whether neither an administrator nor the operator has registered it."""

    def stands_at(self, addresses: Iterable[str]) -> bool:
        """Whether one of these is an address of the client's own: at its website, which the operator has verified.

        So a client that is an API is told of the tokens that are for it.
        """
        own = self.website.rstrip("/")
        return self.verified and bool(own) and any(each == own or each.startswith(f"{own}/") for each in addresses)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What can be set of it, by name."""
        own = {name: getattr(self, name) for name in OWN_SETTINGS}
        return {**own, **{name: getattr(self.rights, name) for name in RIGHTS}}

    @property
    def acts_for_itself(self) -> bool:
        """Whether it gets tokens without anybody's consent, so that it has to be somebody."""
        return GrantType.CLIENT_CREDENTIALS in self.rights.grant_types

    @property
    def refreshes(self) -> bool:
        """Whether it gets a refresh token beside an access token that a user agreed to."""
        return GrantType.REFRESH_TOKEN in self.rights.grant_types

    @property
    def can_be_forgotten(self) -> bool:
        """Whether its row may go some time after it was deleted.

        Not that of an id that somebody chose, which no other client may have after it; nor of one that was a user.
        """
        return _MADE_ID.fullmatch(self.client_id) is not None and self.service_user_id is None

    @property
    def service_username(self) -> str:
        """The name of the user that it is when it acts for itself."""
        return f"{SERVICE_USER_PREFIX}{self.client_id}"


OWN_SETTINGS = ("label", "website", "redirect_uris", "authentication", "jwks", "verified")
RIGHTS = tuple(each.name for each in fields(ClientRights))
NO_CLIENT = Client(
    id=0,
    client_id="",
    account_id=None,
    label="",
    website="",
    public=False,
    verified=False,
    redirect_uris=(),
    authentication=Authentication.BASIC,
    rights=ClientRights(),
    created=datetime.fromtimestamp(0, UTC),
)
"""What a new client is before anything is set: confidential, and with the strict rules."""


@dataclass(frozen=True, slots=True)
class ClientChange:
    """What is to be set of a client, by name; `faults` are those found while reading the request.

    Beside a client's `settings` there are two names of the wire format's: `public`, and `redirect_uri`, which is the
    first of its addresses.
    """

    settings: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()

    def check(self, client: Client) -> list[Fault]:
        """Say everything that is wrong with it."""
        field = "redirect_uris" if "redirect_uris" in self.settings else "redirect_uri"
        found = client_faults(self.applied_to(client), field)
        wrong = {fault.field for fault in self.faults}  # what could not be read is not judged
        return [*self.faults, *(fault for fault in found if fault.field not in wrong)]

    def applied_to(self, client: Client) -> Client:
        """The client as it is to be."""
        settings = {**client.settings, **self.settings}
        if "redirect_uri" in settings:
            settings["redirect_uris"] = (settings["redirect_uri"], *settings["redirect_uris"][1:])
        if "public" in self.settings and "authentication" not in self.settings:
            before = settings["authentication"]
            confidential = Authentication.BASIC if before is Authentication.NONE else before
            settings["authentication"] = Authentication.NONE if self.settings["public"] else confidential
        return replace(
            client,
            **{name: settings[name] for name in OWN_SETTINGS},
            public=settings["authentication"] is Authentication.NONE,
            rights=ClientRights(**{name: settings[name] for name in RIGHTS}),
        )


def client_differences(before: Client, after: Client) -> dict[str, dict[str, object]]:
    """What is different about a client, from and to, in words for the audit."""
    return {
        name: {"from": _plain(name, value), "to": _plain(name, after.settings[name])}
        for name, value in before.settings.items()
        if value != after.settings[name]
    }


def face_of(client: Client) -> tuple[object, ...]:
    """What users know a client by: its name, and where they go from here."""
    return client.label, client.website, frozenset(client.redirect_uris)


def loses_rights(before: Client, after: Client) -> bool:
    """Whether what it was given before may do what it may not ask for any more."""
    less_often = not before.rights.grant_types <= after.rights.grant_types
    return (
        less_often
        or not after.rights.scopes.covers(before.rights.scopes)
        or (after.rights.dpop_required and not before.rights.dpop_required)
    )


def client_faults(client: Client, redirect_field: str = "redirect_uris") -> list[Fault]:
    """Say everything that is wrong with a client as it is to be."""
    faults = _label_faults(client.label)
    if client.website and (not client.website.startswith("https://") or redirect_faults(client.website)):
        faults.append(Fault("Must be an https:// address, or empty", "website"))
    faults += _redirect_faults(client, redirect_field)
    rights, grants = client.rights, client.rights.grant_types
    if not grants:
        faults.append(Fault("Must contain at least one grant type", "grant_types"))
    if client.public and client.acts_for_itself:
        faults.append(Fault("A public client cannot act for itself", "grant_types"))
    if client.public and GrantType.TOKEN_EXCHANGE in grants:
        faults.append(Fault("A public client cannot exchange tokens", "grant_types"))
    if client.public and GrantType.AUTHORIZATION_CODE in grants and not rights.pkce_required:
        faults.append(Fault("Must be true for a public client", "pkce_required"))
    if rights.dpop_required and GrantType.IMPLICIT in grants:
        faults.append(Fault("The implicit grant cannot prove a key", "dpop_required"))
    if client.authentication is Authentication.PRIVATE_KEY and client.jwks is None:
        faults.append(Fault("Must be sent for private_key_jwt", "jwks"))
    return faults


def chosen_id_faults(client_id: str) -> list[Fault]:
    """Say whether a client can be called so by choice."""
    if _CHOSEN_ID.fullmatch(client_id):
        return []
    wanted = f"Must be 1-{CHOSEN_ID_LENGTH_MAX} ASCII letters, digits, dots, dashes and underscores"
    return [Fault(wanted, "client_id")]


def _label_faults(label: str) -> list[Fault]:
    if not 1 <= len(label) <= CLIENT_LABEL_LENGTH_MAX:
        return [Fault(f"Length must be 1-{CLIENT_LABEL_LENGTH_MAX} characters", "label")]
    if not label.isprintable():
        return [Fault("Must be printable characters", "label")]
    return [] if shows(label) else [Fault("Must have at least one visible character", "label")]


def _redirect_faults(client: Client, field: str) -> list[Fault]:
    uris, sends_back = client.redirect_uris, {GrantType.AUTHORIZATION_CODE, GrantType.IMPLICIT}
    if not uris and sends_back & client.rights.grant_types:
        return [Fault("Must be sent", field)]
    if len(uris) > REDIRECTS_MAX:
        return [Fault(f"Must be at most {REDIRECTS_MAX} addresses", field)]
    return [fault for uri in uris for fault in redirect_faults(uri, field)]


def _plain(name: str, value: Any) -> object:
    match name:
        case "grant_types":
            return sorted(value)
        case "redirect_uris":
            return list(value)
        case "scopes":
            return str(value)
        case "jwks":  # long, and told apart by this
            return None if value is None else sha256(value.encode()).hexdigest()
    return value


@dataclass(frozen=True, slots=True)
class PresentedClient:
    """Who asks, by its own word, and its proof: a secret, or a signed assertion (RFC 7523). A public one has none."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)
