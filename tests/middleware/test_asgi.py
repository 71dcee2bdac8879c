"""What only ASGI has: websockets, and an application's lifespan."""

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest

from tests.servers import Server
from tokenry.middleware import Answer, Identity, Needs, Question, Refused
from tokenry.middleware.asgi import App, Message, Receive, Scope, Send, TokenMiddleware
from tokenry.middleware.remote import RemoteVerifier

HANDSHAKE: dict[str, Any] = {"type": "websocket", "path": "/", "headers": [], "client": ("127.0.0.1", 1)}


async def accept(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept", "who": scope["tokenry"]})


def exchange(app: App, scope: Scope) -> list[Message]:
    """What an application sends to one websocket."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    return sent


class Closing(RemoteVerifier):
    """Closes after each question: these tests run a loop for each."""

    def __init__(self, url: str) -> None:
        super().__init__(url, timeout=10)  # the machine may be busy

    async def verify_async(self, question: Question) -> Answer:
        answer = await super().verify_async(question)
        await self.close_async()
        return answer


def test_websocket_without_a_token_is_refused(service: Server) -> None:
    app = TokenMiddleware(accept, Closing(service.url))
    assert exchange(app, HANDSHAKE) == [{"type": "websocket.close", "code": 1008}]
    start, body = exchange(app, {**HANDSHAKE, "extensions": {"websocket.http.response": {}}})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert body == {
        "type": "websocket.http.response.body",
        "body": b'{"errors": [{"reason": "Invalid Token"}]}',
    }


def test_websocket_gets_its_identity(service: Server) -> None:
    headers = [(b"authorization", f"Bearer {service.token}".encode())]
    app = TokenMiddleware(accept, Closing(service.url))
    (accepted,) = exchange(app, {**HANDSHAKE, "headers": headers})
    assert isinstance(accepted["who"], Identity)


def test_websocket_may_write_so_reading_does_not_suffice(service: Server, reading_token: str) -> None:
    headers = [(b"authorization", f"Bearer {reading_token}".encode())]
    app = TokenMiddleware(accept, Closing(service.url), Needs(resource="linodes"))
    assert exchange(app, {**HANDSHAKE, "headers": headers}) == [{"type": "websocket.close", "code": 1008}]


class Remembering:
    """A verifier that remembers whether it was closed."""

    closed = False

    def verify(self, question: Question) -> Answer:
        raise AssertionError

    async def verify_async(self, question: Question) -> Answer:
        return Refused(401, b"")

    def check(self, *needs: Needs) -> None:
        """Everything is known."""

    def close(self) -> None:
        raise AssertionError

    async def close_async(self) -> None:
        self.closed = True


@pytest.mark.parametrize("fails", [False, True])
def test_verifier_is_closed_after_the_application(*, fails: bool) -> None:
    verifier = Remembering()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert not verifier.closed
        if fails:
            raise RuntimeError

    async def live() -> None:
        await TokenMiddleware(app, verifier)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]

    with pytest.raises(RuntimeError) if fails else nullcontext():
        asyncio.run(live())
    assert verifier.closed
