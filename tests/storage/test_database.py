"""Connections and transactions: what each engine promises, and what callers are told when it cannot answer."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import URL, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.making import NOW
from tokenry.domain.accounts import Origin
from tokenry.domain.audit import Entry
from tokenry.domain.errors import Invalid, SetupError, TooSlow, Unavailable
from tokenry.domain.events import TokenRenamed, TokenRevoked
from tokenry.storage import audit
from tokenry.storage.accounts import create_account, find_first_account
from tokenry.storage.database import POOL_CONNECTIONS_MAX, Database, database_url, from_seconds, retried, to_seconds
from tokenry.storage.deadline import TIMEOUT_SECONDS, within
from tokenry.storage.migration import migrate
from tokenry.storage.schema import accounts, tokens
from tokenry.storage.users import find_user

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def migrated(url: URL) -> Database:
    database = Database(url, timeout=TIMEOUT_SECONDS)
    migrate(database)
    return database


def test_without_an_address_the_database_is_a_file_of_the_data_directory(tmp_path: Path) -> None:
    assert database_url(None, tmp_path).database == str(tmp_path / "tokenry.db")


def test_address_of_sqlite_names_its_file(tmp_path: Path) -> None:
    url = database_url("sqlite+pysqlite:////var/lib/tokenry.db", tmp_path)
    assert (url.drivername, url.database) == ("sqlite", "/var/lib/tokenry.db")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_address_of_postgres_gets_the_driver_that_is_installed(tmp_path: Path, scheme: str) -> None:
    url = database_url(f"{scheme}://ada:secret@db/tokenry", tmp_path)
    assert url.drivername == "postgresql+psycopg"
    assert Database(url, timeout=TIMEOUT_SECONDS).address == "postgresql://ada:***@db/tokenry"


@pytest.mark.parametrize(
    "address", ["", "tokenry.db", "mysql://db/tokenry", "sqlite://", "sqlite:///:memory:", "postgresql:db/tokenry"]
)
def test_address_of_no_database_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(SetupError, match=r"TOKENRY_DATABASE_URL\) is neither"):
        database_url(address, tmp_path)


def test_refused_address_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as refusal:
        database_url("mysql://ada:password@db/tokenry", tmp_path)
    assert "password" not in str(refusal.value)


def test_stored_time_is_whole_seconds() -> None:
    assert from_seconds(to_seconds(NOW.replace(microsecond=999_999))) == NOW


@pytest.mark.parametrize(("pragma", "value"), [("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1)])
def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path, pragma: str, value: object) -> None:
    database = Database(database_url(None, tmp_path), timeout=TIMEOUT_SECONDS)
    with database.write() as connection:
        assert connection.execute(text(f"PRAGMA {pragma}")).scalar_one() == value
    database.close()


def test_postgres_keeps_what_it_acknowledged_whatever_the_database_says(new_postgres_database: URL) -> None:
    url = new_postgres_database.set(drivername="postgresql+psycopg")
    careless = Database(url, timeout=TIMEOUT_SECONDS)
    with careless.write() as connection:
        connection.execute(text(f"ALTER DATABASE {url.database} SET synchronous_commit = off"))
    careless.close()
    database = Database(url, timeout=TIMEOUT_SECONDS)
    with database.write() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
    database.close()


def test_write_is_there_for_the_next_reader(database: Database) -> None:
    with database.write() as connection:
        account = create_account(connection, euuid="e", company="c", created=NOW)
    with database.read() as connection:
        assert find_first_account(connection) == account


def test_audit_event_rolls_back_with_its_transaction(database: Database) -> None:
    def change_and_fail() -> None:
        with database.write() as connection:
            audit.record(connection, origin=Origin("ada"), at=NOW, events=[TokenRevoked(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    with database.read() as connection:
        assert audit.list_events(connection, limit=1) == []


def test_audit_event_reads_back_as_it_was_recorded(database: Database) -> None:
    with database.write() as connection:
        origin = Origin("ada", address="2001:db8::1")
        audit.record(connection, origin=origin, at=NOW, events=[TokenRenamed(7, "street", "Straße")])
        event = audit.list_events(connection, limit=1)[0]
    details = {"from": "street", "to": "Straße"}
    assert event == Entry(1, NOW, "ada", None, None, "2001:db8::1", "token.rename", "token:7", details)


def test_events_are_listed_newest_first_for_one_subject(database: Database) -> None:
    with database.write() as connection:
        for token_id in (1, 2, 1, 1):
            audit.record(connection, origin=Origin("ada"), at=NOW, events=[TokenRevoked(token_id)])
        events = audit.list_events(connection, limit=2, subject="token:1")
    assert [event.id for event in events] == [4, 3]


def test_writers_of_several_processes_lose_nothing(database: Database) -> None:
    """Each writer reads before it writes, as every use case does: SQLite refuses that to a late upgrade."""
    others = [Database(database.url, timeout=TIMEOUT_SECONDS), Database(database.url, timeout=TIMEOUT_SECONDS)]

    def write(number: int) -> None:
        with others[number % 2].write() as connection:
            connection.execute(select(func.count()).select_from(accounts)).scalar_one()
            create_account(connection, euuid=str(number), company="c", created=NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(100)))
    for other in others:
        other.close()
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(accounts)).scalar_one() == 100


def test_sqlite_reads_while_another_process_writes(tmp_path: Path) -> None:
    database = migrated(database_url(None, tmp_path))
    other = Database(database.url, timeout=TIMEOUT_SECONDS)
    with other.write() as writer:
        create_account(writer, euuid="e", company="c", created=NOW)
        with database.read() as connection:
            assert find_first_account(connection) is None
    database.close()
    other.close()


def test_sqlite_that_stays_locked_is_unavailable(tmp_path: Path) -> None:
    database = Database(database_url(None, tmp_path), timeout=0.05)
    migrate(database)
    holder = sqlite3.connect(tmp_path / "tokenry.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable), database.write():
        pass
    holder.close()
    with database.write() as connection:
        create_account(connection, euuid="e", company="c", created=NOW)
    database.close()


def test_sqlite_whose_directory_is_gone_is_unavailable(tmp_path: Path) -> None:
    database = Database(database_url(None, tmp_path / "gone"), timeout=TIMEOUT_SECONDS)
    with pytest.raises(Unavailable), database.read():
        pass
    database.close()


def test_postgres_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    database = Database(database_url(NOWHERE, tmp_path), timeout=TIMEOUT_SECONDS)
    with pytest.raises(Unavailable), database.read():
        pass
    database.close()


def test_postgres_connection_that_was_lost_is_opened_again(new_postgres_database: URL) -> None:
    database = migrated(new_postgres_database.set(drivername="postgresql+psycopg"))
    other = Database(database.url, timeout=TIMEOUT_SECONDS)
    with other.write() as connection:
        lost = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    other.close()
    with database.write() as connection:
        create_account(connection, euuid="e", company="c", created=NOW)
    database.close()
    assert lost == 1


def test_more_readers_than_connections_are_told_to_come_again(database: Database) -> None:
    small = Database(database.url, timeout=0.05)
    with ExitStack() as readers:
        for _ in range(POOL_CONNECTIONS_MAX):
            readers.enter_context(small.read())
        with pytest.raises(Unavailable), small.read():
            pass
    small.close()


def test_error_does_not_show_parameters(database: Database) -> None:
    row = {"user_id": 404, "label": "private", "label_folded": "private", "scopes": "*", "preview": "pat_hidden"}
    with pytest.raises(IntegrityError) as error, database.write() as connection:
        connection.execute(insert(tokens).values(row | {"created_at": 1, "expires_at": 2}))
    assert not {"private", "pat_hidden"} & set(str(error.value).replace("'", " ").split())


def test_error_does_not_show_the_row_that_could_not_be_stored(database: Database) -> None:
    row = {"user_id": 404, "label": "private", "label_folded": "private", "scopes": "*", "preview": "pat_hidden"}
    with pytest.raises(IntegrityError) as error, database.write() as connection:
        connection.execute(insert(tokens).values(row | {"created_at": None, "expires_at": 2}))
    assert not {"private", "pat_hidden"} & set(str(error.value).replace(",", " ").split())


def test_reader_sees_one_state_throughout(database: Database) -> None:
    with database.read() as connection:
        before = find_first_account(connection)
        with database.write() as writer:
            create_account(writer, euuid="e", company="c", created=NOW)
        assert (before, find_first_account(connection)) == (None, None)


def test_statement_that_is_wrong_is_a_defect_and_no_unavailability(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as connection:
        connection.execute(text("SELECT 1 FROM nowhere"))


@pytest.mark.parametrize("name", ["a\0b", "\udcff"])
def test_text_that_one_engine_cannot_store_is_refused_by_both(database: Database, name: str) -> None:
    """Also where it is only compared with: Python makes surrogates of the wrong bytes on a command line."""
    with pytest.raises(Invalid, match="NUL or unpaired surrogates"), database.read() as connection:
        find_user(connection, name)
    with pytest.raises(Invalid, match="NUL or unpaired surrogates"), database.write() as connection:
        create_account(connection, euuid="e", company=name, created=NOW)


ENDLESS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


def test_statement_ends_in_its_midst_when_its_caller_waits_no_longer(database: Database) -> None:
    with pytest.raises(TooSlow), within(0.1), database.read() as connection:
        connection.execute(ENDLESS)
    with database.read() as connection:
        assert find_first_account(connection) is None


def test_change_that_takes_too_long_is_no_question_of_asking_for_less(
    new_postgres_database: URL, tmp_path: Path
) -> None:
    """As it is for those who read."""
    database = Database(
        database_url(new_postgres_database.render_as_string(hide_password=False), tmp_path), timeout=TIMEOUT_SECONDS
    )
    with pytest.raises(Unavailable) as refusal, within(0.1), database.write() as connection:
        connection.execute(text("SELECT pg_sleep(20)"))
    assert refusal.value.reason == "it took too long"
    database.close()


def test_reading_takes_no_longer_than_the_timeout_for_a_caller_who_would_wait(database: Database) -> None:
    hurried = Database(database.url, timeout=0.1)
    with pytest.raises(TooSlow), within(60), hurried.read() as connection:
        connection.execute(ENDLESS)
    hurried.close()


def test_change_waits_for_others_no_longer_than_its_caller(database: Database) -> None:
    """In another process, or in this one."""
    with database.write() as connection:
        account = create_account(connection, euuid="e", company="c", created=NOW)
    elsewhere = Database(database.url, timeout=TIMEOUT_SECONDS)
    for holder in (elsewhere, database):
        with holder.write() as held:
            held.execute(update(accounts).values(company="held"))
            with pytest.raises(Unavailable), within(0.1), database.write() as connection:
                connection.execute(update(accounts).values(company="d"))
    elsewhere.close()
    with within(10), database.write() as connection:
        assert connection.execute(update(accounts).values(company="d")).rowcount == 1
        assert account.company == "c"


def test_nothing_is_changed_for_a_caller_who_was_told_so(database: Database) -> None:
    def change() -> None:
        with ExitStack() as late, database.write() as connection:
            create_account(connection, euuid="e", company="c", created=NOW)
            late.enter_context(within(0))

    with pytest.raises(Unavailable):
        change()
    with pytest.raises(Unavailable), within(0), database.read():
        pass
    with database.read() as connection:
        assert find_first_account(connection) is None


def test_change_that_another_was_in_the_way_of_is_done_again(new_postgres_database: URL) -> None:
    """Two that lock two rows in turns: the server ends one of them, and it is done after the other."""
    database = migrated(database_url(new_postgres_database.render_as_string(hide_password=False), Path()))
    with database.write() as connection:
        rows = [create_account(connection, euuid=f"{n}", company="c", created=NOW).id for n in range(2)]
    barrier = threading.Barrier(2)
    tries: list[int] = []

    @retried
    def change(first: int, second: int) -> None:
        tries.append(first)
        with database.write() as connection:
            for row in (first, second):
                connection.execute(update(accounts).where(accounts.c.id == row).values(company=f"from {first}"))
                if len(tries) <= 2 and row == first:
                    barrier.wait(5)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(change, *rows), pool.submit(change, *reversed(rows))]:
            done.result(20)
    database.close()
    assert len(tries) == 3


def test_change_that_failed_otherwise_is_not_done_again() -> None:
    tries: list[str] = []

    @retried
    def change() -> None:
        tries.append("once")
        raise Unavailable

    with pytest.raises(Unavailable):
        change()
    assert tries == ["once"]
