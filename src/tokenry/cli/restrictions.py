"""What a new token may not, as options: be used before a moment, manage tokens, be used as often as anybody likes."""

from dataclasses import dataclass
from typing import Any

from tokenry.cli.expiry import read_start
from tokenry.cli.options import NewLimit, NotBefore, RotatesItselfOnly


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrictions:
    """Restrictions of a new token, as options."""

    not_before: NotBefore = None
    rotates_itself_only: RotatesItselfOnly = False
    requests_per_minute: NewLimit = None

    def read(self) -> dict[str, Any]:
        """What they say of a new token, by the names that the client has. Raises BadParameter."""
        return {
            "not_before": read_start(self.not_before),
            "rotates_itself_only": self.rotates_itself_only,
            "requests_per_minute": self.requests_per_minute,
        }
