"""What events are made of: their subject, and the rest as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from tokenry.domain.policy import Policy
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NEVER

_SUBJECTS = ("token_id", "user_id", "account_id", "oauth_client_id")
_NAMES = {*_SUBJECTS, "webhook_id"}
_KEYS = {"before": "from", "after": "to"}
"""The names of fields that Python keeps for itself."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Something that was done, by the name of what it was."""

    action: ClassVar[str]

    @property
    def of(self) -> Mapping[str, int | None]:
        """The id of its subject, by the name of the field that has it, and None by those of others."""
        return {name: getattr(self, name, None) for name in _SUBJECTS}

    @property
    def details(self) -> Mapping[str, object]:
        """The fields that are set, as JSON, without the subject; each of the `changes` by itself."""
        details: dict[str, Any] = {
            _KEYS.get(field.name, field.name): _plain(value)
            for field in fields(self)
            if field.name not in _NAMES and (value := getattr(self, field.name)) is not None
        }
        changes: Mapping[str, object] = details.pop("changes", {})
        return {**details, **changes}


@dataclass(frozen=True, slots=True)
class OfToken(Recorded):
    """To a token."""

    token_id: int

    @property
    def subject(self) -> str:
        """What it was done to, as the audit has it."""
        return f"token:{self.token_id}"


@dataclass(frozen=True, slots=True)
class OfUser(Recorded):
    """To a user, or by one to what is the user's."""

    user_id: int

    @property
    def subject(self) -> str:
        """What it was done to, as the audit has it."""
        return f"user:{self.user_id}"


@dataclass(frozen=True, slots=True)
class OfAccount(Recorded):
    """To an account."""

    account_id: int

    @property
    def subject(self) -> str:
        """What it was done to, as the audit has it."""
        return f"account:{self.account_id}"


@dataclass(frozen=True, slots=True)
class OfClient(Recorded):
    """To an OAuth client."""

    oauth_client_id: int
    client_id: str

    @property
    def subject(self) -> str:
        """What it was done to, as the audit has it."""
        return f"client:{self.oauth_client_id}"


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return "never" if value == NEVER else value.isoformat()
        case Scopes():
            return str(value)
        case Policy():
            lifetime = value.lifetime_max
            return {
                "max_lifetime_seconds": None if lifetime is None else int(lifetime.total_seconds()),
                "expiry_required": value.expiry_required,
                "max_tokens": value.tokens_per_user_max,
                "scopes": {kind.value: str(scopes) for kind, scopes in value.scopes.items()},
                "second_factor": value.second_factor.value,
                "requests_per_minute": {kind.value: limit for kind, limit in value.requests_per_minute.items()},
            }
    return value
