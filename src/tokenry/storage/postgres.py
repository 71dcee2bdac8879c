"""PostgreSQL: one reading of its address, one way to connect, and what each transaction says before anything else.

libpq reads the address, for management and for verification alike, so whatever it takes means the same to both. Nothing
is set for a session: behind a pooler the next transaction may be in another one. Each transaction says itself how long
its waits may last, and asks whether the server may be written to. A standby knows of a revocation only when it has
caught up, so from a server in recovery, or a read-only one, nothing is believed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from ipaddress import IPv6Address
from math import ceil, inf
from time import monotonic
from typing import Any
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import Diagnostic
from sqlalchemy import URL, Connection, ExceptionContext

from tokenry.domain.errors import SetupError
from tokenry.printable import first_line
from tokenry.storage.deadline import seconds_left, within
from tokenry.storage.failures import UNFIT, Failure, NotPrimary, sort_state

DRIVER = "postgresql+psycopg"
CONNECT_SECONDS_MAX = 3
"""For each host of the address, unless it says otherwise."""
EXCHANGE_SECONDS_MAX = 10
"""To the answer of a question that waits for nobody."""
IDLE_EXCHANGE_SECONDS_MAX = 2
"""The same on a connection that was idle: its server may stand still, and there has to be time for another one."""
COMMIT_SECONDS_MAX = 10
"""To the word that a change is committed, which a synchronous standby may hold up, also for a command."""
GRACE_SECONDS = 0.2
"""How much longer than the server a connection waits: the server says best that a statement took too long."""
IDLE_SECONDS_MAX = 60
"""Between two statements of a transaction; the server ends it then. Of a request's no later than the request."""
PARAMETERS: Mapping[str, object] = {
    "client_encoding": "utf8",
    "connect_timeout": CONNECT_SECONDS_MAX,
    "fallback_application_name": "tokenry",
    # A peer that is gone without a word is noticed within a minute, also by a command that waits without end.
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "target_session_attrs": "read-write",
}
_SECONDS = re.compile(r"-?[0-9]{1,9}")
_ANY_SERVER = frozenset({"any", "read-write", "primary"})
_SCHEME = re.compile(r"postgres(ql)?(\+\w+)?(?=://)")
_UNKNOWN_PARAMETER = re.compile(r'invalid URI query parameter: "(\w{1,60})"')
_UNFIT = ("session is read-only", "server is in hot standby mode")
_TRY = re.compile(r"^- (.+)$", re.MULTILINE)
"""What psycopg tells of each host that it tried, if there were several."""
_SAME = {"ssl": "sslmode"}
_UTF8 = frozenset({"utf8", "utf-8", "unicode"})
_ENCODINGS = frozenset({"UTF8", "SQL_ASCII"})
"""Of a database that takes every text; the second is none at all."""
_UNREADABLE = "cannot be read: in a name or a password, write % as %25, a space as %20, / as %2F, @ as %40"
_REMEDY = "see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS"

# The operator's word on durability is kept where it is stronger than ours, or as strong.
_BEGIN = (
    "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true), "
    "set_config('idle_in_transaction_session_timeout', %s, true), "
    "set_config('client_min_messages', 'warning', true), "
    "set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' "
    "THEN 'remote_apply' ELSE 'on' END, true), " + UNFIT
)
IDENTIFY = "SELECT pg_backend_pid()"


