"""OAuth clients: what is known of one, and what it may do."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tokenry.domain.oauth import GrantType
from tokenry.domain.scopes import EVERYTHING, Scopes

CLIENT_ID_LENGTH_MAX = 1024


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


@dataclass(frozen=True, slots=True)
class PresentedClient:
    """Who asks, by its own word, and its proof: a secret, or a signed assertion (RFC 7523). A public one has none."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)
