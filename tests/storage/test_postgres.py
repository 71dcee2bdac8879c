"""PostgreSQL: an address means what libpq says or is refused in words, and a connection waits as long as its caller."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, text

from tests.conftest import new_database
from tests.servers import free_port
from tokenry.domain.errors import SetupError
from tokenry.storage import postgres as subject
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS, within
from tokenry.storage.migration import migrate
from tokenry.storage.postgres import connect, is_pooled, parameters_of

HOSTS = {"host": "a,b", "port": "1,2", "dbname": "db"}
SILENT_SECONDS = 5
GREETING = {
    "server_version": "18.0",
    "server_encoding": "UTF8",
    "default_transaction_read_only": "off",
    "in_hot_standby": "off",
}


@pytest.mark.parametrize(
    ("address", "parameters"),
    [
        (
            "postgresql://ada:p%40ss%3Aw%2Frd%25%23%3F@db:5433/x",
            {"user": "ada", "password": "p@ss:w/rd%#?", "port": 5433},
        ),
        ("postgresql+psycopg2://ada@[::1]:5433/x", {"host": "::1", "port": 5433, "dbname": "x"}),
        ("postgresql://a:1,b:2/db", HOSTS),
        ("postgresql:///db?host=a,b&port=1,2", HOSTS),
        ("postgres:///x?user=ada&password=s&dbname=y", {"user": "ada", "password": "s", "dbname": "y"}),
        ("postgresql:///x?service=tokens&passfile=%2Fp", {"service": "tokens", "passfile": "/p"}),
        ("postgresql://h/x?options=-csearch_path%3Dsch", {"options": "-csearch_path=sch"}),
        (
            "postgresql://h/x?sslmode=verify-full&sslrootcert=system",
            {"sslmode": "verify-full", "sslrootcert": "system"},
        ),
        ("postgresql:///x?host=/run/postgresql", {"host": "/run/postgresql"}),
        ("postgresql://h/x?connect_timeout=9&application_name=a", {"connect_timeout": "9", "application_name": "a"}),
    ],
)
def test_address_means_what_libpq_says(tmp_path: Path, address: str, parameters: dict[str, object]) -> None:
    found = parameters_of(database_url(address, tmp_path))
    assert {name: found[name] for name in parameters} == parameters


@pytest.mark.parametrize("asked", ["", "?target_session_attrs=any", "?target_session_attrs=read-write"])
def test_server_that_may_be_written_to_is_asked_for_by_itself(tmp_path: Path, asked: str) -> None:
    url = database_url(f"postgresql://a,b/x{asked}", tmp_path)
    assert parameters_of(url)["target_session_attrs"] == "read-write"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql:///x?host=a:1&host=b:2", "has host twice"),
        ("postgresql:///x?host=a:1,b:2", "has a port in host"),
        ("postgresql:///x?host=a,b,c&port=1,2", "as many ports as hosts"),
        ("postgresql://ada:p@ss@db/x", "more than one @"),
        ("postgresql://db:port/x", "a port that is not a number"),
        ("postgresql://db/x?pool_size=5", "the parameter pool_size"),
        ("postgresql://db/x?application_name=a#b&host=a&host=b", "has host twice"),
        ("postgresql://db/x?ssl=true&sslmode=disable", "has sslmode twice"),
        ("postgresql://ada:12/p@ss@db/x", "more than one @"),
        ("postgresql://db/x?client_encoding=latin1", "has a client_encoding"),
        ("postgresql://db/x?connect_timeout=soon", "has a connect_timeout that is not a number"),
        ("postgresql://db:٣/x", "a port that is not a number"),
        ("postgresql://ada:%zz@db/x", "cannot be read: in a name or a password, write % as %25"),
        ("postgresql://ada:p@ss/w%rd@db/x", "cannot be read: in a name or a password, write % as %25"),
        *((f"postgresql://db/x?target_session_attrs={which}", "lag behind") for which in ("standby", "prefer-standby")),
    ],
)
def test_address_that_libpq_takes_otherwise_than_it_looks_is_refused(tmp_path: Path, address: str, words: str) -> None:
    with pytest.raises(SetupError, match=words) as refusal:
        database_url(address, tmp_path)
    assert not any(secret in str(refusal.value) for secret in ("p@ss", "%zz", "ada"))


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    url = database_url("postgresql://ada:secret@db/x?sslpassword=other&sslmode=require", tmp_path)
    assert Database(url, timeout=TIMEOUT_SECONDS).address == "postgresql://ada:***@db/x"


def test_connection_without_a_pooler_is_told_apart(new_postgres_database: URL) -> None:
    with connect(
        database_url(new_postgres_database.render_as_string(hide_password=False), Path()), TIMEOUT_SECONDS
    ) as connection:
        assert not is_pooled(connection)


def test_wait_ends_with_its_caller_when_the_server_stands_still(new_postgres_database: URL) -> None:
    with connect(
        database_url(new_postgres_database.render_as_string(hide_password=False), Path()), TIMEOUT_SECONDS
    ) as connection:
        process = connection.info.backend_pid
        os.kill(process, signal.SIGSTOP)
        try:
            with within(0.2), pytest.raises(psycopg.OperationalError, match="did not answer in time"):
                connection.execute("SELECT 1")
        finally:
            os.kill(process, signal.SIGCONT)
        assert connection.closed, "an answer that comes late must not be taken for that to another question"


def test_database_that_does_not_take_every_text_is_refused_at_start(postgres: URL) -> None:
    options = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    with new_database(postgres, options) as url:
        database = Database(database_url(url.render_as_string(hide_password=False), Path()), timeout=TIMEOUT_SECONDS)
        with pytest.raises(SetupError, match="encoding is LATIN1"):
            migrate(database)
        database.close()


def test_commit_tells_of_warnings_whatever_the_role_is_told(new_postgres_database: URL) -> None:
    """A commit whose wait for a standby was cancelled succeeds, with a warning: the only sign of it."""
    url = database_url(new_postgres_database.render_as_string(hide_password=False), Path())
    database = Database(url.update_query_dict({"options": "-cclient_min_messages=error"}), timeout=TIMEOUT_SECONDS)
    with database.write() as connection:
        assert connection.execute(text("SHOW client_min_messages")).scalar_one() == "warning"
    database.close()


def test_first_host_that_stands_still_leaves_time_for_the_next(
    new_postgres_database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection is open to it, for which there is no answer any more; to open another takes libpq 2 s at least."""
    monkeypatch.setattr(subject, "IDLE_EXCHANGE_SECONDS_MAX", 0.1)
    port, socket_folder = free_port(), new_postgres_database.query["host"]
    url = database_url(f"postgresql://postgres@/{new_postgres_database.database}?connect_timeout=60", Path())
    url = url.update_query_dict({"host": f"127.0.0.1,{socket_folder}", "port": f"{port},5432"})
    with closing(Database(url, timeout=TIMEOUT_SECONDS)) as database:
        with database.read() as connection:
            process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        os.kill(process, signal.SIGSTOP)
        try:
            with socket.create_server(("127.0.0.1", port)), within(5), database.read() as connection:
                assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != process
        finally:
            os.kill(process, signal.SIGCONT)


def message(kind: bytes, content: bytes) -> bytes:
    """One message of PostgreSQL's protocol."""
    return kind + (4 + len(content)).to_bytes(4, "big") + content


@pytest.fixture
def silent_server() -> Iterator[URL]:
    """A server that lets everybody in without TLS, says no more, and after some seconds hangs up."""
    statuses = [message(b"S", f"{name}\0{value}\0".encode()) for name, value in GREETING.items()]

    def greet(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client:
            client.settimeout(SILENT_SECONDS)
            client.recv(4096)
            client.sendall(b"".join([message(b"R", bytes(4)), *statuses, message(b"Z", b"I")]))
            while client.recv(4096):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        yield database_url(f"postgresql://ada@127.0.0.1:{port}/x?sslmode=disable&gssencmode=disable", Path())
        thread.join()


def test_server_that_says_no_more_than_its_greeting_is_given_up_by_who_waits_without_end(
    silent_server: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every command of the operator's does, which would hang."""
    monkeypatch.setattr(subject, "EXCHANGE_SECONDS_MAX", 0.1)
    with (
        closing(Database(silent_server, timeout=TIMEOUT_SECONDS)) as database,
        pytest.raises(SetupError, match="the server did not answer in time"),
    ):
        migrate(database)
