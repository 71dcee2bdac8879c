"""Keys of requests that expired are deleted by one worker, and by no request."""

import asyncio
import threading
import time
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.conftest import lay_migrated
from tests.making import NOW, new_user
from tokenry.domain.errors import Unavailable
from tokenry.domain.idempotency import KEPT_SECONDS, KeyedRequest
from tokenry.service import pruning
from tokenry.service.pruning import PRUNING_SECONDS, Pruning
from tokenry.service.transactions import Transactions
from tokenry.storage import one_thread
from tokenry.storage.database import DELETED_MAX, READERS_MAX, WRITERS_MAX, Database, database_url
from tokenry.storage.idempotency import claim_key
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


def test_others_find_the_database_free_between_the_pieces(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store_keys(database, 2 * DELETED_MAX + 1)
    user_id = new_user(database, "grace")
    free: list[bool] = []

    def change_something(_: float) -> None:
        with database.write() as connection:
            free.append(claim_key(connection, KeyedRequest(f"g{len(free)}", bytes(32)), user_id=user_id, now=EXPIRED))

    monkeypatch.setattr(time, "sleep", change_something)
    Pruning(Transactions(database, lambda: EXPIRED)).prune()
    assert free == ([True, True] if database.is_sqlite else [])  # PostgreSQL lets others in by itself


def test_turn_comes_also_when_all_others_have_their_connections(database: Database) -> None:
    small = Database(database.url, timeout=0.5)
    with ExitStack() as others:
        for _ in range(READERS_MAX + WRITERS_MAX + len(("noting uses", "probe"))):
            others.enter_context(small.read())
        assert Pruning(Transactions(small, lambda: NOW)).prune() == 0
    small.close()


def test_deleting_that_hangs_is_left_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No second thread, with a second connection, is begun beside it."""
    lay_migrated(tmp_path)
    database = Database(database_url(None, tmp_path), timeout=1)
    monkeypatch.setattr(pruning, "TURN_SECONDS_MAX", 0.1)
    monkeypatch.setattr(one_thread, "ABANDONED_AFTER_SECONDS", 0.1)
    begun: list[int] = []
    may_end = threading.Event()

    def hang() -> int:
        begun.append(1)
        may_end.wait(10)
        return 0

    one = Pruning(Transactions(database, lambda: NOW))
    monkeypatch.setattr(one, "prune", hang)

    async def run_twice() -> list[str]:
        reasons = []
        for _ in range(2):
            with pytest.raises(Unavailable) as refusal:
                await one.run()
            reasons.append(refusal.value.reason)
        may_end.set()
        return reasons

    reasons = asyncio.run(run_twice())
    assert (len(begun), reasons) == (1, ["the database does not answer", "an earlier attempt has not ended"])
    database.close()
