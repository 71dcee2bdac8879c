"""Servers for the tests of what happens to a service when PostgreSQL is not as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from tests.conftest import Clock, make_app, missing
from tests.description import CHECKED
from tests.postgres_servers import PgBouncer, PostgresServer, address_of, pooled, postgres_servers
from tokenry.application import build_app
from tokenry.settings import Settings


@pytest.fixture(scope="session")
def new_server(postgres_wheel: ModuleType) -> Iterator[Callable[[str], PostgresServer]]:
    """A function that names new servers."""
    with postgres_servers() as new:
        yield new


@pytest.fixture(scope="session")
def primary(new_server: Callable[[str], PostgresServer]) -> PostgresServer:
    """A running primary of this test process, for tests that leave it as it was."""
    server = new_server("primary")
    server.make_primary()
    return server


@pytest.fixture(scope="session")
def standby(new_server: Callable[[str], PostgresServer], primary: PostgresServer) -> PostgresServer:
    """Its running standby, for tests that leave it as it was."""
    server = new_server("standby")
    server.make_standby_of(primary)
    return server


@pytest.fixture
def new_primary(new_server: Callable[[str], PostgresServer]) -> Iterator[PostgresServer]:
    """A running primary of the test's own."""
    server = new_server(f"p{uuid4().hex[:8]}")
    server.make_primary()
    yield server
    server.discard()


@pytest.fixture
def new_standby(new_server: Callable[[str], PostgresServer], new_primary: PostgresServer) -> Iterator[PostgresServer]:
    """Its running standby."""
    server = new_server(f"s{uuid4().hex[:8]}")
    server.make_standby_of(new_primary)
    yield server
    server.discard()


@pytest.fixture
def new_database(primary: PostgresServer) -> str:
    """The name of an empty database of the shared primary."""
    name = f"t{uuid4().hex}"
    primary.new_database(name)
    return name


@pytest.fixture(scope="session")
def pooler(primary: PostgresServer) -> Iterator[PgBouncer]:
    """PgBouncer in transaction mode before the shared primary."""
    try:
        with pooled(primary) as pooler:
            yield pooler
    except FileNotFoundError:
        missing("PgBouncer (the Debian package pgbouncer)")


@dataclass(frozen=True)
class Installation:
    """An installation on one database, whatever address leads there."""

    data_dir: Path
    token: str = field(repr=False)

    @contextmanager
    def opened(self, address: str) -> Iterator[TestClient]:
        """Its application in this process, for the length of a block."""
        settings = Settings(data_dir=self.data_dir, database_url=address, rate_limit=0, rate_limit_failures=0)
        with TestClient(build_app(settings, Clock()), headers={"Authorization": f"Bearer {self.token}"}) as client:
            client.event_hooks = CHECKED
            yield client


@pytest.fixture(scope="session")
def installation(primary: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation on the shared primary."""
    return install(address_of(primary), tmp_path_factory.mktemp("installation") / "data")


def install(address: str, data_dir: Path) -> Installation:
    """Set up an installation."""
    app = make_app(data_dir, Clock(), address)
    with app.client:
        return Installation(data_dir, app.token)
