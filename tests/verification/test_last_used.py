"""Uses of tokens: noted once a minute and when they change, written down in batches, never lost to a busy database."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx2
import psycopg
import pytest
from sqlalchemy import URL, select, text
from structlog.testing import capture_logs

from tests.conftest import START, App, Clock, make_app
from tests.servers import serving
from tokenry.domain.accounts import Actor
from tokenry.domain.networks import ANYWHERE
from tokenry.domain.scopes import EVERYTHING
from tokenry.jobs import Job, Where, run_jobs
from tokenry.settings import Settings
from tokenry.storage import database as storage
from tokenry.storage import one_thread
from tokenry.storage.database import Database
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.schema import token_uses
from tokenry.storage.uses import Use, record_uses
from tokenry.verification import last_used
from tokenry.verification.cache import Known
from tokenry.verification.last_used import LOOK_SECONDS, Uses
from tokenry.verification.verifier import KnownPresenter
from tokenry.wiring import begin, begin_verification, open_installation, prepare

SEEN = "pat_0123456789ab"


def stored(database: Database) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(token_uses).order_by(token_uses.c.token_id))]


def known(token_id: int = 1, preview: str = SEEN) -> Known:
    return Known(b"f", Actor(token_id, EVERYTHING, 1, 1, "ada", 1, "E", preview), ANYWHERE)


@pytest.fixture
def app_database(app_on_each_engine: App) -> Iterator[Database]:
    """The database of an installation, with token 1 in it."""
    url = storage.database_url(app_on_each_engine.settings.database_url, app_on_each_engine.settings.data_dir)
    database = Database(url, timeout=TIMEOUT_SECONDS)
    yield database
    database.close()


@pytest.fixture
def sqlite_database(app: App) -> Iterator[Database]:
    """The same on SQLite alone, for what has nothing to do with the engine."""
    database = Database(storage.database_url(None, app.settings.data_dir), timeout=TIMEOUT_SECONDS)
    yield database
    database.close()


def test_newest_use_is_kept(app_database: Database) -> None:
    for seconds, address in ((20, "new"), (10, "old"), (20, "same")):
        with app_database.write() as connection:
            record_uses(connection, [Use(1, SEEN, seconds, address, None)])
    assert stored(app_database) == [(1, 20, "new", None)]


def test_noted_use_is_written_down_at_the_flush(app_database: Database) -> None:
    uses = Uses(app_database)
    uses.note(known(), START + 0.9, "192.0.2.1", "curl/8")
    assert stored(app_database) == []
    asyncio.run(uses.flush())
    assert stored(app_database) == [(1, int(START), "192.0.2.1", "curl/8")]


def test_use_like_the_last_is_noted_again_after_a_minute(app_database: Database) -> None:
    uses, token = Uses(app_database), known()
    assert token.note_at == 0
    for seconds in (0, 5, 59.9):
        uses.note(token, START + seconds, "a", None)
        assert token.note_at == START + seconds + 5
    asyncio.run(uses.flush())
    assert stored(app_database) == [(1, int(START), "a", None)]
    uses.note(token, START + 65, "a", None)
    asyncio.run(uses.flush())
    assert stored(app_database) == [(1, int(START) + 65, "a", None)]


@pytest.mark.parametrize("changed", [("192.0.2.9", "curl/8"), ("192.0.2.1", "thief/1"), ("192.0.2.1", None)])
def test_use_from_elsewhere_or_by_another_program_is_noted_within_the_minute(
    tmp_path: Path, clock: Clock, changed: tuple[str, str | None]
) -> None:
    app = make_app(tmp_path / "data", clock)
    installation = open_installation(app.settings, clock)
    verification = begin_verification(installation, clock)
    authorization = f"Bearer {app.token}"

    async def use(address: str, agent: str | None) -> None:
        decision = await verification.verifier.verify(authorization, client=KnownPresenter(address, agent))
        assert decision.denial is None

    async def use_twice() -> None:
        await use("192.0.2.1", "curl/8")
        clock.seconds += LOOK_SECONDS
        await use(*changed)
        await verification.uses.flush()

    asyncio.run(use_twice())
    assert stored(installation.database) == [(1, int(START) + LOOK_SECONDS, *changed)]
    asyncio.run(verification.close())
    app.client.close()


def test_agent_is_made_harmless(app_database: Database) -> None:
    uses = Uses(app_database)
    secret = "pat_0123456789ab" + "S" * 38
    uses.note(known(), START, None, f"a\tb\x1b[2J {secret}" + "x" * 500)
    asyncio.run(uses.flush())
    agent = str(stored(app_database)[0][3])
    assert agent.startswith("a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}[2J pat_0123456789ab…")
    assert "S" not in agent
    assert len(agent) <= 255


def test_uses_that_a_busy_database_did_not_take_are_kept(app: App) -> None:
    database = Database(storage.database_url(None, app.settings.data_dir), timeout=0.001)
    uses = Uses(database)
    uses.note(known(), START, "a", None)
    holder = sqlite3.connect(app.settings.data_dir / "tokenry.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE").close()
    asyncio.run(uses.flush())
    holder.execute("ROLLBACK").close()
    holder.close()
    assert stored(database) == []
    asyncio.run(uses.flush())
    assert stored(database) == [(1, int(START), "a", None)]
    database.close()


def test_uses_that_took_too_long_to_write_down_are_kept(
    app_on_each_engine: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those before had locked what is written, without which PostgreSQL ends a statement in its midst."""
    settings = app_on_each_engine.settings
    monkeypatch.setattr(last_used, "INTERVAL_SECONDS", 0.2)
    database, other = (
        Database(storage.database_url(settings.database_url, settings.data_dir), timeout=TIMEOUT_SECONDS)
        for _ in range(2)
    )
    uses = Uses(database)
    uses.note(known(), START, "a", None)
    with other.write() as holder:
        record_uses(holder, [Use(1, SEEN, 1, None, None)])
        asyncio.run(uses.flush())
    monkeypatch.undo()
    asyncio.run(uses.flush())
    assert stored(database) == [(1, int(START), "a", None)]
    for each in (database, other):
        each.close()


