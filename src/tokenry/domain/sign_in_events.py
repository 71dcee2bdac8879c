"""Events of signing in, and of that by which somebody does: a part of the list in `events.py`."""

from dataclasses import dataclass
from datetime import datetime

from tokenry.domain.event_subjects import OfUser


@dataclass(frozen=True, slots=True)
class SessionBegun(OfUser):
    """Somebody signed in, by `method`."""

    action = "session.begin"
    session_id: int
    method: str


@dataclass(frozen=True, slots=True)
class SessionEnded(OfUser):
    """Somebody was signed out."""

    action = "session.end"
    session_id: int


@dataclass(frozen=True, slots=True)
class PasswordSet(OfUser):
    """A user has another password, or the first one: by a `link`, or by a `change` of who was signed in."""

    action = "password.set"
    by: str


@dataclass(frozen=True, slots=True)
class LinkCreated(OfUser):
    """A link was made by which somebody chooses a password, once."""

    action = "link.create"
    expires: datetime


@dataclass(frozen=True, slots=True)
class AuthenticatorSet(OfUser):
    """A user has set up an app for one-time passwords, in place of one that there may have been."""

    action = "authenticator.set"


@dataclass(frozen=True, slots=True)
class AuthenticatorRemoved(OfUser):
    """A user gave up one-time passwords."""

    action = "authenticator.remove"


@dataclass(frozen=True, slots=True)
class PasskeyAdded(OfUser):
    """A user has another passkey."""

    action = "passkey.add"
    passkey_id: int
    label: str


@dataclass(frozen=True, slots=True)
class PasskeyRenamed(OfUser):
    """A passkey got another label."""

    action = "passkey.rename"
    passkey_id: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PasskeyRemoved(OfUser):
    """A passkey opens nothing any more."""

    action = "passkey.remove"
    passkey_id: int
    label: str


@dataclass(frozen=True, slots=True)
class PasskeyCloned(OfUser):
    """A passkey was refused, since by its count of signatures there are two of it."""

    action = "passkey.clone"
    passkey_id: int
    label: str


@dataclass(frozen=True, slots=True)
class RecoveryCodesMade(OfUser):
    """A user was shown new recovery codes; those before open nothing any more."""

    action = "recovery_codes.make"


@dataclass(frozen=True, slots=True)
class RecoveryCodeUsed(OfUser):
    """Somebody signed in with a recovery code; so many are `left`."""

    action = "recovery_codes.use"
    left: int


@dataclass(frozen=True, slots=True)
class FactorsReset(OfUser):
    """The operator took away a user's passkeys, one-time passwords and recovery codes."""

    action = "factors.reset"
    username: str


@dataclass(frozen=True, slots=True)
class IdentityLinked(OfUser):
    """A user is from now on who an OpenID provider says; by an `address`, a first `sign-in`, or the `operator`."""

    action = "identity.link"
    provider: str
    issuer: str
    provider_subject: str
    by: str


@dataclass(frozen=True, slots=True)
class IdentityUnlinked(OfUser):
    """The operator took from a user that an OpenID provider says so."""

    action = "identity.unlink"
    issuer: str
    provider_subject: str
