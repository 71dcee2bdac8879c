"""Writing answers: whole or in pieces, and refusals with few headers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from tokenry.domain.errors import Fault
from tokenry.domain.limits import Allowance
from tokenry.web.errors import write_faults
from tokenry.web.pieces import Run, send_pieces

HeaderList = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer other than a 200 with JSON. A body of None is none at all, bytes are sent as they are.

    A body that is an iterator of bytes is sent piece by piece, each made in a thread when the one before is on its way.
    What fails before the first piece is there is still answered; after that it ends the connection.
    """

    status: int
    body: object = None
    media_type: bytes = b"application/json"


def to_bytes(body: object) -> bytes:
    """Encode a body as JSON, the way `json.dumps` does by default."""
    return json.dumps(body).encode("ascii")


async def send_answer(send: Send, status: int, body: bytes, headers: HeaderList) -> None:
    """Send a whole answer."""
    headers = [*headers, (b"content-length", str(len(body)).encode("ascii"))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_result(
    scope: Scope, receive: Receive, send: Send, answer: Answer, headers: HeaderList, *, run: Run
) -> None:
    """Send what an operation answered; `run` makes further pieces in a thread."""
    if answer.body is None:
        if answer.status != 204:  # which has no length (RFC 9110 section 8.6)
            headers = [*headers, (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body"})
        return
    headers = [(b"content-type", answer.media_type), *headers]
    if isinstance(answer.body, Iterator):
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        pieces = iter(()) if scope["method"] == "HEAD" else answer.body
        await send_pieces(receive, send, pieces, run)
        return
    body = answer.body if isinstance(answer.body, bytes) else to_bytes(answer.body)
    await send_answer(send, answer.status, body, headers)


def write_allowance(left: Allowance) -> HeaderList:
    """The headers that say what a limit leaves: `X-RateLimit-Reset` in seconds since 1970."""
    return [
        (b"x-ratelimit-limit", b"%d" % left.limit),
        (b"x-ratelimit-reset", b"%d" % left.reset),
        (b"x-ratelimit-remaining", b"%d" % left.remaining),
    ]


def brief_refusal(
    status: int, faults: Sequence[Fault], headers: Sequence[tuple[bytes, bytes]] = ()
) -> tuple[int, bytes, HeaderList]:
    """Faults in the envelope, with few headers: for paths that are asked many times a second."""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), *headers]
    return status, to_bytes(write_faults(faults)), headers
