"""What becomes of tokens where they are presented: kept in memory by whoever decides, until it is written down."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from tokenry.domain.accounts import Actor
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import PREVIEW_LENGTH_MAX
from tokenry.domain.usage import Result
from tokenry.storage.revoked_uses import Suspect
from tokenry.storage.usage import Asked, Count
from tokenry.storage.watching import WouldBe
from tokenry.verification.cache import Known

COUNTED_MAX = 100_000
"""So many tokens are told apart until their counts are written down; further ones count for their account alone."""
ASKED_MAX = 64
"""So many questions are remembered of each token; one that asked more is asked again."""
SUSPECTS_MAX = 1000
"""So many previews that open nothing are kept for a look: more come only from who makes tokens up."""


class Presenter(Protocol):
    """Who presents a token: the address is asked for only where it is kept."""

    @property
    def address(self) -> str | None:
        """Where the request comes from."""


R = TypeVar("R", bound=tuple[Any, ...])


class Waiting(Generic[R]):
    """Rows that wait to be written down, one for each key, which its first columns are."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._writing: dict[tuple[Any, ...], R] = {}
        self.rows: dict[tuple[Any, ...], R] = {}

    def find(self, *key: object) -> R | None:
        """Find the row of a key."""
        return self.rows.get(key)

    def put(self, row: R) -> None:
        """Keep a row, unless there are too many already, in the place of the one that has its key."""
        key = row[: self._columns]
        if len(self.rows) < COUNTED_MAX or key in self.rows:
            self.rows[key] = row

    def take(self) -> Sequence[R]:
        """What is to be written down now: what could not be the last time, or else all that came since."""
        if not self._writing:
            self._writing, self.rows = self.rows, {}
        return sorted(self._writing.copy().values())

    def forget(self, written: Sequence[R]) -> None:
        """Let this be written down; in any thread."""
        for row in written:
            self._writing.pop(row[: self._columns], None)


class Counts:
    """What became of tokens in one process. It is for one thread at a time.

    How often a remembered token was accepted stands with what is remembered of it: adding to that is what this costs
    on the hot path. From a use that is looked at until it was not used for a while it is listed here, so its number is
    taken also when it is remembered no more.
    """

    def __init__(self) -> None:
        self._listed: list[Known] = []
        self._results: Counter[tuple[int, int, str]] = Counter()
        self._asked: set[tuple[int, str]] = set()
        self._watched: dict[tuple[int, str], tuple[int, str | None]] = {}
        self.counts = Waiting[Count](4)
        self.asked = Waiting[Asked](2)
        self.would_be = Waiting[WouldBe](3)
        self.suspects = Waiting[Suspect](1)

    def add(self, actor: Actor | None, result: Result, number: int = 1) -> None:
        """Count something that became of somebody's token, or of none that is anybody's; also less than before."""
        token_id, account_id = (0, 0) if actor is None else (_told_apart(actor), actor.account_id)
        key = token_id, account_id, result.value
        if len(self._results) >= COUNTED_MAX and key not in self._results:
            key = 0, account_id, result.value
        self._results[key] += number

    def look_at(self, known: Known, needed: Scopes = NOTHING) -> None:
        """Take what a token was accepted for, and, if it is remembered, see to what it is accepted for from now on."""
        self._take(known)
        if not known.listed:
            known.listed = True
            known.forget_asked()
            self._listed.append(known)
        if id(needed) not in known.asked:
            self.ask(known, needed)

    def ask(self, known: Known, needed: Scopes) -> None:
        """Note what a token was asked for, and remember it for the day."""
        known.asked = {**(known.asked if len(known.asked) < ASKED_MAX else {}), id(needed): needed}
        token_id = _told_apart(known.actor)
        if token_id and len(self._asked) < COUNTED_MAX:
            self._asked.update((token_id, _told_of(scope, known.actor.scopes)) for scope in needed.texts)

    def watch(self, known: Known, needed: Scopes, address: str | None) -> None:
        """Note that a token would have been refused if it were kept to the scopes to which it is watched."""
        assert known.watched is not None
        token_id = _told_apart(known.actor)
        for missing in known.watched.missing(needed):
            scope = _told_of(missing, known.actor.scopes)
            number, _ = self._watched.get((token_id, scope), (0, None))
            if number or len(self._watched) < COUNTED_MAX:
                self._watched[token_id, scope] = number + 1, address

    def suspect(self, preview: str, client: Presenter, seconds: float) -> None:
        """Keep the preview of a token that opens nothing, for a look whether it is one that was revoked.

        Whoever makes up enough of them keeps others from being looked at.
        """
        if len(self.suspects.rows) < SUSPECTS_MAX and len(preview) <= PREVIEW_LENGTH_MAX:
            self.suspects.put(Suspect(preview, int(seconds), client.address))

    def _take(self, known: Known) -> None:
        if known.accepted:
            number, known.accepted = known.accepted, 0.0
            self.add(known.actor, Result.ACCEPTED, int(number))

    def gather(self, day: int, now: float, *, ends: bool = False) -> None:
        """Let all that came since the last time have been on this day, which `ends` with it."""
        for known in self._listed:
            if not known.accepted or ends:
                known.note_at = 0.0  # its next use is looked at
                known.forget_asked()
            known.listed = known.accepted > 0
            self._take(known)
        self._listed = [known for known in self._listed if known.listed]
        for (token_id, account_id, result), number in self._results.items():
            told_apart = token_id if len(self.counts.rows) < COUNTED_MAX else 0
            before = self.counts.find(told_apart, account_id, day, result)
            total = number if before is None else before.number + number
            if total:
                self.counts.put(Count(told_apart, account_id, day, result, total))
        for token_id, scope in self._asked:
            self.asked.put(Asked(token_id, scope, day))
        for (token_id, scope), (number, address) in self._watched.items():
            was = self.would_be.find(token_id, day, scope)
            self.would_be.put(WouldBe(token_id, day, scope, number + (was.number if was else 0), int(now), address))
        self._results.clear()
        self._asked.clear()
        self._watched.clear()


def _told_of(scope: str, held: Scopes) -> str:
    """What is told of a scope that was asked: its instance only if the token has that one by name.

    The others are names that requests bring, of which there may be any number.
    """
    general, at, _ = scope.partition("@")
    return general if at and scope not in held.held else scope


def _told_apart(actor: Actor) -> int:
    """Access tokens are many, live for minutes, and are in nobody's list: they count for their account."""
    return actor.token_id if actor.client_id is None else 0
