"""What was done to one token and what was said of it, when; and whether one order of all that explains every answer.

Each operation took effect at one moment between its question and its answer; one without an answer at any moment after
its question, or never. If no such moments explain the history, somebody was told what was no longer true, or not yet.
(Linearizability: Herlihy and Wing, 1990.)
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple


class Act(Enum):
    """What was done, or said."""

    CREATE = auto()
    REVOKE = auto()
    FORBID = auto()
    ALLOW = auto()
    ACCEPTED = auto()
    REFUSED = auto()


ANSWERS = {Act.ACCEPTED, Act.REFUSED}


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation: from its question to its answer. FORBID and ALLOW turn one of several switches."""

    act: Act
    start: float
    end: float = math.inf
    switch: str = ""


class State(NamedTuple):
    """A token at one moment."""

    created: bool = False
    revoked: bool = False
    forbidding: frozenset[str] = frozenset()

    def after(self, operation: Operation) -> "State | None":
        """The next state; None if this cannot happen now."""
        match operation.act:
            case Act.CREATE:
                return None if self.created else self._replace(created=True)
            case Act.REVOKE:
                return self._replace(revoked=True) if self.created and not self.revoked else None
            case Act.FORBID:
                return self._replace(forbidding=self.forbidding | {operation.switch})
            case Act.ALLOW:
                return self._replace(forbidding=self.forbidding - {operation.switch})
            case Act.ACCEPTED:
                return self if self._is_valid else None
            case Act.REFUSED:
                return None if self._is_valid else self

    @property
    def _is_valid(self) -> bool:
        return self.created and not self.revoked and not self.forbidding


class Possibility(NamedTuple):
    """How things may stand at one moment: the state, and what has been asked and has not taken effect yet."""

    state: State
    pending: frozenset[Operation]


def find_contradiction(history: Iterable[Operation]) -> Operation | None:
    """The first operation whose answer nothing explains, whatever took effect when before it; None if there is none."""
    moments = [(operation.start, 0, operation) for operation in history]
    moments += [(operation.end, 1, operation) for _, _, operation in moments if operation.end < math.inf]
    possible = {Possibility(State(), frozenset())}
    for _, answered, operation in sorted(moments, key=lambda moment: moment[:2]):
        if answered:
            possible = {each for each in possible if operation not in each.pending}
            if not possible:
                return operation
        else:
            possible = _all_from({each._replace(pending=each.pending | {operation}) for each in possible})
    return None


def _all_from(possible: set[Possibility]) -> set[Possibility]:
    """What may follow from these at the same moment."""
    found = set()
    waiting = list(possible)
    while waiting:
        state, pending = waiting.pop()
        # An answer that fits changes nothing, so it can never be wrong to have it now.
        pending -= {each for each in pending if each.act in ANSWERS and state.after(each)}
        found.add(Possibility(state, pending))
        for each in pending:
            after = state.after(each)
            if after is not None:
                waiting.append(Possibility(after, pending - {each}))
    return found
