"""What can be recorded, which is everything that changes something: a closed list, `Event`.

An event says what was done to what (`action`, `subject`); the rest is in its fields, of which none is a secret.
docs/audit.md tells users of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, TypeAlias, get_args

from tokenry.domain.policy import Policy
from tokenry.domain.scopes import Scopes
from tokenry.domain.spans import write_span

_SUBJECTS = {"token_id", "user_id", "account_id", "oauth_client_id"}
_KEYS = {"before": "from", "after": "to"}
"""The names of fields that Python keeps for itself."""


@dataclass(frozen=True, slots=True)
class _Event:
    action: ClassVar[str]

    @property
    def details(self) -> Mapping[str, object]:
        """The fields that are set, as JSON, without the subject; each of the `changes` by itself."""
        details: dict[str, Any] = {
            _KEYS.get(field.name, field.name): _plain(value)
            for field in fields(self)
            if field.name not in _SUBJECTS and (value := getattr(self, field.name)) is not None
        }
        changes: Mapping[str, object] = details.pop("changes", {})
        return {**details, **changes}


@dataclass(frozen=True, slots=True)
class _OfToken(_Event):
    token_id: int

    @property
    def subject(self) -> str:
        return f"token:{self.token_id}"


@dataclass(frozen=True, slots=True)
class _OfUser(_Event):
    user_id: int

    @property
    def subject(self) -> str:
        return f"user:{self.user_id}"


@dataclass(frozen=True, slots=True)
class _OfAccount(_Event):
    account_id: int

    @property
    def subject(self) -> str:
        return f"account:{self.account_id}"


@dataclass(frozen=True, slots=True)
class _OfClient(_Event):
    oauth_client_id: int
    client_id: str

    @property
    def subject(self) -> str:
        return f"client:{self.oauth_client_id}"


@dataclass(frozen=True, slots=True)
class TokenCreated(_OfToken):
    """A token was made."""

    action = "token.create"
    label: str
    scopes: Scopes
    expiry: datetime


@dataclass(frozen=True, slots=True)
class TokenRenamed(_OfToken):
    """A token got another label."""

    action = "token.rename"
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TokenUpdated(_OfToken):
    """A token's description or networks were changed; from and to, by name."""

    action = "token.update"
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TokenRotated(_OfToken):
    """A token got another secret; the one before opens for `grace` seconds more, which begin as `activate` says."""

    action = "token.rotate"
    activate: str
    grace: int


@dataclass(frozen=True, slots=True)
class TokenReissued(_OfToken):
    """A request was repeated whose answer got lost: a fresh secret is in the place of the one that nobody got."""

    action = "token.reissue"


@dataclass(frozen=True, slots=True)
class TokenShortened(_OfToken):
    """A token expires sooner, since a policy was set."""

    action = "token.shorten"
    before: datetime
    after: datetime


@dataclass(frozen=True, slots=True)
class TokenRevoked(_OfToken):
    """A token was revoked; `reported` is the preview of a secret that leaked."""

    action = "token.revoke"
    reported: str | None = None


@dataclass(frozen=True, slots=True)
class UserCreated(_OfUser):
    """A user was made."""

    action = "user.create"
    username: str
    admin: bool


@dataclass(frozen=True, slots=True)
class UserUpdated(_OfUser):
    """A user's name, address or rights were changed; from and to, by name."""

    action = "user.update"
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class UserDisabled(_OfUser):
    """A user's tokens are refused from now on."""

    action = "user.disable"
    username: str


@dataclass(frozen=True, slots=True)
class UserEnabled(_OfUser):
    """A user's tokens open again."""

    action = "user.enable"
    username: str


@dataclass(frozen=True, slots=True)
class UserDeleted(_OfUser):
    """A user was deleted; the user's tokens were revoked, each with its own event."""

    action = "user.delete"
    username: str


@dataclass(frozen=True, slots=True)
class ProfileUpdated(_OfUser):
    """A user changed settings in their own profile; `changed` are the names of those."""

    action = "profile.update"
    changed: Sequence[str]


@dataclass(frozen=True, slots=True)
class SessionBegun(_OfUser):
    """Somebody signed in, by `method`."""

    action = "session.begin"
    session_id: int
    method: str


@dataclass(frozen=True, slots=True)
class SessionEnded(_OfUser):
    """Somebody was signed out."""

    action = "session.end"
    session_id: int


@dataclass(frozen=True, slots=True)
class AuthenticatorSet(_OfUser):
    """A user has set up an app for one-time passwords, in place of one that there may have been."""

    action = "authenticator.set"


@dataclass(frozen=True, slots=True)
class AuthenticatorRemoved(_OfUser):
    """A user gave up one-time passwords."""

    action = "authenticator.remove"


@dataclass(frozen=True, slots=True)
class PasskeyAdded(_OfUser):
    """A user has another passkey."""

    action = "passkey.add"
    passkey_id: int
    label: str


@dataclass(frozen=True, slots=True)
class PasskeyRenamed(_OfUser):
    """A passkey got another label."""

    action = "passkey.rename"
    passkey_id: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PasskeyRemoved(_OfUser):
    """A passkey opens nothing any more."""

    action = "passkey.remove"
    passkey_id: int
    label: str


