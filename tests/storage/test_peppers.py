"""The first pepper: one for each database, whoever sets it up at once and whoever dies over it."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection

from tests.servers import environment, tokenry
from tests.setting_up import COMMITTED, PROGRAM, SLOW, UNCOMMITTED
from tokenry.domain.errors import SetupError
from tokenry.settings import Settings
from tokenry.storage import peppers
from tokenry.storage.database import Database
from tokenry.storage.files import NEW_PEPPER_FILE, PEPPER_FILE, create_peppers, find_peppers
from tokenry.storage.installation import insert_pepper_check
from tokenry.storage.peppers import set_up_peppers
from tokenry.wiring import open_installation, prepare


@pytest.fixture
def settings(tmp_path: Path, engine_url: str | None) -> Settings:
    """The settings of an installation that nobody has set up, on each engine in turn."""
    (tmp_path / "data").mkdir()
    return Settings(data_dir=tmp_path / "data", database_url=engine_url)


def pepper_files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("pepper*"))


def die_over_it(settings: Settings, fault: str) -> None:
    """Set an installation up in a process that dies over the pepper."""
    variables = {} if settings.database_url is None else {"TOKENRY_DATABASE_URL": settings.database_url}
    done = tokenry(
        "migrate", "--data-dir", str(settings.data_dir), program=PROGRAM, variables=variables | {"FAULT": fault}
    )
    assert (done.returncode, pepper_files(settings.data_dir)) == (-signal.SIGKILL, [NEW_PEPPER_FILE]), done.stderr


@pytest.mark.parametrize("fault", [UNCOMMITTED, COMMITTED])
def test_death_over_the_first_pepper_is_made_good_by_the_next_start(settings: Settings, fault: str) -> None:
    die_over_it(settings, fault)
    made = find_peppers(settings.data_dir, NEW_PEPPER_FILE)
    with pytest.raises(SetupError, match="never set up completely: run `tokenry migrate`"):
        open_installation(settings)
    prepare(settings)
    assert pepper_files(settings.data_dir) == [PEPPER_FILE]
    installation = open_installation(settings)
    installation.database.close()
    assert installation.peppers == made


def test_pepper_that_an_earlier_start_has_left_is_on_disk_before_the_database_has_its_value(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever left it may have died before it was: after a power cut the database alone would have it."""
    create_peppers(tmp_path)
    new = (tmp_path / NEW_PEPPER_FILE).stat().st_ino
    done: list[object] = []
    sync, insert = os.fsync, insert_pepper_check

    def fsync(descriptor: int) -> None:
        sync(descriptor)
        done.append(os.fstat(descriptor).st_ino)

    def insert_check(connection: Connection, value: bytes) -> None:
        done.append("inserted")
        insert(connection, value)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(peppers, "insert_pepper_check", insert_check)
    set_up_peppers(tmp_path, database)
    assert done[: done.index("inserted")] == [new, tmp_path.stat().st_ino]


def test_pepper_that_another_host_was_faster_than_is_not_left(new_postgres_database: URL, tmp_path: Path) -> None:
    """Its own process died before it was the database's, and so another host's became that."""
    address = new_postgres_database.render_as_string(hide_password=False)
    one, other = (Settings(data_dir=tmp_path / name, database_url=address) for name in ("one", "other"))
    one.data_dir.mkdir()
    die_over_it(one, UNCOMMITTED)
    prepare(other)
    with pytest.raises(SetupError, match="copy it from the host that set the database up"):
        prepare(one)
    assert pepper_files(one.data_dir) == []


def test_pepper_that_was_not_written_to_its_end_is_made_anew(settings: Settings) -> None:
    (settings.data_dir / NEW_PEPPER_FILE).write_text("AAAA")
    prepare(settings)
    assert pepper_files(settings.data_dir) == [PEPPER_FILE]
    assert find_peppers(settings.data_dir) is not None


def test_pepper_that_is_there_is_kept_beside_a_new_one(settings: Settings) -> None:
    create_peppers(settings.data_dir)
    (settings.data_dir / NEW_PEPPER_FILE).rename(settings.data_dir / PEPPER_FILE)
    copied = find_peppers(settings.data_dir)
    create_peppers(settings.data_dir)
    prepare(settings)
    assert (find_peppers(settings.data_dir), pepper_files(settings.data_dir)) == (copied, [PEPPER_FILE])


def test_of_hosts_that_set_up_at_once_one_makes_the_pepper_and_others_are_told_to_copy_it(
    new_postgres_database: URL, tmp_path: Path
) -> None:
    address = new_postgres_database.render_as_string(hide_password=False)
    hosts = [tmp_path / name for name in ("one", "other")]
    processes = [
        subprocess.Popen(
            [*PROGRAM, "migrate", "--data-dir", str(host)],
            env=environment(TOKENRY_DATABASE_URL=address, FAULT=SLOW),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for host in hosts
    ]
    printed = ["".join(process.communicate(timeout=60)) for process in processes]
    statuses = [process.returncode for process in processes]
    assert sorted(statuses) == [0, 1], printed
    made, told = statuses.index(0), statuses.index(1)
    assert printed[made] == "The database is up to date.\n"
    assert printed[told] == (
        f"tokenry: The pepper file {hosts[told]}/pepper.key is missing beside an existing database: copy it from the "
        "host that set the database up, or restore it from a backup. Without it no token can be verified.\n"
    )
    assert [pepper_files(hosts[each]) for each in (made, told)] == [[PEPPER_FILE], []]
    (hosts[told] / PEPPER_FILE).write_bytes((hosts[made] / PEPPER_FILE).read_bytes())
    prepare(Settings(data_dir=hosts[told], database_url=address))
