"""Connections: kept and reused, by threads, by event loops one after the other, and not by a forked process."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import httpcore2
import httpx2
import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import TOKEN, http, saying
from tests.gateways.parts import Relay
from tests.servers import Server
from tokenry.client import ONCE, AsyncClient, Client, ConnectionFailed


def exceptions_of(library: ModuleType) -> list[type[Exception]]:
    """Every exception that a library names."""
    return [kind for kind in vars(library).values() if isinstance(kind, type) and issubclass(kind, Exception)]


@pytest.fixture
def relay(server: Server) -> Relay:
    """The way to the real service, which counts connections."""
    return Relay(server.port)


def test_one_connection_serves_many_calls(new_client: NewClient, server: Server, relay: Relay) -> None:
    client = new_client(f"http://127.0.0.1:{relay.port}", server.token)
    for _ in range(5):
        client.whoami()
        client.verify(server.token)
    assert relay.connections == 1
    client.close()
    client.whoami()
    assert relay.connections == 2
    client.close()
    relay.close()


def test_threads_share_a_client(server: Server, relay: Relay) -> None:
    with Client(f"http://127.0.0.1:{relay.port}", server.token) as client, ThreadPoolExecutor(4) as threads:
        ready = threading.Barrier(4)

        def ask(_: int) -> set[str]:
            ready.wait(10)
            return {client.whoami().user for _ in range(10)}

        assert set().union(*threads.map(ask, range(4))) == {"admin"}
        assert relay.connections <= 4
    relay.close()


def test_tasks_share_a_client(server: Server, relay: Relay) -> None:
    async def ask_at_once() -> None:
        async with AsyncClient(f"http://127.0.0.1:{relay.port}", server.token) as client:
            users = await asyncio.gather(*(client.whoami() for _ in range(20)))
            assert {each.user for each in users} == {"admin"}
            token = await client.tokens.create(label="async", scopes="linodes:read_only")
            assert (await token.rename("still")).label == "still"
            assert (await token.details()).label == "still"
            assert [each.id async for each in client.tokens.list({"label": "still"})] == [token.id]
            await token.revoke()

    asyncio.run(ask_at_once())
    relay.close()


def test_one_event_loop_after_the_other(server: Server) -> None:
    client = AsyncClient(server.url, server.token)

    async def ask(*, close: bool) -> str:
        user = (await client.whoami()).user
        if close:
            await client.aclose()
        return user

    assert [asyncio.run(ask(close=True)) for _ in range(2)] == ["admin", "admin"]


def test_cancelled_call_leaves_a_client_that_works(server: Server) -> None:
    async def cancel() -> None:
        async with AsyncClient(server.url, server.token) as client:
            call = asyncio.create_task(client.whoami())
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await client.whoami()).user == "admin"

    asyncio.run(cancel())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forked_process_does_not_speak_on_its_parents_connection(server: Server, relay: Relay) -> None:
    with Client(f"http://127.0.0.1:{relay.port}", server.token) as client:
        client.whoami()
        child = os.fork()
        if child == 0:
            os._exit(0 if client.whoami().user == "admin" else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert relay.connections == 2
        client.whoami()
        assert relay.connections == 2
    relay.close()


def test_path_in_the_address_is_kept(new_client: NewClient) -> None:
    with saying(http(200, {"data": [], "page": 1, "pages": 1, "results": 0})) as server:
        assert list(new_client(f"{server.url}/tokens/", TOKEN).tokens.list()) == []
        assert server.requests[0].startswith(b"GET /tokens/v4/profile/tokens?page=1&page_size=100 HTTP/1.1\r\n")


@pytest.mark.parametrize("kind", exceptions_of(httpcore2))
def test_no_exception_of_the_library_for_threads_gets_out(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise kind.__new__(kind)

    monkeypatch.setattr(httpcore2.ConnectionPool, "handle_request", fail)
    with Client("http://host", TOKEN, retries=ONCE) as client, pytest.raises(ConnectionFailed) as caught:
        client.whoami()
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize("kind", exceptions_of(httpx2))
def test_no_exception_of_the_library_for_event_loops_gets_out(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    async def fail(*_: object) -> None:
        raise kind.__new__(kind)

    async def ask() -> None:
        async with AsyncClient("http://host", TOKEN, retries=ONCE) as client:
            await client.whoami()

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", fail)
    with pytest.raises(ConnectionFailed) as caught:
        asyncio.run(ask())
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
