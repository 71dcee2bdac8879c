"""Installations whose processes are asked one by one."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import URL

from tests.conftest import new_database
from tests.grants.house import House, connect
from tests.servers import Server, serving
from tests.workers import alone, serving_processes
from tokenry.settings import Settings
from tokenry.wiring import open_installation

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="module", params=ENGINES)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Two services on one database, of each engine in turn."""
    with open_house(request, tmp_path_factory) as house:
        yield house


@pytest.fixture(scope="module", params=[*ENGINES, pytest.param("workers", marks=pytest.mark.long)])
def rivals(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The same, and the workers of one service."""
    with open_house(request, tmp_path_factory) as house:
        yield house


def open_house(request: pytest.FixtureRequest, directories: pytest.TempPathFactory) -> AbstractContextManager[House]:
    """What a fixture of these parameters is."""
    if request.param == "workers":
        return workers_of(request.getfixturevalue("four"))
    postgres = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    return two_services(directories.mktemp("house"), postgres)


@contextmanager
def two_services(directory: Path, postgres: URL | None) -> Iterator[House]:
    """Two services on a new database, of this server or of SQLite."""
    with ExitStack() as stack:
        database = None if postgres is None else stack.enter_context(new_database(postgres))
        url = None if database is None else database.render_as_string(hide_password=False)
        settings = Settings(data_dir=directory / "data", database_url=url)
        variables = {} if url is None else {"TOKENRY_DATABASE_URL": url}
        servers = [stack.enter_context(serving(settings.data_dir, variables=variables)) for _ in range(2)]
        processes = [stack.enter_context(connect(server)) for server in servers]
        yield stack.enter_context(house_of(settings, processes, servers[0].token))


@contextmanager
def workers_of(server: Server) -> Iterator[House]:
    """The workers of one service."""
    with ExitStack() as stack:
        processes = []
        for worker in serving_processes(server):
            with alone(server, worker):
                processes.append(stack.enter_context(connect(server)))
                assert processes[-1].get("/healthz").status_code == 200
        yield stack.enter_context(house_of(Settings(data_dir=server.data_dir), processes, server.token))


@contextmanager
def house_of(settings: Settings, processes: list[httpx2.Client], token: str) -> Iterator[House]:
    """The installation with these settings, and the processes that serve it."""
    installation = open_installation(settings)
    with closing(installation.database):
        yield House(installation, settings, processes, token)
