"""What a user let a client in for, and what one authorization brought."""

from dataclasses import dataclass, field
from datetime import datetime

from tokenry.domain.oauth import GrantType
from tokenry.domain.scopes import Scopes


@dataclass(frozen=True, slots=True)
class App:
    """What one user let one client in for: everything it was ever allowed since it was let in."""

    id: int
    user_id: int
    oauth_client_id: int
    scopes: Scopes
    created: datetime


@dataclass(frozen=True, slots=True)
class AuthorizedApp:
    """An app as its user sees it: what the client calls itself, and until when it is let in; None for not any more.

    It then has to ask again, and the user is not, for what was agreed to before.
    """

    id: int
    label: str
    website: str
    scopes: Scopes
    created: datetime
    expiry: datetime | None


@dataclass(frozen=True, slots=True)
class NewGrant:
    """What an authorization is to bring.

    `audience` is whom its tokens are for (RFC 8707), empty for this service; `jkt` the thumbprint of the key they are
    bound to (RFC 9449).
    """

    type: GrantType
    scopes: Scopes
    audience: tuple[str, ...] = ()
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class PresentedRefresh:
    """A refresh token as a client presents it: for all that its grant has, or for these scopes and this audience.

    An empty audience is this service. `jkt` is of the key that the client proved to have.
    """

    text: str = field(repr=False)
    scopes: Scopes | None = None
    audience: tuple[str, ...] | None = None
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A line of tokens, which end together. None outlives `expiry`."""

    id: int
    app_id: int
    user_id: int
    client_id: str
    type: GrantType
    scopes: Scopes
    audience: tuple[str, ...]
    jkt: str | None
    expiry: datetime
