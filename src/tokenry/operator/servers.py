"""What `tokenry doctor` says of PostgreSQL."""

from collections.abc import Iterator, Sequence

from tokenry.printable import printable
from tokenry.storage.database import POOL_CONNECTIONS_MAX
from tokenry.storage.servers import Server, Unreached
from tokenry.verification.postgres import CONNECTIONS_MAX

VERSION_MIN = 13
WORKER_CONNECTIONS_MAX = POOL_CONNECTIONS_MAX + CONNECTIONS_MAX
OFFSET_SECONDS_MAX = 1.0
"""Between the clocks of two hosts: for so long one still takes a token that the other refuses as expired."""
_WEAKER = frozenset({"off", "local", "remote_write"})


def find_server_problems(servers: Sequence[Server | Unreached], workers: int) -> Iterator[str]:
    """Find what is wrong with the servers of an address, and print what is good to know."""
    for server in servers:
        if isinstance(server, Unreached):
            yield (
                f"{server.name} cannot be asked ({server.reason}): check that it runs and admits this role, or take it "
                "out of the address"
            )
        else:
            role = "a standby" if server.in_recovery else "read-only" if server.read_only else "the primary"
            _say("ok" if role == "the primary" else "note", f"{server.name} is {role}, PostgreSQL {_version(server)}")
    answering = [server for server in servers if isinstance(server, Server)]
    primaries = [server for server in answering if not server.in_recovery]
    if answering and not primaries:
        if len(answering) < len(servers):
            yield (
                "none of the servers that answer is a primary: bring the primary back, or see that it is stopped for "
                "good before you promote a standby"
            )
        else:
            yield "none of these servers is a primary: name that in the address too, or promote a standby"
    if len(primaries) > 1:
        yield "more than one of these servers is a primary, and none sees the changes of the others: stop the older one"
    for server in primaries[:1]:
        yield from _settings(server)
        yield from _connections(server, workers)
        yield from _clock(server)
        yield from _tables(server)
        _durability(server, alone=len(servers) == 1)


def _settings(server: Server) -> Iterator[str]:
    if server.version < 10000 * VERSION_MIN:
        yield f"{server.name} is PostgreSQL {_version(server)}: tokenry needs {VERSION_MIN} or newer"
    if server.read_only:
        yield (
            f"{server.name} is read-only, and no change or verification is answered: RESET "
            "default_transaction_read_only where it was set, with ALTER SYSTEM, DATABASE or ROLE"
        )
    for name, value in (("fsync", server.fsync), ("full_page_writes", server.full_page_writes)):
        if not value:
            yield (
                f"{server.name} has {name} off: after a power cut what was acknowledged may be lost, revocations too, "
                "or the database damaged; set it to on"
            )
    if not server.autovacuum:
        yield f"{server.name} has autovacuum off: tables grow, and statistics grow old; set it to on"


def _durability(server: Server, *, alone: bool) -> None:
    raised = ", which tokenry raises to on" if server.synchronous_commit in _WEAKER else ""
    _say("ok", f"synchronous_commit is {server.synchronous_commit} for this role{raised}")
    if not server.has_synchronous_standbys and (server.has_standbys or not alone):
        _say("note", "no standby is synchronous: a failover may lose the last acknowledged changes, revocations too")


def _connections(server: Server, workers: int) -> Iterator[str]:
    if server.pooled:
        _say("note", "there is a pooler in between: it limits connections, and the server plans each look-up anew")
        return
    needed = workers * WORKER_CONNECTIONS_MAX
    others = server.connections - server.connections_own
    left = max(0, server.connections_max - others)
    text = f"--workers {workers} takes up to {needed} connections, of which {left} are available"
    if needed <= left:
        _say("ok", text)
    else:
        yield f"{text}: raise max_connections or the limit of the role or database, lower --workers, or use a pooler"


def _clock(server: Server) -> Iterator[str]:
    if abs(server.clock_ahead) > OFFSET_SECONDS_MAX + server.clock_error:
        apart = "behind" if server.clock_ahead > 0 else "ahead of"
        yield (
            f"this host's clock is {abs(server.clock_ahead):.1f} seconds {apart} {server.name}'s: tokens expire by the "
            "clock of the host that is asked; keep both right with NTP"
        )


def _tables(server: Server) -> Iterator[str]:
    for name in server.foreign:
        yield (
            f"the table {name} belongs to another role, as after a restore by that role: ALTER TABLE {name} OWNER TO "
            "the role of the address"
        )
    for name in server.unanalyzed:
        yield f"the table {name} was never analyzed, and statements on it may be slow: run ANALYZE {name}"
    for name in server.invalid_indexes:
        yield f"the index {name} is not valid, as after an interrupted build: REINDEX INDEX CONCURRENTLY {name}"


def _say(level: str, text: str) -> None:
    print(f"{level:5} {printable(text)}")


def _version(server: Server) -> str:
    return f"{server.version // 10000}.{server.version % 10000}"
