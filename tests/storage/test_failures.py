"""What errors of PostgreSQL mean."""

import pytest

from tokenry.storage.failures import Failure, sort_state


@pytest.mark.parametrize(
    ("states", "failure"),
    [
        (("40001", "40P01"), Failure.RETRY),
        (("25006", "57P01", "57P02", "57P03", "08000", "08006", "08P01", "26000", "42P05", "0A000"), Failure.LOST),
        (("55P03", "53100", "53300", "28P01", "58030", "XX000"), Failure.BUSY),
        (("57014",), Failure.SLOW),
        (("23505", "22021", "42P01", "42601", "3F000", "25P02"), None),
    ],
)
def test_states_are_sorted(states: tuple[str, ...], failure: Failure | None) -> None:
    assert {sort_state(state) for state in states} == {failure}
