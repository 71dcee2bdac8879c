"""Setting an installation up and opening it: what is made once, and what is refused with a remedy."""

import asyncio
import gc
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, text
from starlette.testclient import TestClient

from tests.conftest import START, Clock
from tests.oauth_making import add_client, give
from tokenry.application import build_app
from tokenry.domain.accounts import Origin
from tokenry.domain.checks import Denial
from tokenry.domain.errors import SetupError
from tokenry.domain.secrets import Secret
from tokenry.domain.tokens import NewToken
from tokenry.jobs import Where
from tokenry.service.installation import Installation
from tokenry.settings import Settings
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.files import PEPPER_FILE, find_peppers
from tokenry.verification.postgres import PostgresCredentials
from tokenry.verification.sqlite import SqliteCredentials
from tokenry.verification.verifier import Verifier
from tokenry.wiring import (
    begin,
    begin_verification,
    credentials_of,
    list_jobs,
    open_installation,
    prepare,
)


@pytest.fixture
def opened(settings: Settings) -> Iterator[Installation]:
    """An installation that is set up and open, on each engine in turn."""
    prepare(settings)
    installation = open_installation(settings)
    yield installation
    installation.database.close()


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Settings:
    """The settings of an installation that is set up, on SQLite."""
    settings = Settings(data_dir=tmp_path / "data")
    prepare(settings)
    return settings


def change(settings: Settings, statement: str) -> None:
    """Change a database behind the program's back."""
    database = Database(database_url(settings.database_url, settings.data_dir), timeout=TIMEOUT_SECONDS)
    with database.write() as connection:
        connection.execute(text(statement))
    database.close()


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def denial(installation: Installation, secret: Secret | None) -> Denial | None:
    """What the verification of this installation says to a token."""
    assert secret is not None

    async def verify(presented: str) -> Denial | None:
        credentials = credentials_of(installation.database)
        try:
            return (await Verifier(credentials, installation.peppers).verify(presented)).denial
        finally:
            await credentials.close()

    return asyncio.run(verify(f"Bearer {secret.reveal()}"))


def test_first_token_opens_what_was_set_up(opened: Installation) -> None:
    assert denial(opened, begin(opened, lambda secret: None)) is None


def test_setting_up_again_keeps_pepper_and_tokens(settings: Settings, opened: Installation) -> None:
    secret = begin(opened, lambda secret: None)
    prepare(settings)
    again = open_installation(settings)
    denied = denial(again, secret)
    again.database.close()
    assert (again.peppers, denied) == (opened.peppers, None)


def test_setting_up_several_times_at_once_makes_one_installation(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(prepare, [settings] * 4))
    installation = open_installation(settings)
    installation.database.close()
    assert find_peppers(settings.data_dir) == installation.peppers


def test_of_two_first_starts_at_once_one_makes_the_first_token(settings: Settings, opened: Installation) -> None:
    """The second starts when the first has made everything and not yet committed it."""
    other = open_installation(settings)
    made: list[Secret | None] = []
    second = threading.Thread(target=lambda: made.append(begin(other, lambda secret: None)))

    def start_the_second(secret: Secret) -> None:
        second.start()
        second.join(0.3)

    first = begin(opened, start_the_second)
    second.join()
    other.database.close()
    assert (first is not None, made) == (True, [None])


@pytest.mark.parametrize("interrupted", ["before the pepper", "after the pepper"])
def test_setting_up_that_was_interrupted_is_completed(settings: Settings, interrupted: str) -> None:
    prepare(settings)
    change(settings, "DELETE FROM installation")
    if interrupted == "before the pepper":
        (settings.data_dir / PEPPER_FILE).unlink()
    prepare(settings)
    installation = open_installation(settings)
    installation.database.close()
    assert find_peppers(settings.data_dir) == installation.peppers


def test_application_on_each_engine_is_ready_and_stops_in_order(settings: Settings, opened: Installation) -> None:
    with TestClient(build_app(settings)) as client:
        assert client.get("/readyz").status_code == 200


def test_jobs_fit_the_database_and_one_is_done_once_for_all_hosts(opened: Installation) -> None:
    jobs = {job.name: job.where for job in list_jobs(opened, begin_verification(opened))}
    of_any = {
        "writing down uses of tokens": Where.PROCESS,
        "watching the clock": Where.PROCESS,
        "watching file descriptors": Where.WORKER,
        "counting tokens": Where.FLEET,
        "deleting what expired": Where.FLEET,
        "telling webhooks": Where.FLEET,
        "trying webhooks that fail": Where.FLEET,
        "noting what users are told": Where.FLEET,
        "shortening tokens": Where.FLEET,
        "mailing what users are told": Where.FLEET,
    }
    of_sqlite = {"tending the epoch": Where.PROCESS, "listing all tokens": Where.PROCESS}
    assert jobs == (of_any | of_sqlite if opened.database.is_sqlite else of_any)


def test_no_job_is_done_only_by_a_process_that_runs_for_long(opened: Installation) -> None:
    assert max(job.seconds for job in list_jobs(opened, begin_verification(opened))) <= 60


def test_look_ups_fit_the_database(opened: Installation) -> None:
    kind = SqliteCredentials if opened.database.is_sqlite else PostgresCredentials
    assert isinstance(credentials_of(opened.database), kind)


