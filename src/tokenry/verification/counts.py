"""How often tokens are accepted and refused: counted in memory by whoever decides, day by day, until it is taken."""

from collections import Counter
from collections.abc import Sequence

from tokenry.domain.accounts import Actor
from tokenry.domain.usage import Result
from tokenry.storage.usage import Count
from tokenry.verification.cache import Known

COUNTED_MAX = 100_000
"""So many tokens are told apart until their counts are written down; further ones count for their account alone."""

_Key = tuple[int, int, int, str]
"""Token, account, day, result, as `Count` has them."""


class Counts:
    """The counts of one process. All but `forget` is for one thread at a time.

    How often a remembered token was accepted stands with what is remembered of it: adding to that is what this costs
    on the hot path. From a use that is looked at until it was not used for a while it is listed here, so its number is
    taken also when it is remembered no more.
    """

    def __init__(self) -> None:
        self._listed: list[Known] = []
        self._others: Counter[tuple[int, int, str]] = Counter()
        self._waiting: Counter[_Key] = Counter()
        self._writing: dict[_Key, int] = {}

    def add(self, actor: Actor | None, result: Result, number: int = 1) -> None:
        """Count something that became of somebody's token, or of none that is anybody's; also less than before."""
        token_id, account_id = (0, 0) if actor is None else (_told_apart(actor), actor.account_id)
        key = token_id, account_id, result.value
        if len(self._others) >= COUNTED_MAX and key not in self._others:
            key = 0, account_id, result.value
        self._others[key] += number

    def look_at(self, known: Known) -> None:
        """Take what a token was accepted for, and, if it is remembered, see to what it is accepted for from now on."""
        number, known.accepted = known.accepted, 0.0
        self.add(known.actor, Result.ACCEPTED, int(number))
        if not known.listed:
            known.listed = True
            self._listed.append(known)

    def gather(self, day: int) -> None:
        """Let all that was counted since the last time have been on this day."""
        listed, self._listed = self._listed, []
        for known in listed:
            if known.accepted:
                known.listed = False
                self.look_at(known)
            else:
                known.listed, known.note_at = False, 0.0  # its next use is looked at
        for (token_id, account_id, result), number in self._others.items():
            told_apart = token_id if len(self._waiting) < COUNTED_MAX else 0
            self._waiting[told_apart, account_id, day, result] += number
        self._others.clear()

    def take(self) -> Sequence[Count]:
        """What is to be written down now: what could not be the last time, or else all that was gathered since."""
        if not self._writing:
            self._writing, self._waiting = {key: n for key, n in self._waiting.items() if n}, Counter()
        return [Count(*key, number) for key, number in sorted(self._writing.copy().items())]

    def forget(self, written: Sequence[Count]) -> None:
        """Let this be written down; in any thread."""
        for count in written:
            self._writing.pop((count.token_id, count.account_id, count.day, count.result), None)


def _told_apart(actor: Actor) -> int:
    """Access tokens are many, live for minutes, and are in nobody's list: they count for their account."""
    return actor.token_id if actor.client_id is None else 0
