"""Answers that are too long to be held whole."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from anyio import move_on_after
from starlette.types import Receive, Send

Run = Callable[[Callable[[], bytes | None]], Awaitable[bytes | None]]


class ClientGone(Exception):  # noqa: N818 - nobody is left to whom it could be an error
    """The client hung up before all was received or sent; nobody waits for an answer, or for the rest of one."""


async def send_pieces(receive: Receive, send: Send, pieces: Iterator[bytes], run: Run) -> None:
    """Send the body of an answer, each piece made in a thread, by `run`, once the client has taken the one before.

    Raises ClientGone when it hangs up, and whatever making a piece raises.
    """
    while (piece := await run(partial(next, pieces, None))) is not None:
        if await _has_hung_up(receive):
            raise ClientGone
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def _has_hung_up(receive: Receive) -> bool:
    """Whether the client is known to be gone. What it sent, of which nothing is needed, is passed over."""
    with move_on_after(0):
        while (await receive())["type"] != "http.disconnect":
            pass
        return True
    return False