def test_use_is_written_down_when_the_service_stops(tmp_path: Path, clock: Clock, engine_url: str | None) -> None:
    app = make_app(tmp_path / "data", clock, engine_url)
    with app.client:
        clock.seconds += 60
        answer = app.client.get("/verify", headers={**app.bearer, "User-Agent": "probe/1"})
        assert answer.status_code == 200
    database = Database(storage.database_url(app.settings.database_url, app.settings.data_dir), timeout=TIMEOUT_SECONDS)
    assert stored(database) == [(1, int(START) + 60, "testclient", "probe/1")]
    database.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_use_is_written_down_when_the_process_is_told_to_stop(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path / "data", "--workers", workers) as server:
        headers = {"Authorization": f"Bearer {server.token}", "User-Agent": "probe/1"}
        assert httpx2.get(f"{server.url}/verify", headers=headers, timeout=30).status_code == 200
        assert server.stop() == 0
    database = Database(storage.database_url(None, tmp_path / "data"), timeout=TIMEOUT_SECONDS)
    assert [row[3] for row in stored(database)] == ["probe/1"]
    database.close()


def test_flush_lets_the_grace_of_a_rotated_secret_begin(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    old = app.token
    new = app.client.post("/v4/profile/tokens/1/rotate", headers=app.bearer, json={"grace": 60}).json()["token"]
    database = Database(storage.database_url(app.settings.database_url, app.settings.data_dir), timeout=TIMEOUT_SECONDS)
    uses = Uses(database)
    uses.note(Known(b"f", Actor(1, EVERYTHING, 1, 1, "admin", 1, "E", new[:16]), ANYWHERE), START + 5, None, None)
    asyncio.run(uses.flush())
    database.close()
    statuses = []
    for seconds in (64, 65):
        app.clock.seconds = START + seconds
        answers = [app.client.get("/verify", headers={"Authorization": f"Bearer {text}"}) for text in (old, new)]
        statuses.append([answer.status_code for answer in answers])
    assert statuses == [[200, 200], [401, 200]]


def test_use_of_a_token_is_noted_once_a_minute_however_often_it_is_used(app_on_each_engine: App) -> None:
    """Also where nothing is remembered of a token, as on PostgreSQL."""
    app = app_on_each_engine
    installation = open_installation(app.settings, app.clock)
    verification = begin_verification(installation, app.clock)
    written: list[object] = []

    async def use_twice_a_second() -> None:
        for half_seconds in range(2 * 130):
            app.clock.seconds = START + half_seconds / 2
            decision = await verification.verifier.verify(
                f"Bearer {app.token}", client=KnownPresenter("192.0.2.1", "curl/8")
            )
            assert decision.accepted
            if half_seconds % 10 == 9:
                await verification.uses.flush()
                written.extend(row[1] for row in stored(installation.database))
        await verification.close()

    asyncio.run(use_twice_a_second())
    assert set(written) == {START, START + 60, START + 120}


def test_what_was_noted_is_forgotten_after_a_minute(sqlite_database: Database) -> None:
    uses = Uses(sqlite_database)
    uses.note(known(1, "old"), START, None, None)
    uses.note(known(2, "used"), START, None, None)
    uses.note(known(2, "used"), START + 30, "elsewhere", None)
    uses.note(known(3, "new"), START + 60, None, None)
    assert [*uses._notes] == ["used", "new"]


def test_so_many_tokens_are_remembered_and_no_more(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_used, "NOTED_MAX", 2)
    uses = Uses(sqlite_database)
    for number, preview in enumerate("abc"):
        uses.note(known(number, preview), START + number, None, None)
        asyncio.run(uses.flush())
    assert [*uses._notes] == ["b", "c"]


def test_uses_beyond_what_is_kept_are_not_noted_and_the_log_says_so(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_used, "NOTED_MAX", 1)
    uses = Uses(sqlite_database)
    with capture_logs() as logs:
        uses.note(known(7, "first"), START, None, None)
        uses.note(known(1), START, None, None)
        uses.note(known(7, "first"), START + 60, "again", None)
    assert [entry["reason"] for entry in logs] == ["those of 1 tokens wait, and none of others are noted"]
    asyncio.run(uses.flush())
    uses.note(known(1), START + 5, None, None)
    asyncio.run(uses.flush())
    assert stored(sqlite_database) == [(1, int(START) + 5, None, None)]


def test_uses_that_a_read_only_server_did_not_take_are_kept(
    tmp_path: Path, clock: Clock, new_postgres_database: URL
) -> None:
    address, name = new_postgres_database.render_as_string(hide_password=False), new_postgres_database.database
    settings = Settings(data_dir=tmp_path / "data", database_url=address)
    prepare(settings)
    installation = open_installation(settings, clock)
    begin(installation, lambda secret: None)
    database = installation.database
    uses = Uses(database)
    uses.note(known(), START, "a", None)

    def flush_when(read_only: str) -> None:
        with psycopg.connect(address, options="-c default_transaction_read_only=off", autocommit=True) as operator:
            operator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {read_only}")
        database.close()  # it holds for new connections
        asyncio.run(uses.flush())

    with capture_logs() as logs:
        flush_when("on")
        flush_when("off")
    assert [entry["event"] for entry in logs] == ["uses of tokens cannot be written down yet"]
    assert stored(database) == [(1, int(START), "a", None)]
    database.close()


def test_uses_that_a_defect_kept_from_being_written_are_kept(app_database: Database) -> None:
    uses = Uses(app_database)
    uses.note(known(), START, "a", None)
    with app_database.write() as connection:
        connection.execute(text("ALTER TABLE token_uses RENAME TO elsewhere"))
    with capture_logs() as logs:
        asyncio.run(uses.flush())
    with app_database.write() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO token_uses"))
    asyncio.run(uses.flush())
    assert [entry["event"] for entry in logs] == ["uses of tokens cannot be written down yet"]
    assert stored(app_database) == [(1, int(START), "a", None)]


def test_use_of_a_token_that_is_not_there_keeps_no_other_from_being_written(app_database: Database) -> None:
    """A standby that takes over may have lost the tokens that were made last."""
    uses = Uses(app_database)
    uses.note(known(2, "lost"), START, "a", None)
    uses.note(known(), START, "a", None)
    with capture_logs() as logs:
        asyncio.run(uses.close())
    assert (stored(app_database), logs) == ([(1, int(START), "a", None)], [])


def test_uses_that_are_lost_at_the_end_are_counted_in_the_log(tmp_path: Path) -> None:
    database = Database(storage.database_url("postgresql://nobody@127.0.0.1:1/nothing", tmp_path), timeout=1)
    uses = Uses(database)
    uses.note(known(), START, None, None)
    with capture_logs() as logs:
        asyncio.run(uses.close())
    assert logs[-1] == {"event": "uses of tokens were lost", "tokens": 1, "log_level": "error"}
    database.close()


def test_uses_are_written_down_in_pieces_of_which_one_that_fails_keeps_no_other(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_used, "PIECE_ROWS_MAX", 2)
    uses = Uses(sqlite_database)
    written: list[list[int]] = []

    def write(piece: Sequence[Use]) -> None:
        written.append([use.token_id for use in piece])
        if written[-1] == [3, 4]:
            raise ZeroDivisionError

    monkeypatch.setattr(uses, "_write", write)
    for number in (5, 3, 1, 4, 2):
        uses.note(known(number, f"p{number}"), START, None, None)
    for _ in range(2):
        asyncio.run(uses.flush())
    assert written == [[1, 2], [3, 4], [5], [3, 4]]


def test_use_that_is_noted_while_an_earlier_one_is_written_is_kept(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses = Uses(sqlite_database)
    write = uses._write

    def write_slowly(piece: Sequence[Use]) -> None:
        write(piece)
        uses.note(known(), START + 7, "later", None)

    monkeypatch.setattr(uses, "_write", write_slowly)
    uses.note(known(), START, "a", None)
    asyncio.run(uses.flush())
    monkeypatch.undo()
    asyncio.run(uses.flush())
    assert stored(sqlite_database) == [(1, int(START) + 7, "later", None)]


def test_writing_that_hangs_is_left_to_itself(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """In something that knows no deadline. No second thread, with a second connection, is begun beside it."""
    monkeypatch.setattr(last_used, "INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(one_thread, "ABANDONED_AFTER_SECONDS", 0.1)
    uses = Uses(sqlite_database)
    goes_on, begun = threading.Event(), []

    def hang(_piece: Sequence[Use]) -> None:
        begun.append(threading.current_thread())
        goes_on.wait(10)

    uses.note(known(), START, "a", None)
    with monkeypatch.context() as hanging, capture_logs() as logs:
        hanging.setattr(uses, "_write", hang)
        for _ in range(2):
            asyncio.run(uses.flush())
    reasons = [entry["reason"] for entry in logs]
    assert (len(begun), reasons) == (1, ["the database does not answer", "an earlier attempt has not ended"])
    goes_on.set()


def test_writing_goes_on_after_a_failure(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect costs nothing that was noted before it or is after it."""
    uses = Uses(sqlite_database)
    written: list[Sequence[Use]] = []

    def write(noted: Sequence[Use]) -> None:
        written.append(noted)
        if len(written) == 1:
            raise ZeroDivisionError

    monkeypatch.setattr(uses, "_write", write)

    async def run() -> None:
        running = asyncio.create_task(run_jobs([Job("uses", 0.01, Where.PROCESS, uses.flush)]))
        uses.note(known(), START, None, None)
        while len(written) < 2:  # noqa: ASYNC110 - it is written in another thread
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(asyncio.wait_for(run(), 10))
    assert written[0] == written[1]
