"""Keys of requests that expired are deleted by one worker, and by no request."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from tests.making import NOW, new_user
from tokenry.domain.idempotency import KEPT_SECONDS, KeyedRequest
from tokenry.service.pruning import PRUNING_SECONDS, Pruning
from tokenry.service.transactions import Transactions
from tokenry.storage.database import Database
from tokenry.storage.idempotency import DELETED_MAX, claim_key
from tokenry.storage.schema import idempotency_keys

EXPIRED = NOW + timedelta(seconds=KEPT_SECONDS)


def workers(database: Database, times: list[datetime]) -> tuple[Pruning, Pruning]:
    """Two of them, for which it is what `times` ends with."""
    one, other = (Pruning(Transactions(database, lambda: times[-1])) for _ in range(2))
    return one, other


def store_keys(database: Database, number: int) -> None:
    user_id = new_user(database, "ada")
    with database.write() as connection:
        for each in range(number):
            claim_key(connection, KeyedRequest(f"k{each}", bytes(32)), user_id=user_id, now=NOW)
        claim_key(connection, KeyedRequest("new", bytes(32)), user_id=user_id, now=EXPIRED)


def test_one_worker_deletes_all_that_expired(database: Database) -> None:
    store_keys(database, 2 * DELETED_MAX + 1)
    times = [EXPIRED - timedelta(seconds=2 * PRUNING_SECONDS)]
    one, other = workers(database, times)
    assert (one.prune(), other.prune()) == (0, 0)  # nothing expired yet, and not the other's turn
    times.append(EXPIRED)
    assert (other.prune(), one.prune()) == (2 * DELETED_MAX + 1, 0)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(idempotency_keys)).scalar_one() == 1
