"""The checker of histories: it lets pass what can have happened, and nothing else."""

import math
import random
from itertools import permutations

import pytest

from tests.histories import Act, Operation, State, find_contradiction

CREATE, REVOKE, FORBID, ALLOW, ACCEPTED, REFUSED = Act
CREATED = Operation(CREATE, 0, 1)


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([], id="nothing"),
        pytest.param([Operation(REFUSED, 0, 1)], id="refused before there was a token"),
        pytest.param(
            [CREATED, Operation(ACCEPTED, 2, 3), Operation(REVOKE, 4, 5), Operation(REFUSED, 6, 7)], id="a life"
        ),
        pytest.param([CREATED, Operation(REVOKE, 2, 9), Operation(ACCEPTED, 3, 4)], id="accepted while it is revoked"),
        pytest.param([CREATED, Operation(REVOKE, 2, 9), Operation(REFUSED, 3, 4)], id="refused while it is revoked"),
        pytest.param(
            [Operation(CREATE, 0, 9), Operation(ACCEPTED, 3, 4)], id="accepted before its creation is answered"
        ),
        pytest.param([CREATED, Operation(REVOKE, 2), Operation(ACCEPTED, 8, 9)], id="never answered, never done"),
        pytest.param([CREATED, Operation(REVOKE, 2), Operation(REFUSED, 8, 9)], id="never answered, and done"),
        pytest.param(
            [
                CREATED,
                Operation(FORBID, 2, 3, "user"),
                Operation(REFUSED, 4, 5),
                Operation(ALLOW, 6, 7, "user"),
                Operation(ACCEPTED, 8, 9),
            ],
            id="forbidden for a while",
        ),
        pytest.param(
            [
                CREATED,
                Operation(REVOKE, 2, 9),
                *(Operation(ACCEPTED, 3, 8) for _ in range(40)),
                Operation(REFUSED, 4, 8),
            ],
            id="many at once",
        ),
    ],
)
def test_what_can_have_happened_passes(history: list[Operation]) -> None:
    assert find_contradiction(history) is None


@pytest.mark.parametrize(
    ("history", "at"),
    [
        pytest.param([Operation(ACCEPTED, 0, 1), Operation(CREATE, 2, 3)], ACCEPTED, id="accepted before its creation"),
        pytest.param([CREATED, Operation(REFUSED, 2, 3)], REFUSED, id="refused after its creation"),
        pytest.param(
            [CREATED, Operation(REFUSED, 2, 3), Operation(REVOKE, 4, 5)], REFUSED, id="refused before its end"
        ),
        pytest.param(
            [CREATED, Operation(REVOKE, 2, 3), Operation(ACCEPTED, 4, 5)], ACCEPTED, id="accepted after its end"
        ),
        pytest.param(
            [CREATED, Operation(REVOKE, 2, 9), Operation(REFUSED, 3, 4), Operation(ACCEPTED, 5, 6)],
            ACCEPTED,
            id="accepted after somebody knew of its end, though that is not answered yet",
        ),
        pytest.param(
            [CREATED, Operation(REVOKE, 2), Operation(REFUSED, 3, 4), Operation(ACCEPTED, 5, 6)],
            ACCEPTED,
            id="accepted after somebody knew of its end, which is never answered",
        ),
        pytest.param(
            [Operation(CREATE, 0, 9), Operation(ACCEPTED, 1, 2), Operation(REFUSED, 3, 4)],
            REFUSED,
            id="refused after somebody was let in",
        ),
        pytest.param([CREATED, Operation(FORBID, 2, 3, "user"), Operation(ACCEPTED, 4, 5)], ACCEPTED, id="disabled"),
        pytest.param(
            [
                CREATED,
                Operation(FORBID, 2, 3, "user"),
                Operation(FORBID, 2, 3, "networks"),
                Operation(ALLOW, 4, 5, "user"),
                Operation(ACCEPTED, 6, 7),
            ],
            ACCEPTED,
            id="allowed in one way, forbidden in another",
        ),
        pytest.param(
            [CREATED, Operation(FORBID, 2, 3, "user"), Operation(ALLOW, 4, 5, "user"), Operation(REFUSED, 6, 7)],
            REFUSED,
            id="refused after it was allowed again",
        ),
        pytest.param([CREATED, Operation(REVOKE, 2, 3), Operation(REVOKE, 4, 5)], REVOKE, id="revoked twice"),
    ],
)
def test_what_cannot_have_happened_is_found(history: list[Operation], at: Act) -> None:
    found = find_contradiction(history)
    assert found is not None
    assert found.act is at


def test_one_wrong_answer_among_thousands_is_found() -> None:
    reads = [Operation(ACCEPTED, 2 + number, 4 + number) for number in range(2000)]
    end = Operation(REVOKE, 2002, 2005)
    late = [Operation(REFUSED, 2006 + number, 2008 + number) for number in range(2000)]
    assert find_contradiction([CREATED, *reads, end, *late]) is None
    assert find_contradiction([CREATED, *reads, end, *late, Operation(ACCEPTED, 3000.2, 3000.4)]) is not None


def test_checker_agrees_with_trying_all_orders() -> None:
    chance = random.Random(7)
    verdicts = []
    for _ in range(400):
        history = [
            Operation(
                chance.choice(list(Act)), start := chance.randrange(12), start + chance.choice([1, 3, 6, math.inf])
            )
            for _ in range(chance.randint(2, 5))
        ]
        verdicts.append(find_contradiction(history) is None)
        assert verdicts[-1] == any(explains(order) for kept in subsets(history) for order in permutations(kept))
    assert 40 < sum(verdicts) < 360


def subsets(history: list[Operation]) -> list[list[Operation]]:
    """The history without any of what was never answered."""
    found: list[list[Operation]] = [[]]
    for operation in history:
        without = found if operation.end == math.inf else []
        found = [*without, *([*kept, operation] for kept in found)]
    return found


def explains(order: tuple[Operation, ...]) -> bool:
    state: State | None = State()
    for number, operation in enumerate(order):
        if any(later.end < operation.start for later in order[number:]):
            return False
        state = None if state is None else state.after(operation)
    return state is not None
