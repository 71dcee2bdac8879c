"""The screen: it never lacks what is stored, whoever stored it and when, and spares the database most look-ups."""

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from tests.making import crash
from tests.verification.stored import PREVIEW, STORED, add_stored, path_of
from tokenry.domain.errors import Unavailable
from tokenry.domain.secrets import Keyed
from tokenry.jobs import Job, Where, run_jobs
from tokenry.storage.credentials import Credential
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.journal import RING_PREVIEWS
from tokenry.storage.rotations import insert_successor
from tokenry.storage.schema import credentials
from tokenry.verification import screen as screen_module
from tokenry.verification.follower import mend
from tokenry.verification.screen import SLOTS_PER_TOKEN, PreviewFilter, Screen
from tokenry.verification.sqlite import SqliteCredentials

NEW = "pat_NNNNNNNNNNNN"
NEVER_STORED = [f"pat_{number:012}" for number in range(1000)]
STEPS_MAX = 100
SECONDS_MAX = 20


class Counting(SqliteCredentials):
    """Counts what it is asked for."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.asked: list[str] = []

    def find_now(self, preview: str) -> Credential | None:
        self.asked.append(preview)
        return super().find_now(preview)


class Screened:
    """A screen as a worker has it, on an epoch of its own."""

    def __init__(self, path: str) -> None:
        self.database = Database(database_url(f"sqlite:///{path}", Path()), timeout=TIMEOUT_SECONDS)
        self.credentials = Counting(path)
        self.screen = Screen(self.credentials, self.database.epoch.created)

    def fill(self) -> None:
        """Let it do what it does in the background, once."""
        asyncio.run(self.screen._fill())

    def looks_up(self, preview: str = NEVER_STORED[0]) -> bool:
        """Whether the database is asked for this preview."""
        self.credentials.asked.clear()
        self.screen.find_now(preview)
        return bool(self.credentials.asked)

    def close(self) -> None:
        asyncio.run(self.screen.close())
        self.database.close()


@pytest.fixture
def screened(database: Database) -> Iterator[Screened]:
    screened = Screened(path_of(database))
    yield screened
    screened.close()


def previews(number: int) -> Sequence[bytes]:
    chance = random.Random(number)
    return [b"pat_%012d" % chance.randrange(10**12) for _ in range(number)]


@pytest.mark.parametrize("number", [1, 63, 64, 65, 10_000])
def test_filter_lacks_none_that_was_added_and_most_others(number: int) -> None:
    filter = PreviewFilter(number)
    filter.add(previews(number))
    assert not any(map(filter.lacks, previews(number)))
    others = [preview.encode() for preview in NEVER_STORED]
    assert sum(map(filter.lacks, others)) > len(others) * (1 - 1.5 / SLOTS_PER_TOKEN)
    assert not filter.is_full


def test_filter_is_full_when_it_lets_too_many_through() -> None:
    filter = PreviewFilter(1000)
    filter.add(previews(2000))
    assert not filter.is_full
    filter.add(previews(2001))
    assert filter.is_full


def test_filter_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_module, "SLOTS_MAX", 1 << 12)
    filter = PreviewFilter(100_000)
    filter.add(previews(10_000))
    assert len(filter._bits) == (1 << 12) // 8
    assert not filter.is_full, "it would be made again and again"
    assert not any(map(filter.lacks, previews(10_000)))


def test_everything_is_looked_up_until_it_is_filled(screened: Screened) -> None:
    assert screened.looks_up()
    screened.fill()
    assert not screened.looks_up()
    assert screened.screen.find_now(PREVIEW) == STORED


def test_all_that_is_stored_is_let_through(database: Database, screened: Screened) -> None:
    stored = [f"pat_{number:012x}" for number in range(0, 1 << 40, 1 << 29)]
    with database.write() as connection:
        for preview in stored:
            add_stored(connection, preview)
    screened.fill()
    assert all(map(screened.looks_up, stored))
    assert sum(map(screened.looks_up, NEVER_STORED)) < len(NEVER_STORED) / 8


def test_what_another_process_creates_is_found_at_once(database: Database, screened: Screened) -> None:
    screened.fill()
    assert not screened.looks_up(NEW)
    with database.write() as connection:
        add_stored(connection, NEW)
    assert screened.screen.find_now(NEW) is not None
    assert not screened.looks_up()


def test_what_a_rotation_creates_is_found_at_once(database: Database, screened: Screened) -> None:
    screened.fill()
    with database.write() as connection:
        insert_successor(connection, Keyed(NEW, b"e" * 32, 1), beside=PREVIEW)
    assert screened.screen.find_now(NEW) is not None


def test_what_is_created_while_it_is_filled_is_found(
    database: Database, screened: Screened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def create() -> None:
        with database.write() as connection:
            add_stored(connection, NEW)

    monkeypatch.setattr(screen_module, "_make_way", create)
    screened.fill()
    assert not screened.looks_up()
    assert screened.screen.find_now(NEW) is not None


def test_everything_is_looked_up_while_something_is_created(screened: Screened) -> None:
    screened.fill()
    with screened.database.epoch.change(created=[NEW]):
        assert screened.looks_up()
    assert not screened.looks_up()
    assert screened.looks_up(NEW)


def test_what_changes_is_no_matter(database: Database, screened: Screened) -> None:
    screened.fill()
    with database.epoch.change(changed=[PREVIEW]):
        assert not screened.looks_up()


@pytest.mark.parametrize(
    "statement",
    [
        update(credentials).values(preview=NEW),
        text(f"UPDATE credentials SET preview = '{NEW}'"),
    ],
)
def test_statement_that_does_not_say_what_it_creates_lets_everything_through(
    database: Database, screened: Screened, statement: object
) -> None:
    screened.fill()
    with database.write() as connection:
        connection.execute(statement)  # type: ignore[call-overload]
    assert screened.screen.find_now(NEW) is not None
    assert screened.looks_up()
    screened.fill()
    assert screened.screen.find_now(NEW) is not None
    assert not screened.looks_up()


def test_worker_that_falls_behind_looks_everything_up(database: Database, screened: Screened) -> None:
    screened.fill()
    for start in range(0, RING_PREVIEWS + 1, 1000):
        with database.epoch.change(created=[f"pat_{number:012}" for number in range(start, start + 1000)]):
            pass
    assert screened.looks_up()
    screened.fill()
    assert not screened.looks_up()


def test_process_that_dies_creating_lets_everything_through(database: Database, screened: Screened) -> None:
    screened.fill()
    crash(database.epoch.path, "created")
    assert screened.looks_up()
    screened.fill()
    assert screened.looks_up(), "where it stands cannot be told yet"
    mend(screened.database.epoch, [screened.screen])
    assert screened.looks_up()
    screened.fill()
    assert not screened.looks_up()


def test_file_that_was_replaced_lets_everything_through(database: Database, screened: Screened) -> None:
    screened.fill()
    copy = database.epoch.path.read_bytes()
    database.epoch.path.unlink()
    database.epoch.path.write_bytes(copy)
    mend(screened.database.epoch, [screened.screen])
    assert screened.looks_up()
    screened.fill()
    assert not screened.looks_up()


def test_file_that_is_replaced_while_it_is_filled_ends_that(
    screened: Screened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def replace() -> None:
        screened.screen.start_anew()

    monkeypatch.setattr(screen_module, "_make_way", replace)
    screened.fill()
    assert screened.looks_up()


@contextmanager
def running(screened: Screened) -> Iterator[asyncio.Runner]:
    """A screen that looks after itself, often."""
    with asyncio.Runner() as runner:
        task = runner.get_loop().create_task(
            run_jobs([Job("screen", 0.01, Where.WORKER, screened.screen.fill, at_once=True)])
        )
        yield runner
        task.cancel()


def await_that(runner: asyncio.Runner, holds: Callable[[], bool]) -> None:
    """Let it do its work until this holds."""
    deadline = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline
        runner.run(asyncio.sleep(0.01))


def test_full_filter_is_replaced_by_a_larger_one(
    database: Database, screened: Screened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(screened) as runner:
        await_that(runner, lambda: not screened.looks_up())
        small = screened.screen._filter
        assert small is not None
        with database.write() as connection:
            for number in range(1000):
                add_stored(connection, f"pat_{number:012x}")
        assert not screened.screen.lacks(b"pat_%012x" % 999)
        assert small.is_full
        await_that(runner, lambda: screened.screen._filter is not small)
        assert screened.screen._filter is not None
        assert not screened.screen._filter.is_full
        assert not any(screened.screen.lacks(b"pat_%012x" % number) for number in range(1000))


def test_database_that_cannot_be_read_is_tried_again(screened: Screened, monkeypatch: pytest.MonkeyPatch) -> None:
    list_previews, failures = screened.credentials.list_previews, iter([Unavailable(), MemoryError()])

    def fail(above: int, last: int) -> Sequence[bytes]:
        for failure in failures:
            raise failure
        return list_previews(above, last)

    monkeypatch.setattr(screened.credentials, "list_previews", fail)
    with capture_logs() as logs, running(screened) as runner:
        await_that(runner, lambda: not screened.looks_up())
    assert [entry["log_level"] for entry in logs] == ["error"] * 2


@pytest.mark.parametrize("preview", ["short", "p\u00e4t_0123456789ab"])
def test_preview_that_tokenry_did_not_make_harms_no_other(database: Database, screened: Screened, preview: str) -> None:
    kept = "token_id, digest, pepper_generation, expires_at, networks, kind"
    copy = f"INSERT INTO credentials (preview, {kept}) SELECT ?, {kept} FROM credentials"
    with closing(sqlite3.connect(path_of(database), isolation_level=None)) as other:
        other.execute(copy, [preview])
    with database.write() as connection:
        add_stored(connection, NEW)
    screened.fill()
    assert screened.screen.find_now(PREVIEW) == STORED
    assert screened.screen.find_now(NEW) is not None
    assert not screened.looks_up()
