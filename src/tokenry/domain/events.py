"""What can be recorded, which is everything that changes something: a closed list, `Event`.

An event says what was done to what (`action`, `subject`); the rest is in its fields, of which none is a secret. Some
are defined in `…_events.py`. docs/audit.md tells users of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, get_args

from tokenry.domain.details import Reason
from tokenry.domain.event_subjects import OfAccount, OfClient, OfToken, OfUser, Recorded
from tokenry.domain.notice_events import NoticeEvent
from tokenry.domain.policy import Policy
from tokenry.domain.scopes import Scopes
from tokenry.domain.sign_in_events import (
    AuthenticatorRemoved,
    AuthenticatorSet,
    FactorsReset,
    IdentityLinked,
    IdentityUnlinked,
    LinkCreated,
    PasskeyAdded,
    PasskeyCloned,
    PasskeyRemoved,
    PasskeyRenamed,
    PasswordSet,
    RecoveryCodesMade,
    RecoveryCodeUsed,
    SessionBegun,
    SessionEnded,
)
from tokenry.domain.watch_events import WatchEvent
from tokenry.domain.webhook_events import WebhookEvent


@dataclass(frozen=True, slots=True)
class TokenCreated(OfToken):
    """A token was made, refused before a moment if there is one; of its `metadata` the keys, if it has any.

    `rotates_itself_only`, a description and networks are there where that is so.
    """

    action = "token.create"
    label: str
    scopes: Scopes
    expiry: datetime
    not_before: datetime | None = None
    metadata: Sequence[str] | None = None
    rotates_itself_only: bool | None = None
    requests_per_minute: int | None = None
    description: str | None = None
    networks: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class TokenRenamed(OfToken):
    """A token got another label."""

    action = "token.rename"
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TokenUpdated(OfToken):
    """A token's description, networks, limit or metadata were changed; from and to, and of metadata the keys."""

    action = "token.update"
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TokenRotated(OfToken):
    """A token got another secret; the one before opens for `grace` seconds more, which begin as `activate` says."""

    action = "token.rotate"
    activate: str
    grace: int


@dataclass(frozen=True, slots=True)
class TokenReissued(OfToken):
    """A request was repeated whose answer got lost: a fresh secret is in the place of the one that nobody got."""

    action = "token.reissue"


@dataclass(frozen=True, slots=True)
class TokenShortened(OfToken):
    """A token expires sooner, since a policy was set."""

    action = "token.shorten"
    before: datetime
    after: datetime


@dataclass(frozen=True, slots=True)
class TokenDisabled(OfToken):
    """A token is refused from now on, until it is enabled."""

    action = "token.disable"


@dataclass(frozen=True, slots=True)
class TokenEnabled(OfToken):
    """A token opens again."""

    action = "token.enable"


@dataclass(frozen=True, slots=True)
class TokenRevoked(OfToken):
    """A token was revoked, for a `reason` if one was given; `reported` is the preview of a secret that leaked."""

    action = "token.revoke"
    reported: str | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class UserCreated(OfUser):
    """A user was made; of its `metadata` the keys, if it has any."""

    action = "user.create"
    username: str
    admin: bool
    metadata: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class UserUpdated(OfUser):
    """A user's name, address, rights or metadata were changed; from and to, and of metadata the keys."""

    action = "user.update"
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class UserDisabled(OfUser):
    """A user's tokens are refused from now on."""

    action = "user.disable"
    username: str


@dataclass(frozen=True, slots=True)
class UserEnabled(OfUser):
    """A user's tokens open again."""

    action = "user.enable"
    username: str


@dataclass(frozen=True, slots=True)
class UserDeleted(OfUser):
    """A user was deleted; the user's tokens were revoked, each with its own event."""

    action = "user.delete"
    username: str


@dataclass(frozen=True, slots=True)
class PageTokenCreated(OfUser):
    """A product's page was given a user's own tokens to manage; `page_token` is the preview of what it was given."""

    action = "page_token.create"
    page_token: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class ProfileUpdated(OfUser):
    """A user changed settings in their own profile; `changed` are the names of those."""

    action = "profile.update"
    changed: Sequence[str]


