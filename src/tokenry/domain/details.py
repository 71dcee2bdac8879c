"""What is known of a token beyond the wire format: who made it, when it was last used, what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum

from tokenry.domain.errors import Fault
from tokenry.domain.metadata import NO_METADATA
from tokenry.domain.networks import Network
from tokenry.domain.texts import storable_faults
from tokenry.domain.tokens import Token

DESCRIPTION_LENGTH_MAX = 500


class State(Enum):
    """What a token is now. A token that was revoked stays so, whether or not it would have expired since.

    One that is pending opens nothing before its moment, one that is disabled nothing until it is enabled, also if its
    moment comes; they expire meanwhile.
    """

    ACTIVE = "active"
    PENDING = "pending"
    DISABLED = "disabled"
    EXPIRED = "expired"
    REVOKED = "revoked"


ANY_STATE = "all"
STATES = {**{state.value: state for state in State}, ANY_STATE: None}
"""What a list may be asked for, by name; None for tokens of any state."""


class Several(Enum):
    """Several states together."""

    NOT_ENDED = "neither expired nor revoked"


class Reason(StrEnum):
    """Why a token was revoked, where somebody said so."""

    LEAKED = "leaked"
    UNUSED = "unused"
    OFFBOARDING = "offboarding"
    ROTATED = "rotated"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Use:
    """The newest use of a token that was seen."""

    at: datetime
    address: str | None
    agent: str | None


@dataclass(frozen=True, slots=True)
class Revocation:
    """When a token was revoked, by whom and why; `by` is None for one so old that nobody wrote it down."""

    at: datetime
    by: str | None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Disabling:
    """When a token was disabled and by whom."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Details:
    """A token with everything that is known of it.

    No `networks` means it may be used from anywhere, 0 `requests_per_minute` as often as its user's kind may. Both are
    None when the token can no longer be used. It was made to be refused before `not_before`, if that is there, and may
    give itself another secret and do nothing else here if it `rotates_itself_only`.
    """

    token: Token
    username: str
    state: State
    description: str
    networks: tuple[Network, ...] | None
    requests_per_minute: int | None
    created_by: str | None
    last_use: Use | None
    revocation: Revocation | None
    disabled: Disabling | None = None
    not_before: datetime | None = None
    metadata: str = NO_METADATA
    rotates_itself_only: bool = False


@dataclass(frozen=True, slots=True)
class NewDetails:
    """Another description, other networks, limit or metadata, disabled or enabled; None leaves it as it is."""

    description: str | None = None
    networks: tuple[Network, ...] | None = None
    requests_per_minute: int | None = None
    disabled: bool | None = None
    metadata: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tokens a list is of: in this state or in one of several, None for any.

    And which were used, or expire, before or after a moment. One that was never used was last used before any moment.
    """

    state: State | Several | None = State.ACTIVE
    last_used_before: datetime | None = None
    last_used_after: datetime | None = None
    expires_before: datetime | None = None
    expires_after: datetime | None = None


LIVE_TOKENS = Selection()
NOT_ENDED = Selection(Several.NOT_ENDED)
"""What the wire format lists: those that are disabled, too."""


def description_faults(description: str) -> list[Fault]:
    """Say what is wrong with a description: 0-500 characters that both database engines can store."""
    if len(description) > DESCRIPTION_LENGTH_MAX:
        return [Fault(f"Length must be 0-{DESCRIPTION_LENGTH_MAX} characters", "description")]
    return storable_faults(description, "description")
