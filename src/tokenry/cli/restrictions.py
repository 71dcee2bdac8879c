"""What a new token may not, as options: be used before a moment, manage tokens, be used as often as anybody likes."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from tokenry.cli.expiry import read_start
from tokenry.cli.options import NotBefore, RotatesItselfOnly
from tokenry.client.tokens import NewToken

_LIMIT = partial(
    typer.Option,
    "--requests-per-minute",
    metavar="N",
    min=0,
    help="How many requests a minute it may be used for, where they are counted; 0 for no limit.",
)
NewLimit = Annotated[int | None, _LIMIT(show_default="no limit")]
ChangedLimit = Annotated[int | None, _LIMIT(show_default="as it is")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrictions:
    """Restrictions of a new token, as options."""

    not_before: NotBefore = None
    rotates_itself_only: RotatesItselfOnly = False
    requests_per_minute: NewLimit = None

    def read(self) -> NewToken:
        """What they say of a new token. Raises BadParameter."""
        return {
            "not_before": read_start(self.not_before),
            "rotates_itself_only": self.rotates_itself_only,
            "requests_per_minute": self.requests_per_minute,
        }
