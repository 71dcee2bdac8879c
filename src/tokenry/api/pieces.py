"""Answers that are too long to be held whole."""

from collections.abc import Iterator

from anyio import CapacityLimiter, move_on_after, to_thread
from starlette.types import Receive, Send


class ClientGone(Exception):  # noqa: N818 - nobody is left to whom it could be an error
    """The client hung up before all was received or sent; nobody waits for an answer, or for the rest of one."""


async def send_pieces(receive: Receive, send: Send, pieces: Iterator[bytes], threads: CapacityLimiter) -> None:
    """Send the body of an answer, each piece made in a thread once the client has taken the one before.

    Raises ClientGone when it hangs up, and whatever making a piece raises.
    """
    while (piece := await to_thread.run_sync(next, pieces, None, limiter=threads)) is not None:
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
