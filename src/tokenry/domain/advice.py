"""Advice on a token: which of its scopes were asked for, and which of them would have sufficed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from tokenry.domain.scopes import Scopes

ADVICE_DAYS = 30
"""So long a token is looked at before anything is said of it."""


class Silence(StrEnum):
    """Why nothing is advised."""

    TOO_YOUNG = "too_young"
    UNUSED = "unused"
    UNASKED = "unasked"


@dataclass(frozen=True, slots=True)
class ScopeUse:
    """A scope, and the last day of the last thirty on which it was needed; None if it was on none of them."""

    scope: str
    asked: date | None


@dataclass(frozen=True, slots=True)
class Advice:
    """What was asked for of a token's scopes since a day.

    Of `*` there is an entry for each scope that was asked for. `sufficient` are the scopes that would have been enough:
    all that it has where each was needed; None where nothing can be said, for the reason `silence`.
    """

    since: date
    scopes: Sequence[ScopeUse]
    sufficient: Scopes | None
    silence: Silence | None = None


def advise(held: Scopes, asked: Mapping[str, date], *, since: date, today: date, used: bool) -> Advice:
    """Advise on a token with these scopes, by what it was asked for in thirty days and when last.

    It is counted since the day `since`, and `used` is whether it was accepted at all in that time. A scope counts as
    asked for if it was needed for something that it implies.
    """
    needed = Scopes.parse(" ".join(asked)).by(held.implied)
    own = (needed if held.everything else held).texts
    uses = [ScopeUse(text, _last(Scopes.parse(text).by(held.implied), asked)) for text in own]
    silence = None
    if today - since < timedelta(days=ADVICE_DAYS):
        silence = Silence.TOO_YOUNG
    elif not asked:
        silence = Silence.UNASKED if used else Silence.UNUSED
    if silence is not None:
        return Advice(since, uses, None, silence)
    return Advice(since, uses, needed if held.everything else held.within(needed))


def _last(scope: Scopes, asked: Mapping[str, date]) -> date | None:
    """The last day on which something was asked for that a scope covers."""
    return max((day for text, day in asked.items() if scope.covers(Scopes.parse(text))), default=None)
