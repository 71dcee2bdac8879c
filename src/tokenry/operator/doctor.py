"""`tokenry doctor`: looks at an installation and says what is wrong with it."""

import shutil
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import typer
from sqlalchemy import URL, text

from tokenry.cli.running import alone
from tokenry.domain.checks import Check
from tokenry.domain.details import Details, Selection, State
from tokenry.domain.scopes import EVERYTHING
from tokenry.operator.options import SCOPED, takes_settings
from tokenry.printable import printable
from tokenry.service.installation import FIRST_START, Installation
from tokenry.service.users import NO_ACCOUNT
from tokenry.serving.unix_socket import find_exposure, lies_in_directory
from tokenry.settings import Settings
from tokenry.storage.database import Database
from tokenry.storage.database import database_url as read_address
from tokenry.storage.files import FIRST_TOKEN_FILE, PEPPER_FILE
from tokenry.storage.migration import head_revision
from tokenry.storage.usernames import list_ambiguous
from tokenry.wiring import open_installation

FREE_BYTES_MIN = 256 * 1024 * 1024


@takes_settings(*SCOPED, "workers", "uds")
def doctor(*, settings: Settings) -> None:
    """Check schema, pepper, permissions, the first token, disk, database and usernames.

    It also says when there is no account yet. Exit status 1 if anything is wrong. On PostgreSQL it asks each server of
    the address, and checks that this many workers get their connections.
    """
    wrong = _tell(_servers(read_address(settings.database_url, settings.data_dir), settings.workers))
    installation = open_installation(settings)
    print(f"ok    the schema is this program's ({head_revision()}), and the pepper belongs to the database")
    whose = "the wire format's" if settings.scopes_file is None else f"that of {printable(str(settings.scopes_file))}"
    print(f"ok    the catalogue, {whose}, has {len(installation.catalogue.resources)} resources")
    if not installation.accounts.list_accounts():
        print(f"note  {NO_ACCOUNT[0].lower()}{NO_ACCOUNT[1:]}")  # as before the first start: nothing is wrong
    if first := _find_first_token(installation):
        named = f"the first token, {first.token.id} of {printable(first.username)}"
        print(f"note  {named}, is live and may do everything: make others, and revoke it")
    if settings.uds is not None and not lies_in_directory(settings.uds):
        print(f"note  {printable(str(settings.uds.parent))} is not there: the service does not start without it")
    wrong |= _tell(
        chain(
            _files(settings.data_dir),
            _socket(settings.uds, settings.data_dir.stat().st_uid),  # whoever runs this may be another
            _first_token(installation, settings.data_dir / FIRST_TOKEN_FILE),
            _disk(settings.data_dir),
            _database(installation.database),
            _names(installation.database),
        )
    )
    if wrong:
        raise typer.Exit(1)
    print("ok    files, disk and database")


def _tell(problems: Iterable[str]) -> bool:
    """Print what is wrong; whether anything is."""
    wrong = False
    for problem in problems:
        wrong = True
        print(f"WRONG {printable(problem)}")
    return wrong


def _servers(url: URL, workers: int) -> Iterator[str]:
    if url.get_backend_name() == "sqlite":
        return
    from tokenry.operator.servers import find_server_problems  # noqa: PLC0415 - what it imports is an extra
    from tokenry.storage.servers import list_servers  # noqa: PLC0415

    yield from find_server_problems(list(list_servers(url)), workers)


def _files(data_dir: Path) -> Iterator[str]:
    for path in filter(Path.exists, (data_dir / PEPPER_FILE, data_dir / FIRST_TOKEN_FILE)):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            yield f"{path} can be read by others (mode {mode:04o}): chmod 600 {path}"
    mode = stat.S_IMODE(data_dir.stat().st_mode)
    if mode & 0o022:
        yield f"{data_dir} can be written by others (mode {mode:04o}): chmod 700 {data_dir}"


def _socket(path: Path | None, user: int | None = None) -> Iterator[str]:
    if path is not None and (wrong := find_exposure(path, user)):
        yield wrong


def _find_first_token(installation: Installation) -> Details | None:
    """Find the token that the first start made, as long as it opens everything, from everywhere."""
    oldest = next(chain.from_iterable(installation.inventory.export_all(Selection(None))), None)
    if oldest is None or oldest.created_by != FIRST_START.name or oldest.token.scopes != EVERYTHING:
        return None
    return oldest if oldest.state is State.ACTIVE and not oldest.networks else None


def _first_token(installation: Installation, path: Path) -> Iterator[str]:
    """Complain of the file that may do everything for ever, for as long as it does."""
    try:
        text = path.read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        return
    except OSError as error:
        yield f"{path} cannot be read ({error.strerror}): whether its token is live is not known"
        return
    steps = installation.explanations.explain_any_token(text)
    if any(step.check is Check.EXPIRY and step.passed for step in steps):  # neither revoked nor rotated away
        yield f"{path} holds a live token that may do everything: make others, revoke or rotate it, and remove the file"


def _disk(data_dir: Path) -> Iterator[str]:
    free = shutil.disk_usage(data_dir).free
    if free < FREE_BYTES_MIN:
        yield f"only {free // (1024 * 1024)} MiB are free for {data_dir}: make room"


def _database(database: Database) -> Iterator[str]:
    if not database.is_sqlite:
        return
    with database.read() as connection:
        if wrong := database.exposure():
            yield wrong
        found = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
        if found != "ok":
            yield f"the database is damaged ({found}): restore a backup"
        mode = connection.execute(text("PRAGMA journal_mode")).scalar_one()
        if mode != "wal":
            yield f"the database is in journal mode {mode}, not wal: is its file system a network share?"
    print(f"ok    SQLite {sqlite3.sqlite_version}")


def _names(database: Database) -> Iterator[str]:
    with database.read() as connection:
        for name in list_ambiguous(connection):
            yield f"user {name} differs from an older one by case only: tokenry admin user update {name} --rename …"


app = alone(doctor)
