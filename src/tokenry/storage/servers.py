"""What the PostgreSQL servers of an address say of themselves, standbys too: for `tokenry doctor`."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import IsolationLevel
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn
from psycopg.rows import dict_row
from sqlalchemy import URL

from tokenry.printable import first_line
from tokenry.storage.deadline import within
from tokenry.storage.postgres import BoundedConnection, is_pooled, parameters_of
from tokenry.storage.schema import metadata

SECONDS_MAX = 5
"""For all that one server is asked, once there is a connection."""
ANALYZED_FROM_BYTES = 1 << 20
"""A smaller table is read quickly, whatever is known of it."""
CLOCK_LOOKS = 3
"""The quickest answer says most exactly what the server's clock shows."""
_PLACES = ("host", "hostaddr", "port")

_ASK = """
SELECT pg_is_in_recovery() AS in_recovery,
    current_setting('transaction_read_only')::boolean AS read_only,
    current_setting('fsync')::boolean AS fsync,
    current_setting('full_page_writes')::boolean AS full_page_writes,
    current_setting('autovacuum')::boolean AS autovacuum,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') <> '' AS has_synchronous_standbys,
    EXISTS (SELECT FROM pg_stat_replication) AS has_standbys,
    least(
        current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
            - coalesce(current_setting('reserved_connections', true)::integer, 0),
        (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
        (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
    ) AS connections_max,
    (SELECT sum(numbackends) FROM pg_stat_database)::integer AS connections,
    (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND datname = current_database())::integer
        AS connections_own
"""
_UNANALYZED = """
SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE pg_class.oid = ANY (SELECT to_regclass(name) FROM unnest(%(names)s::text[]) AS name)
    AND pg_relation_size(pg_class.oid) >= %(bytes)s AND pg_has_role(relowner, 'USAGE')
    AND NOT EXISTS (SELECT FROM pg_stats WHERE schemaname = nspname AND tablename = relname)
ORDER BY relname
"""
_FOREIGN = """
SELECT relname FROM pg_class
WHERE oid = ANY (SELECT to_regclass(name) FROM unnest(%(names)s::text[]) AS name) AND NOT pg_has_role(relowner, 'USAGE')
ORDER BY relname
"""
_INVALID = """
SELECT indexrelid::regclass::text AS relname FROM pg_index
WHERE NOT indisvalid AND indrelid = ANY (SELECT to_regclass(name) FROM unnest(%(names)s::text[]) AS name)
ORDER BY relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server. `connections_max` holds for our role and database; `connections_own` of them they have now.

    `foreign` tables belong to a role whose rights ours has not. `clock_ahead` is by how many seconds its clock is ahead
    of ours, right to within `clock_error`.
    """

    name: str
    version: int
    in_recovery: bool
    read_only: bool
    fsync: bool
    full_page_writes: bool
    autovacuum: bool
    synchronous_commit: str
    has_synchronous_standbys: bool
    has_standbys: bool
    connections_max: int
    connections: int
    connections_own: int
    pooled: bool
    clock_ahead: float
    clock_error: float
    unanalyzed: Sequence[str]
    foreign: Sequence[str]
    invalid_indexes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Unreached:
    """A server that does not answer, or lets nobody in, and why."""

    name: str
    reason: str


def list_servers(url: URL, clock: Callable[[], float] = time.time) -> Iterator[Server | Unreached]:
    """Ask each server of an address, in its order."""
    parameters = parameters_of(url)
    del parameters["target_session_attrs"]
    for place in _places(parameters):
        try:
            with (
                within(SECONDS_MAX),
                BoundedConnection.connect("", **{**parameters, **place}) as connection,
            ):
                connection.isolation_level = IsolationLevel.READ_COMMITTED  # a role's own may not do on a standby
                server = _ask(connection, clock)
        except psycopg.Error as error:
            yield Unreached(_name(place), first_line(error))
        else:
            yield server


def _places(parameters: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    """The address of each server by itself; lists are of one length, or ports one for all.

    libpq names those that are in a service's file or in variables, once it has begun to connect.
    """
    whole = PGconn.connect_start(make_conninfo("", **parameters).encode())
    said = {option.keyword.decode(): option.val.decode() for option in whole.info if option.val}
    whole.finish()
    lists = {name: said[name].split(",") for name in _PLACES if name in said}
    for number in range(max(map(len, lists.values()), default=1)):
        yield {name: values[number if len(values) > 1 else 0] for name, values in lists.items()}


def _name(place: Mapping[str, str]) -> str:
    if "host" not in place and "hostaddr" not in place:
        return "the server"
    return ":".join(place[part] for part in _PLACES if place.get(part))


def _ask(connection: psycopg.Connection[Any], clock: Callable[[], float]) -> Server:
    names = {"names": [*metadata.tables], "bytes": ANALYZED_FROM_BYTES}
    with connection.cursor(row_factory=dict_row) as cursor:
        said = cursor.execute(_ASK).fetchone() or {}
        unanalyzed, foreign, invalid = (
            [row["relname"] for row in cursor.execute(statement, names)]
            for statement in (_UNANALYZED, _FOREIGN, _INVALID)
        )
    error, ahead = min(_compare_clocks(connection, clock) for _ in range(CLOCK_LOOKS))
    return Server(
        **said,
        name=f"{connection.info.host}:{connection.info.port}",
        version=connection.info.server_version,
        pooled=is_pooled(connection),
        clock_ahead=ahead,
        clock_error=error,
        unanalyzed=unanalyzed,
        foreign=foreign,
        invalid_indexes=invalid,
    )


def _compare_clocks(connection: psycopg.Connection[Any], clock: Callable[[], float]) -> tuple[float, float]:
    """By how much the answer may be wrong, and by how much the server's clock is ahead."""
    before = clock()
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone() or (before,)
    after = clock()
    return (after - before) / 2, row[0] - (before + after) / 2
