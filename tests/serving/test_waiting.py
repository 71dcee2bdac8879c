"""A plain request whose answer waits for the database: what else the connection does meanwhile loses nothing."""

import asyncio
from collections.abc import Callable

import psycopg
import pytest

from tests.serving.parts import Served, Wire, head
from tokenry.serving.protocol import HEAD_BYTES_MAX, BoundedProtocol
from tokenry.verification.postgres import PostgresCredentials
from tokenry.verification.verifier import Verifier

Meanwhile = Callable[[BoundedProtocol], object]


pytestmark = pytest.mark.parametrize("served", ["postgresql"], indirect=True)  # on SQLite no answer waits
SECONDS_MAX = 10


def ask(served: Served, meanwhile: Meanwhile, name: str = "good") -> Wire:
    """Ask, do something before the answer can be there, and wait until all is done."""

    async def run() -> Wire:
        protocol = BoundedProtocol(served.config, served.state, served.lifespan.state, served.loop)
        wire = Wire()
        protocol.connection_made(wire)
        protocol.data_received(plain(served, name))
        assert protocol._is_waiting()
        assert not wire.received
        meanwhile(protocol)
        async with asyncio.timeout(SECONDS_MAX):
            while protocol._is_waiting() or served.state.tasks:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        closed = wire.closed
        protocol.connection_lost(None)
        wire.closed = closed
        return wire

    return served.run(run())


def plain(served: Served, name: str) -> bytes:
    return head("GET /verify", f"Authorization: Bearer {served.secrets[name]}")


def statuses(wire: Wire) -> list[bytes]:
    return [part[:3] for part in wire.received.split(b"HTTP/1.1 ")[1:]]


def test_request_is_answered(served: Served) -> None:
    wire = ask(served, lambda _: None)
    assert (statuses(wire), wire.closed) == ([b"200"], False)


def test_requests_behind_it_are_answered_in_their_order(served: Served) -> None:
    def send(protocol: BoundedProtocol) -> None:
        for name in ("revoked", "good"):
            protocol.data_received(plain(served, name))
        protocol.data_received(head("GET /healthz"))
        protocol.data_received(plain(served, "unknown"))

    assert statuses(ask(served, send)) == [b"200", b"401", b"200", b"200", b"401"]


def test_what_is_no_request_behind_it_is_refused_after_it(served: Served) -> None:
    wire = ask(served, lambda protocol: protocol.data_received(b"nonsense\r\n\r\n"))
    assert (statuses(wire), wire.closed) == ([b"200", b"400"], True)


def test_client_that_has_said_all_gets_its_answer(served: Served) -> None:
    wire = ask(served, BoundedProtocol.eof_received)
    assert (statuses(wire), wire.closed) == ([b"200"], True)


def test_server_that_stops_answers_first(served: Served) -> None:
    wire = ask(served, BoundedProtocol.shutdown)
    assert (statuses(wire), wire.closed) == ([b"200"], True)


def test_client_that_is_gone_is_forgotten(served: Served) -> None:
    def leave(protocol: BoundedProtocol) -> None:
        protocol.connection_lost(None)
        protocol._held = None

    assert not ask(served, leave).received


def test_reading_stops_while_much_is_behind_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(Wire, "pause_reading", lambda _: done.append("paused"))
    monkeypatch.setattr(Wire, "resume_reading", lambda _: done.append("resumed"))
    many = HEAD_BYTES_MAX // len(plain(served, "good")) + 1

    def send(protocol: BoundedProtocol) -> None:
        for _ in range(many):
            protocol.data_received(plain(served, "good"))

    assert statuses(ask(served, send)) == [b"200"] * (many + 1)
    assert done[:2] == ["paused", "resumed"]


def test_database_that_is_not_there_is_no_yes(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lose(credentials: PostgresCredentials) -> None:
        for line in credentials._idle:
            line.close()

    credentials = served.lifespan.state["tokenry_fast_path"]._verifier._credentials
    served.run(lose(credentials))
    nowhere = credentials._url.set(host="127.0.0.1", port=1, query={})
    monkeypatch.setattr(credentials, "_url", nowhere)
    assert statuses(ask(served, lambda _: None)) == [b"503"]
    monkeypatch.undo()

    async def recover() -> None:
        async with asyncio.timeout(SECONDS_MAX):
            while credentials._fault is not None:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.05)

    served.run(recover())
    assert statuses(ask(served, lambda _: None)) == [b"200"]


def test_defect_is_answered_as_one(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that may not be read, say: what stays without an answer would keep the connection for ever."""

    def fail(*_: object) -> None:
        raise psycopg.errors.InsufficientPrivilege

    monkeypatch.setattr(Verifier, "end_look_up", fail)
    monkeypatch.setattr(PostgresCredentials, "find", fail)
    wire = ask(served, lambda protocol: protocol.data_received(head("GET /healthz")))
    assert statuses(wire) == [b"500", b"200"]