@dataclass(frozen=True, slots=True)
class PasskeyCloned(_OfUser):
    """A passkey was refused, since by its count of signatures there are two of it."""

    action = "passkey.clone"
    passkey_id: int
    label: str


@dataclass(frozen=True, slots=True)
class RecoveryCodesMade(_OfUser):
    """A user was shown new recovery codes; those before open nothing any more."""

    action = "recovery_codes.make"


@dataclass(frozen=True, slots=True)
class RecoveryCodeUsed(_OfUser):
    """Somebody signed in with a recovery code; so many are `left`."""

    action = "recovery_codes.use"
    left: int


@dataclass(frozen=True, slots=True)
class FactorsReset(_OfUser):
    """The operator took away a user's passkeys, one-time passwords and recovery codes."""

    action = "factors.reset"
    username: str


@dataclass(frozen=True, slots=True)
class PasswordSet(_OfUser):
    """A user has another password, or the first one: by a `link`, or by a `change` of who was signed in."""

    action = "password.set"
    by: str


@dataclass(frozen=True, slots=True)
class LinkCreated(_OfUser):
    """A link was made by which somebody chooses a password, once."""

    action = "link.create"
    expires: datetime


@dataclass(frozen=True, slots=True)
class IdentityLinked(_OfUser):
    """A user is from now on who an OpenID provider says; by an `address`, or made for a `sign-in`."""

    action = "identity.link"
    provider: str
    issuer: str
    provider_subject: str
    by: str


@dataclass(frozen=True, slots=True)
class AccountCreated(_OfAccount):
    """An account was made: a child of the one with the id `parent_id`, if there is one."""

    action = "account.create"
    company: str
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class AccountUpdated(_OfAccount):
    """An account's name or address was changed; from and to, by name."""

    action = "account.update"
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AccountDetached(_OfAccount):
    """An account is no longer a child of the one with the id `parent_id`."""

    action = "account.detach"
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class ClientCreated(_OfClient):
    """An OAuth client was registered."""

    action = "client.create"
    label: str
    redirect_uris: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClientUpdated(_OfClient):
    """What is known of a client, or what it may do, was changed; from and to, by name."""

    action = "client.update"
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ClientSecretReset(_OfClient):
    """A client got another secret; the one before proves nothing any more."""

    action = "client.reset_secret"


@dataclass(frozen=True, slots=True)
class ClientDisabled(_OfClient):
    """A client gets nothing from now on; what it was let in for ended, each with its own event."""

    action = "client.disable"


@dataclass(frozen=True, slots=True)
class ClientEnabled(_OfClient):
    """A client may ask users again."""

    action = "client.enable"


@dataclass(frozen=True, slots=True)
class ClientDeleted(_OfClient):
    """A client was deleted; what it was let in for ended, each with its own event."""

    action = "client.delete"


@dataclass(frozen=True, slots=True)
class AppAllowed(_OfUser):
    """A user let a client in, or for more than before."""

    action = "app.allow"
    app_id: int
    client_id: str
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class DeviceAllowed(_OfUser):
    """A user let a device in, which had asked from this address."""

    action = "device.allow"
    app_id: int
    client_id: str
    scopes: Scopes
    address: str | None = None


@dataclass(frozen=True, slots=True)
class GrantBegun(_OfUser):
    """A client was given its first tokens of a grant."""

    action = "grant.begin"
    app_id: int
    grant_id: int
    grant_type: str
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class GrantRefreshed(_OfUser):
    """A client was given further tokens of a grant, for a refresh token."""

    action = "grant.refresh"
    app_id: int
    grant_id: int
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class AppEnded(_OfUser):
    """What a user had let a client in for is over, and its grants."""

    action = "app.end"
    app_id: int
    client_id: str


@dataclass(frozen=True, slots=True)
class GrantEnded(_OfUser):
    """What one authorization had brought is over; `reason` where neither user nor client asked for it."""

    action = "grant.end"
    app_id: int
    grant_id: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PolicySet(_Event):
    """The operator set a policy."""

    action = "policy.set"
    subject = "policy"
    before: Policy
    after: Policy


Event: TypeAlias = (
    TokenCreated
    | TokenRenamed
    | TokenUpdated
    | TokenRotated
    | TokenReissued
    | TokenShortened
    | TokenRevoked
    | UserCreated
    | UserUpdated
    | UserDisabled
    | UserEnabled
    | UserDeleted
    | ProfileUpdated
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
    | AppEnded
    | GrantEnded
    | PolicySet
)
EVENTS: tuple[type[Event], ...] = get_args(Event)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case Scopes():
            return str(value)
        case Policy():
            return {
                "lifetime_max": None if value.lifetime_max is None else write_span(value.lifetime_max),
                "expiry_required": value.expiry_required,
                "tokens_per_user_max": value.tokens_per_user_max,
                "scopes": {kind.value: str(scopes) for kind, scopes in value.scopes.items()},
                "second_factor": value.second_factor.value,
            }
    return value
