"""What was acknowledged is as durable as the operator asked for, and never less than on the primary's disk."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from tests.postgres.conftest import Installation, install
from tests.postgres_servers import ROLE, PostgresServer, address_of
from tests.servers import START_SECONDS_MAX, wait_until
from tokenry.domain.errors import Unavailable
from tokenry.storage.database import Database, database_url

TOKENS = "/v4/profile/tokens"
WAIT_SECONDS = 0.5
# Told by the transaction that makes the audit event, which each change has.
OBSERVE = f"""
    CREATE TABLE observed (setting text);
    ALTER TABLE observed OWNER TO {ROLE};
    CREATE FUNCTION observe() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO observed VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
    CREATE TRIGGER observe AFTER INSERT ON audit_events EXECUTE FUNCTION observe();
"""


@pytest.fixture(scope="module")
def observed(primary: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, str]:
    """An installation that tells of each change how durable it will be, and the name of its database."""
    primary.new_database("observed")
    found = install(address_of(primary, database="observed"), tmp_path_factory.mktemp("observed") / "data")
    primary.ask(OBSERVE, database="observed")
    return found, "observed"


@pytest.mark.parametrize(
    ("where", "said", "holds"),
    [
        ("role", "off", "on"),
        ("role", "local", "on"),
        ("role", "remote_write", "on"),
        ("role", "on", "on"),
        ("role", "remote_apply", "remote_apply"),
        ("database", "off", "on"),
        ("database", "remote_apply", "remote_apply"),
        ("address", "off", "on"),
        ("address", "remote_apply", "remote_apply"),
    ],
)
def test_weaker_durability_is_raised_and_stronger_is_kept(
    primary: PostgresServer, observed: tuple[Installation, str], where: str, said: str, holds: str
) -> None:
    installation, database = observed
    parameters = {"options": f"-csynchronous_commit={said}"} if where == "address" else {}
    whose = {"database": f"DATABASE {database}", "role": f"ROLE {ROLE}", "address": ""}[where]
    primary.ask("TRUNCATE observed", database=database)
    if whose:
        primary.ask(f"ALTER {whose} SET synchronous_commit = {said}")
    try:
        with installation.opened(address_of(primary, database=database, **parameters)) as client:
            made = client.post(TOKENS, json={}).json()
            assert client.delete(f"{TOKENS}/{made['id']}").status_code == 200
    finally:
        if whose:
            primary.ask(f"ALTER {whose} RESET synchronous_commit")
    assert primary.ask("SELECT setting FROM observed", database=database) == [(holds,), (holds,)]


@pytest.fixture
def applied(primary: PostgresServer, standby: PostgresServer, installation: Installation) -> Iterator[TestClient]:
    """A service whose changes the operator wants to be seen on the standby before they are acknowledged."""
    primary.configure(synchronous_standby_names=standby.name)
    primary.ask(f"ALTER ROLE {ROLE} SET synchronous_commit = remote_apply")
    try:
        with installation.opened(address_of(primary)) as client:
            yield client
    finally:
        standby.resume_replay()
        primary.ask(f"ALTER ROLE {ROLE} RESET synchronous_commit")
        primary.configure(synchronous_standby_names="")


def test_revocation_waits_until_the_standby_shows_it_where_the_operator_wants_so(
    applied: TestClient, standby: PostgresServer
) -> None:
    made = applied.post(TOKENS, json={}).json()
    standby.pause_replay()
    with ThreadPoolExecutor(1) as pool:
        revoking = pool.submit(applied.delete, f"{TOKENS}/{made['id']}")
        assert wait([revoking], WAIT_SECONDS).not_done
        standby.resume_replay()
        assert revoking.result().status_code == 200
    assert standby.ask("SELECT count(*) FROM credentials WHERE token_id = %s", made["id"], database="tokenry") == [(0,)]


def test_change_whose_wait_for_the_standby_was_cancelled_is_not_acknowledged(
    applied: TestClient, primary: PostgresServer, standby: PostgresServer
) -> None:
    """PostgreSQL itself calls such a commit done, with a warning."""
    made = applied.post(TOKENS, json={}).json()
    standby.pause_replay()
    waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with ThreadPoolExecutor(1) as pool:
        revoking = pool.submit(applied.delete, f"{TOKENS}/{made['id']}")
        wait_until(lambda: primary.ask(waiting) == [(True,)], START_SECONDS_MAX)
        assert revoking.result().status_code == 503
    standby.resume_replay()


def test_commit_that_a_standby_holds_up_ends_and_is_called_perhaps_made(
    primary: PostgresServer, new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a command, which gives itself no time. The change is on the primary's disk, and comes to be seen."""
    monkeypatch.setattr("tokenry.storage.postgres.COMMIT_SECONDS_MAX", WAIT_SECONDS)
    database = Database(database_url(address_of(primary, database=new_database), Path()), timeout=4)
    primary.configure(synchronous_standby_names="nobody")
    try:
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="Service unavailable") as refused, database.write() as connection:
            connection.execute(text("CREATE TABLE made (id integer)"))
        assert time.monotonic() < begun + WAIT_SECONDS + 2
        assert refused.value.perhaps_done
        assert "the commit was not acknowledged: the server did not answer in time" in refused.value.reason
    finally:
        primary.configure(synchronous_standby_names="")
        database.close()
    assert primary.ask("SELECT to_regclass('made') IS NOT NULL", database=new_database) == [(True,)]


def test_change_that_fails_before_its_commit_is_not_called_perhaps_made(
    primary: PostgresServer, new_database: str
) -> None:
    database = Database(database_url(address_of(primary, database=new_database), Path()), timeout=4)
    try:
        with pytest.raises(Unavailable) as refused, database.write() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert not refused.value.perhaps_done
    finally:
        database.close()
