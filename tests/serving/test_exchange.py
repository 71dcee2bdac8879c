"""An answer is the same bytes, and leaves its connection the same, whether uvicorn writes it or the exchange."""

import asyncio
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tests.serving.parts import Wire
from tokenry.serving.exchange import Exchange

DATE = [(b"date", b"Sun, 15 Jun 2025 15:06:40 GMT")]


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": [*headers]}


def body(text: bytes = b"", **more: Any) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text, **more}


def length(number: int) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % number


ANSWERS: dict[str, list[dict[str, Any]]] = {
    "a body": [start(length(2), (b"x-a", b"\xe9\tb")), body(b"{}")],
    "no body": [start(length(0)), body()],
    "none said": [start(length(0)), {"type": "http.response.body"}],
    "no length": [start((b"x-a", b"b")), body(b"{}")],
    "no content": [start(status=204), body()],
    "pieces": [start(), body(b"a", more_body=True), body(b"b", more_body=True), body()],
    "pieces of a length": [start(length(2)), body(b"a", more_body=True), body(b"b")],
    "closing": [start((b"connection", b"close"), length(2), status=413), body(b"{}")],
    "too long": [start(length(1)), body(b"{}")],
    "too short": [start(length(3)), body(b"{}")],
    "a line more": [start(length(0), (b"x-a", b"b\r\nx-b: c")), body()],
    "a line feed": [start(length(0), (b"x-a", b"b\n")), body()],
    "a null": [start(length(0), (b"x-a", b"\x00")), body()],
    "a delete": [start(length(0), (b"x-a", b"\x7f")), body()],
    "a line in a name": [start(length(0), (b"x-a\r\nx-b", b"c")), body()],
    "a body first": [body(b"{}")],
    "two heads": [start(length(2)), start(length(2))],
    "after its end": [start(length(0)), body(), body()],
    "unknown": [{"type": "http.response.trailers"}],
}


def send(
    kind: type[RequestResponseCycle], messages: list[dict[str, Any]], method: str, *, alive: bool, gone: bool
) -> Any:
    """What the client gets of these messages, what becomes of the connection, and of whoever sends them."""
    wire, ended = Wire(), []
    cycle = kind(
        scope={"method": method},  # type: ignore[typeddict-item]
        transport=wire,
        flow=FlowControl(wire),
        logger=logging.getLogger("uvicorn.error"),
        access_logger=logging.getLogger("uvicorn.access"),
        access_log=False,
        default_headers=[*DATE],
        message_event=asyncio.Event(),
        expect_100_continue=True,
        keep_alive=alive,
        on_response=lambda: ended.append(True),
    )
    cycle.disconnected = gone
    refused = False

    async def send_all() -> None:
        for message in messages:
            await cycle.send({**message})  # type: ignore[arg-type]

    try:
        asyncio.run(send_all())
    except RuntimeError:
        refused = True
    waits = cycle.waiting_for_100_continue
    return wire.received, wire.closed, refused, ended, cycle.response_complete, cycle.message_event.is_set(), waits


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("messages", ANSWERS.values(), ids=ANSWERS.keys())
def test_answer_is_uvicorns(messages: list[dict[str, Any]], method: str, *, alive: bool, gone: bool) -> None:
    mine, theirs = (send(kind, messages, method, alive=alive, gone=gone) for kind in (Exchange, RequestResponseCycle))
    assert mine == theirs


def test_head_that_holds_another_line_is_not_sent() -> None:
    received, _, refused, *_ = send(Exchange, ANSWERS["a line more"], "GET", alive=True, gone=False)
    assert (received, refused) == (b"", True)
