"""Bodies that are sent piece by piece."""

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from tokenry.web.pieces import ClientGone, send_pieces

REQUEST = {"type": "http.request", "body": b"", "more_body": False}
DISCONNECT = {"type": "http.disconnect"}


async def deliver(pieces: Iterator[bytes], *, hangs_up_after: int | None = None) -> list[dict[str, Any]]:
    """Send them to a client that hangs up when it has so many; what it was sent."""
    sent: list[dict[str, Any]] = []
    asked = 0

    async def receive() -> Any:
        nonlocal asked
        asked += 1
        if hangs_up_after is not None and len(sent) >= hangs_up_after:
            return DISCONNECT
        if asked == 1:
            return REQUEST
        return await anyio.sleep_forever()

    async def send(message: Any) -> None:
        sent.append(message)

    try:
        await send_pieces(receive, send, pieces, anyio.to_thread.run_sync)
    except ClientGone:
        sent.append(DISCONNECT)
    return sent


def piece(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


def test_every_piece_is_sent_and_then_the_end() -> None:
    sent = anyio.run(deliver, iter([b"one", b"two"]))
    assert sent == [piece(b"one"), piece(b"two"), {"type": "http.response.body"}]


def test_nothing_more_is_made_for_a_client_that_hung_up() -> None:
    made = []

    def make() -> Iterator[bytes]:
        for number in range(9):
            made.append(number)
            yield b"x"

    sent = anyio.run(lambda: deliver(make(), hangs_up_after=2))
    assert sent == [piece(b"x"), piece(b"x"), DISCONNECT]
    assert made == [0, 1, 2]


def test_answer_that_fails_half_way_has_no_end() -> None:
    def make() -> Iterator[bytes]:
        yield b"one"
        raise LookupError

    with pytest.raises(LookupError):
        anyio.run(deliver, make())