@dataclass(frozen=True, slots=True)
class AccountCreated(OfAccount):
    """An account was made: a child of the one with the id `parent_id`, if there is one."""

    action = "account.create"
    company: str
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class AccountUpdated(OfAccount):
    """An account's name or address was changed; from and to, by name."""

    action = "account.update"
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AccountDetached(OfAccount):
    """An account is no longer a child of the one with the id `parent_id`."""

    action = "account.detach"
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class ClientCreated(OfClient):
    """An OAuth client was registered."""

    action = "client.create"
    label: str
    redirect_uris: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClientUpdated(OfClient):
    """What is known of a client, or what it may do, was changed; from and to, by name."""

    action = "client.update"
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ClientSecretReset(OfClient):
    """A client got another secret; the one before proves nothing any more."""

    action = "client.reset_secret"


@dataclass(frozen=True, slots=True)
class ClientDisabled(OfClient):
    """A client gets nothing from now on; what it was let in for ended, each with its own event."""

    action = "client.disable"


@dataclass(frozen=True, slots=True)
class ClientEnabled(OfClient):
    """A client may ask users again."""

    action = "client.enable"


@dataclass(frozen=True, slots=True)
class ClientDeleted(OfClient):
    """A client was deleted; what it was let in for ended, each with its own event."""

    action = "client.delete"


@dataclass(frozen=True, slots=True)
class AppAllowed(OfUser):
    """A user let a client in, or for more than before."""

    action = "app.allow"
    app_id: int
    client_id: str
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class DeviceAllowed(OfUser):
    """A user let a device in, which had asked from this address."""

    action = "device.allow"
    app_id: int
    client_id: str
    scopes: Scopes
    address: str | None = None


@dataclass(frozen=True, slots=True)
class GrantBegun(OfUser):
    """A client was given its first tokens of a grant."""

    action = "grant.begin"
    app_id: int
    grant_id: int
    grant_type: str
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class GrantRefreshed(OfUser):
    """A client was given further tokens of a grant, for a refresh token."""

    action = "grant.refresh"
    app_id: int
    grant_id: int
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class TokenExchanged(OfUser):
    """A client was given a token of a grant, its own or another's, for an access token that it had."""

    action = "grant.exchange"
    app_id: int
    grant_id: int
    client_id: str
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class AppEnded(OfUser):
    """What a user had let a client in for is over, and its grants."""

    action = "app.end"
    app_id: int
    client_id: str


@dataclass(frozen=True, slots=True)
class GrantEnded(OfUser):
    """What one authorization had brought is over; `reason` where neither user nor client asked for it."""

    action = "grant.end"
    app_id: int
    grant_id: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PolicySet(Recorded):
    """The operator set a policy, or an administrator of the first account, of which it is then."""

    action = "policy.set"
    subject = "policy"
    before: Policy
    after: Policy
    account_id: int | None = None


Event: TypeAlias = (
    TokenCreated
    | TokenRenamed
    | TokenUpdated
    | TokenRotated
    | TokenReissued
    | TokenShortened
    | TokenDisabled
    | TokenEnabled
    | TokenRevoked
    | WatchEvent
    | UserCreated
    | UserUpdated
    | UserDisabled
    | UserEnabled
    | UserDeleted
    | PageTokenCreated
    | ProfileUpdated
    | NoticeEvent
    | SessionBegun
    | SessionEnded
    | AuthenticatorSet
    | AuthenticatorRemoved
    | PasskeyAdded
    | PasskeyRenamed
    | PasskeyRemoved
    | PasskeyCloned
    | RecoveryCodesMade
    | RecoveryCodeUsed
    | FactorsReset
    | PasswordSet
    | LinkCreated
    | IdentityLinked
    | IdentityUnlinked
    | AccountCreated
    | AccountUpdated
    | AccountDetached
    | ClientCreated
    | ClientUpdated
    | ClientSecretReset
    | ClientDisabled
    | ClientEnabled
    | ClientDeleted
    | AppAllowed
    | DeviceAllowed
    | GrantBegun
    | GrantRefreshed
    | TokenExchanged
    | AppEnded
    | GrantEnded
    | WebhookEvent
    | PolicySet
)
EVENTS: tuple[type[Event], ...] = get_args(Event)
