"""PgBouncer in transaction mode: each transaction may be in another session, so none may count on the one before."""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.postgres_servers import PgBouncer, PostgresServer, address_of
from tests.servers import Server, serving, wait_until
from tests.workers import reuse
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS, within

TOKENS = "/v4/profile/tokens"
CLIENTS = 12
# A statement that was prepared under a name; what is said to a session and outlives a transaction. The name of the
# application PgBouncer tells by itself.
PREPARED = re.compile(r"LOG:  execute (?!<unnamed>)")
SESSION_STATE = re.compile(
    r"LOG:  (statement|execute \S+): "
    r"(PREPARE|LISTEN|SET (?!LOCAL|TRANSACTION|application_name)|.*pg_(try_)?advisory_lock)"
)
AUDITED = """
    SELECT t.revoked_at IS NOT NULL,
        (SELECT count(*) FROM credentials c WHERE c.token_id = t.id),
        (SELECT string_agg(a.action, ', ' ORDER BY a.id) FROM audit_events a WHERE a.subject = 'token:' || t.id)
    FROM tokens t WHERE t.label LIKE 'burst%'
"""


def live(server: Server, name: str, going_on: Callable[[], bool]) -> Counter[tuple[str, int]]:
    """Make tokens, look at them and revoke them, one after the other; how often what was answered with which status."""
    seen: Counter[tuple[str, int]] = Counter()
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=20)) as line:

        def ask(what: str, *request: object) -> object:
            status, answer = reuse(line, *request)  # type: ignore[arg-type]
            seen[what, status] += 1
            return answer

        while going_on():
            label = f"burst {name} {seen.total()}"
            made = ask("create", "POST", TOKENS, server.token, {"label": label})
            assert isinstance(made, dict)
            assert made.get("label") == label, made
            for _ in range(3):
                ask("verify", "GET", "/verify", made["token"])
            read = ask("read", "GET", f"{TOKENS}/{made['id']}", server.token)
            assert isinstance(read, dict)
            assert (read.get("id"), read.get("label")) == (made["id"], label)
            ask("revoke", "DELETE", f"{TOKENS}/{made['id']}", server.token)
            for _ in range(2):
                ask("verify revoked", "GET", "/verify", made["token"])
    return seen


def burst(server: Server, seconds: float) -> Counter[tuple[str, int]]:
    """Twelve clients at once, each one round at least."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(CLIENTS) as pool:
        first = [True] * CLIENTS

        def going_on(number: int) -> bool:
            begun, first[number] = first[number], False
            return begun or time.monotonic() < until

        jobs = [pool.submit(live, server, f"{n}", lambda n=n: going_on(n)) for n in range(CLIENTS)]  # type: ignore[misc]
        return sum((job.result() for job in jobs), Counter())


@pytest.mark.parametrize("seconds", [0, pytest.param(10, marks=pytest.mark.long)])
def test_bursts_through_the_pooler_are_answered_as_without_it(
    primary: PostgresServer, pooler: PgBouncer, new_database: str, tmp_path: Path, seconds: float
) -> None:
    primary.ask(f"ALTER DATABASE {new_database} SET log_statement = 'all'")
    address = address_of(pooler, database=new_database)
    with serving(tmp_path / "data", variables={"TOKENRY_DATABASE_URL": address}) as server:
        seen = burst(server, seconds)
        assert set(seen) == {
            ("create", 200),
            ("verify", 200),
            ("read", 200),
            ("revoke", 200),
            ("verify revoked", 401),
        }
        assert server.log.count("error") == 0
    rows = primary.ask(AUDITED, database=new_database)
    assert len(rows) == seen["create", 200] == seen["revoke", 200]
    assert set(rows) == {(True, 0, "token.create, token.revoke")}
    check_statements(primary, new_database)


def check_statements(primary: PostgresServer, database: str) -> None:
    """Nothing was prepared, and nothing said to a session."""
    statements = [line for line in primary.log.splitlines() if f"[{database}]" in line]
    assert len(statements) > 100
    assert [line for line in statements if PREPARED.search(line)] == []
    assert [line for line in statements if SESSION_STATE.search(line)] == []


def test_transaction_that_begins_where_the_pooler_loses_its_server_begins_again(
    primary: PostgresServer, pooler: PgBouncer, new_database: str, tmp_path: Path
) -> None:
    """The last word of the server is passed on, and the pooler's own after it: two answers to one BEGIN."""
    database = Database(database_url(address_of(pooler, database=new_database), tmp_path), timeout=TIMEOUT_SECONDS)

    def read() -> object:
        with within(TIMEOUT_SECONDS), database.read() as connection:
            return connection.execute(text("SELECT 1")).scalar_one()

    def asked() -> int:
        return sum(row["sv_active"] for row in pooler.ask("SHOW POOLS") if row["database"] == new_database)

    with closing(database), ThreadPoolExecutor() as pool:
        assert read() == 1
        [(process,)] = primary.ask("SELECT pid FROM pg_stat_activity WHERE datname = %s", new_database)
        os.kill(process, signal.SIGSTOP)
        again = pool.submit(read)
        try:
            wait_until(lambda: asked() == 1, 5)
            os.kill(process, signal.SIGTERM)
        finally:
            os.kill(process, signal.SIGCONT)
        assert again.result() == 1
