"""What errors of PostgreSQL mean."""

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from tokenry.storage.failures import Failure, sort_failure, sort_state


@pytest.mark.parametrize(
    ("states", "failure"),
    [
        (("40001", "40P01"), Failure.RETRY),
        (
            ("25006", "57P01", "57P02", "57P03", "25P04", "08000", "08006", "08P01", "26000", "42P05", "0A000"),
            Failure.LOST,
        ),
        (("42501", "55P03", "53100", "53300", "28P01", "58030", "XX000"), Failure.BUSY),
        (("57014",), Failure.SLOW),
        (("23505", "22021", "42P01", "42601", "3F000", "25P02"), None),
    ],
)
def test_states_are_sorted(states: tuple[str, ...], failure: Failure | None) -> None:
    assert {sort_state(state) for state in states} == {failure}


@pytest.mark.parametrize("kind", [psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError])
def test_what_the_server_did_not_say_is_the_connections(kind: type[psycopg.Error]) -> None:
    """An answer too many is an InternalError of psycopg's: a pooler lost its server in the middle."""
    wrapped = DBAPIError.instance("BEGIN", (), kind("received 2 results from command 'BEGIN'"), psycopg.Error)
    assert isinstance(wrapped, DBAPIError)
    assert sort_failure(wrapped) is Failure.LOST
