"""Turns of jobs that one process does for all."""

from datetime import timedelta

from tests.making import NOW
from tokenry.storage.database import Database
from tokenry.storage.jobs import claim_job

SECONDS = 60


def claim(database: Database, later: float, name: str = "pruning") -> bool:
    with database.write() as connection:
        return claim_job(connection, name, seconds=SECONDS, now=NOW + timedelta(seconds=later))


def test_turn_is_given_once_in_its_time(database: Database) -> None:
    assert [claim(database, later) for later in (0, 0, SECONDS - 1, SECONDS, SECONDS)] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_each_job_has_its_own_turns(database: Database) -> None:
    assert [claim(database, 0, name) for name in ("pruning", "sending", "sending")] == [True, True, False]


def test_clock_that_was_set_back_keeps_nobody_waiting(database: Database) -> None:
    assert [claim(database, later) for later in (3600, 0, 1)] == [True, True, False]


def test_turn_that_is_rolled_back_is_free(database: Database) -> None:
    with database.read() as connection:  # which is never committed
        assert claim_job(connection, "pruning", seconds=SECONDS, now=NOW)
    assert claim(database, 0)