class Unacknowledged(psycopg.OperationalError):
    """The server was told to commit, and did not say that it did all of it: the change may have been made."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits no longer than its caller does, whatever becomes of the server or the network."""

    warning: str | None = None
    """The newest of the server's own."""

    def commit(self) -> None:
        """Commit. Raises Unacknowledged where nobody knows whether the server did so.

        Cancelling the wait for a synchronous standby lets the commit succeed, with a warning.
        """
        self.warning = None
        try:
            with within(min(seconds_left(), COMMIT_SECONDS_MAX)):
                super().commit()
        except psycopg.OperationalError as error:
            if error.sqlstate is not None and sort_state(error.sqlstate) is not Failure.LOST:
                raise
            raise Unacknowledged(f"the commit was not acknowledged: {first_line(error)}") from error
        if self.warning is not None:
            raise Unacknowledged(f"the commit was not acknowledged: {self.warning}")

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the server. Raises OperationalError when time is up; the connection is closed then."""
        seconds = max(0.0, seconds_left()) + GRACE_SECONDS
        if timeout is not None or seconds == inf:
            return super().wait(gen, interval, timeout)
        until = monotonic() + seconds
        try:
            return super().wait(gen, interval, seconds)
        except psycopg.OperationalError:
            if monotonic() < until:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError("the server did not answer in time") from None


def read_address(text: str) -> URL:
    """Read an address as libpq does. Raises SetupError, which repeats no part of it that may be secret."""
    uri = _SCHEME.sub("postgresql", text, count=1)
    try:
        parameters = conninfo_to_dict(uri)
        given = Counter(_SAME.get(name, name) for name in _names(uri))
    except (psycopg.Error, ValueError) as error:
        unknown = _UNKNOWN_PARAMETER.search(str(error))
        raise _refusal(
            f"has the parameter {unknown[1]}, which libpq does not know" if unknown else _UNREADABLE
        ) from None
    _refuse_ambiguous(parameters, given)
    _refuse_unfit(parameters)
    texts = {name: str(value) for name, value in parameters.items()}
    host, port = texts.get("host", ""), texts.get("port", "")
    if host.startswith("/") or "," in host + port:
        host = port = ""  # for libpq alone
    else:
        texts.pop("host", None), texts.pop("port", None)
    return URL.create(
        DRIVER,
        username=texts.pop("user", None),
        password=texts.pop("password", None),
        database=texts.pop("dbname", None),
        host=host or None,
        port=int(port) if port else None,
        query=texts,
    )


def parameters_of(url: URL) -> dict[str, Any]:
    """What libpq is given for an address that was read: what the address says, and our word on what it leaves open."""
    said = {"user": url.username, "password": url.password, "dbname": url.database, "host": url.host, "port": url.port}
    parameters = {name: value for name, value in said.items() if value is not None} | dict(url.query)
    if parameters.get("target_session_attrs") == "any":
        del parameters["target_session_attrs"]
    return {**PARAMETERS, **parameters}


def connect(url: URL, timeout: float) -> BoundedConnection:
    """Open a connection to a server that may be written to. `timeout` is how many seconds the network may keep silent.

    Behind a pooler nothing is prepared: the next transaction may be in another session. Raises psycopg.Error,
    NotPrimary.
    """
    parameters = {"tcp_user_timeout": ceil(1000 * timeout), **parameters_of(url)}
    parameters["connect_timeout"] = _seconds_for_each_host(parameters)
    with finding_primary():
        connection = BoundedConnection.connect("", **parameters)
    connection.add_notice_handler(partial(_heed, connection))
    try:
        _require_unicode(connection)
        if is_pooled(connection):
            connection.prepare_threshold = None
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def finding_primary() -> Iterator[None]:
    """Raise NotPrimary where libpq (the wheel's is English) finds none but standbys and read-only servers."""
    try:
        yield
    except psycopg.OperationalError as error:
        tries = _TRY.findall(str(error)) or [str(error)]
        unfit = [one for one in tries if any(words in one for words in _UNFIT)]
        if unfit:
            raise NotPrimary(others_fail=len(unfit) < len(tries)) from error
        raise


def is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Whether something stands between this connection and the server: what it was told of its process is not so."""
    with _first_exchange(EXCHANGE_SECONDS_MAX):
        row = connection.execute(IDENTIFY, prepare=False).fetchone()
        connection.rollback()
    return row is None or row[0] != connection.info.backend_pid


def begin(connection: Connection, *, lock_seconds: float, statement_seconds: float, was_idle: bool) -> None:
    """Say how long the waits of a transaction may last, before anything else. Raises NotPrimary."""
    idle_seconds = min(IDLE_SECONDS_MAX, statement_seconds + 1)
    bounds = (lock_seconds, statement_seconds, idle_seconds)
    with _first_exchange(IDLE_EXCHANGE_SECONDS_MAX if was_idle else EXCHANGE_SECONDS_MAX):
        row = connection.exec_driver_sql(_BEGIN, tuple(map(_milliseconds, bounds))).one()
    if row[-1]:
        raise NotPrimary


@contextmanager
def _first_exchange(seconds: float) -> Iterator[None]:
    """Wait for a word of the server's own no longer than it can need, also for a caller that waits without end."""
    with within(min(seconds_left(), seconds)):
        yield


def _seconds_for_each_host(parameters: Mapping[str, Any]) -> int:
    """How long each host may take to let us in: for a caller in a hurry so long that the last one is asked in time."""
    seconds = int(parameters["connect_timeout"])
    hosts = str(parameters.get("hostaddr", parameters.get("host", ""))).split(",")
    share = seconds_left() / len(hosts)
    if share == inf or 0 < seconds <= share:
        return seconds
    return max(1, int(share))


def hide_rows(context: ExceptionContext) -> None:
    """Cut PostgreSQL's DETAIL, which shows the row, off an error."""
    diagnosis = getattr(context.original_exception, "diag", None)
    if diagnosis is not None and diagnosis.message_primary and context.sqlalchemy_exception is not None:
        context.original_exception.args = context.sqlalchemy_exception.args = (diagnosis.message_primary,)


def _heed(connection: BoundedConnection, notice: Diagnostic) -> None:
    if notice.severity_nonlocalized == "WARNING":
        connection.warning = notice.message_primary


def _require_unicode(connection: BoundedConnection) -> None:
    """Raise SetupError for a database that does not take every text."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in _ENCODINGS:
        raise SetupError(
            f"The database's encoding is {encoding}, which cannot hold every label: make one with ENCODING 'UTF8'."
        )


def _milliseconds(seconds: float) -> str:
    """A time as PostgreSQL is told it; 0 is none."""
    return "0" if seconds == inf else str(max(1, int(1000 * seconds)))


def _refuse_ambiguous(parameters: Mapping[str, Any], given: Counter[str]) -> None:
    """Raise SetupError for what others read otherwise than libpq."""
    for name, times in given.items():
        if times > 1:
            raise _refusal(f"has {name} twice: several hosts are host=a,b&port=1,2 or //a:1,b:2/name")
    for host in str(parameters.get("host", "")).split(","):
        if not host.startswith(("/", "@")) and ":" in host and not _is_ipv6(host):
            raise _refusal("has a port in host: several hosts are host=a,b&port=1,2 or //a:1,b:2/name")
        if "@" in host[1:] or ("user" not in parameters and "@" in str(parameters.get("dbname", ""))):
            raise _refusal("has more than one @: write those in a password as %40")
    ports = str(parameters.get("port", "")).split(",")
    if not all((port.isascii() and port.isdecimal()) or not port for port in ports):
        raise _refusal("has a port that is not a number")
    if len(ports) not in (1, str(parameters.get("hostaddr", parameters.get("host", ""))).count(",") + 1):
        raise _refusal("does not have as many ports as hosts")


def _refuse_unfit(parameters: Mapping[str, Any]) -> None:
    """Raise SetupError for what cannot be done for us, and for servers that are not to be believed."""
    if not _SECONDS.fullmatch(str(parameters.get("connect_timeout", "0"))):
        raise _refusal("has a connect_timeout that is not a number of seconds")
    if str(parameters.get("client_encoding", "utf8")).lower() not in _UTF8:
        raise _refusal("has a client_encoding: leave it out, text is always UTF-8")
    attributes = parameters.get("target_session_attrs", "any")
    if attributes not in _ANY_SERVER:
        raise _refusal(
            "asks with target_session_attrs for a server that may lag behind: leave it out, or say read-write"
        )


def _names(uri: str) -> Iterator[str]:
    """The names of the parameters behind the first question mark, as libpq finds them."""
    for parameter in uri.partition("?")[2].split("&"):
        yield unquote(parameter.partition("=")[0])


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _refusal(fault: str) -> SetupError:
    return SetupError(
        f"The database URL (--database-url or TOKENRY_DATABASE_URL) {fault}. Its form is libpq's: {_REMEDY}."
    )
