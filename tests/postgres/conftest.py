"""Servers for the tests of what happens to a service when PostgreSQL is not as it was."""

from collections.abc import Callable, Iterator
from types import ModuleType
from uuid import uuid4

import pytest

from tests.conftest import missing
from tests.postgres_servers import PgBouncer, PostgresServer, pooled, postgres_servers


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