def test_clock_that_is_given_is_the_one_that_is_read(on_sqlite: Settings) -> None:
    installation = open_installation(on_sqlite, Clock(START))
    begin(installation, lambda secret: None)
    token, _ = installation.tokens.create_token_for(Origin("operator"), "admin", NewToken())
    installation.database.close()
    assert token.created == datetime.fromtimestamp(START, UTC)


def test_missing_pepper_is_refused_and_not_replaced(settings: Settings) -> None:
    prepare(settings)
    (settings.data_dir / PEPPER_FILE).unlink()
    with pytest.raises(SetupError, match=r"is missing beside an existing database: copy it .* or restore it"):
        prepare(settings)
    assert not (settings.data_dir / PEPPER_FILE).exists()


def test_pepper_of_another_database_is_refused(settings: Settings, tmp_path: Path) -> None:
    prepare(settings)
    other = Settings(data_dir=tmp_path / "other")
    prepare(other)
    shutil.copy(other.data_dir / PEPPER_FILE, settings.data_dir / PEPPER_FILE)
    with pytest.raises(SetupError, match="does not belong to this database"):
        prepare(settings)


def test_second_machine_without_the_pepper_is_refused(new_postgres_database: URL, tmp_path: Path) -> None:
    address = new_postgres_database.render_as_string(hide_password=False)
    prepare(Settings(data_dir=tmp_path / "one", database_url=address))
    with pytest.raises(SetupError, match="is missing beside an existing database"):
        prepare(Settings(data_dir=tmp_path / "two", database_url=address))


@pytest.mark.parametrize("use", [prepare, open_installation, build_app])
def test_database_of_a_newer_program_is_refused_and_left_as_it_was(on_sqlite: Settings, use: object) -> None:
    assert callable(use)
    change(on_sqlite, "UPDATE alembic_version SET version_num = '9999'")
    before = contents(on_sqlite.data_dir)
    with pytest.raises(SetupError, match="newer tokenry"):
        use(on_sqlite)
    gc.collect()
    changed = {name for name, content in contents(on_sqlite.data_dir).items() if before.get(name) != content}
    assert changed <= {"tokenry.db-wal", "tokenry.db-shm"}


@pytest.mark.parametrize(
    ("damage", "remedy"),
    [
        ("DELETE FROM alembic_version", "is empty, or older than this program: run `tokenry migrate`"),
        ("UPDATE installation SET pepper_check = x'00'", "does not belong to this database"),
    ],
)
def test_opening_what_does_not_fit_names_the_remedy(on_sqlite: Settings, damage: str, remedy: str) -> None:
    change(on_sqlite, damage)
    with pytest.raises(SetupError, match=remedy):
        open_installation(on_sqlite)


def test_opening_what_was_set_up_by_half_names_the_remedy(on_sqlite: Settings) -> None:
    change(on_sqlite, "DELETE FROM installation")
    (on_sqlite.data_dir / PEPPER_FILE).unlink()
    with pytest.raises(SetupError, match="never set up completely: run `tokenry migrate`"):
        open_installation(on_sqlite)


def test_opening_what_was_never_set_up_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="run `tokenry migrate` or `tokenry serve` first"):
        open_installation(Settings(data_dir=tmp_path / "data"))
    assert list(tmp_path.iterdir()) == []


def test_opening_a_file_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(SetupError):
        open_installation(Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/misspelt.db"))
    assert list(tmp_path.iterdir()) == []


def test_refused_opening_leaves_no_connection(new_postgres_database: URL, tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path / "data", database_url=new_postgres_database.render_as_string(hide_password=False)
    )
    prepare(settings)
    (settings.data_dir / PEPPER_FILE).unlink()
    with pytest.raises(SetupError):
        open_installation(settings)
    gc.collect()  # a connection that was left open says so now, as a warning


def test_wrong_catalogue_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "scopes.toml").write_text("[wiki]")
    with pytest.raises(SetupError, match="needs a list of levels"):
        prepare(Settings(data_dir=tmp_path / "data", scopes_file=tmp_path / "scopes.toml"))
    assert not (tmp_path / "data" / "tokenry.db").exists()


def test_damaged_pepper_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / PEPPER_FILE).write_text("not a pepper")
    with pytest.raises(SetupError, match="restore it from a backup"):
        prepare(Settings(data_dir=tmp_path))
    assert (tmp_path / PEPPER_FILE).read_text() == "not a pepper"


@pytest.mark.parametrize("name", [PEPPER_FILE, ".setup.lock"])
def test_link_to_nowhere_is_refused_by_name(tmp_path: Path, name: str) -> None:
    """As when the volume that holds the pepper is not mounted."""
    (tmp_path / name).symlink_to(tmp_path / "not mounted" / name)
    with pytest.raises(SetupError, match=name):
        prepare(Settings(data_dir=tmp_path))


def test_starting_with_a_catalogue_that_lacks_a_scope_ends_what_clients_were_given_with_it(
    settings: Settings, opened: Installation, tmp_path: Path
) -> None:
    begin(opened, lambda secret: None)
    client = add_client(opened.database)
    gone, there = (
        give(opened.transactions, opened.peppers, client, scopes=scopes).access
        for scopes in ("images:read_only", "linodes:read_only")
    )
    (tmp_path / "scopes.toml").write_text('[linodes]\nlevels = ["read_only"]\n', "utf-8")
    prepare(settings.model_copy(update={"scopes_file": tmp_path / "scopes.toml"}))
    assert [denial(opened, each) for each in (gone, there)] == [Denial.UNKNOWN, None]
