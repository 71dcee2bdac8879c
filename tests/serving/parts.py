"""One worker's application, and connections to it that are in memory."""

import asyncio
import copy
import re
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import uvicorn
from uvicorn.lifespan.on import LifespanOn
from uvicorn.server import ServerState

from tests.conftest import Clock
from tests.verification.dpop_making import Prover
from tokenry.gate.fast_path import APP_STATE_KEY
from tokenry.serving.protocol import BoundedProtocol
from tokenry.verification.last_used import Uses

T = TypeVar("T")
PEER = "192.0.2.1"
ADDRESSES = {"peername": (PEER, 1234), "sockname": ("127.0.0.1", 8470)}
CHANGING = re.compile(rb"(?<=\r\n)(?:expires|x-request-id): [^\r]*\r\n")
"""Headers of management answers that are new each time."""


class Wire(asyncio.Transport):
    """The client's end of a connection, in memory."""

    def __init__(self, extra: Mapping[str, object] = ADDRESSES) -> None:
        super().__init__(extra)
        self.received = b""
        self.closed = False

    def write(self, data: Any) -> None:
        if not self.closed:
            self.received += bytes(data)

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """The server may ask for that; what is sent here is short."""

    resume_reading = pause_reading


AUDIENCE = "https://mcp.example/"
PROVER = Prover()
"""Who has the key of the token that is bound to one."""


@dataclass(frozen=True)
class Served:
    """The application of one worker, and what its connections are made of; the date stands still."""

    loop: asyncio.AbstractEventLoop
    config: uvicorn.Config
    lifespan: LifespanOn
    clock: Clock
    secrets: dict[str, str]
    waits: bool
    """Whether an answer waits for the database."""
    state: ServerState = field(default_factory=ServerState)

    @property
    def uses(self) -> Uses:
        uses = self.lifespan.state[APP_STATE_KEY]._verifier._uses
        assert isinstance(uses, Uses)
        return uses

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def exchange(self, chunks: Sequence[bytes], *, fast: bool) -> tuple[bytes, bool]:
        """Send these chunks on one connection; what came back, and whether the server closed it."""
        return self.run(self._exchange(chunks, fast=fast))

    async def _exchange(self, chunks: Sequence[bytes], *, fast: bool) -> tuple[bytes, bool]:
        app_state = copy.copy(self.lifespan.state)
        if not fast:
            del app_state[APP_STATE_KEY]
        protocol = BoundedProtocol(self.config, self.state, app_state, self.loop)
        wire = Wire()
        protocol.connection_made(wire)
        for chunk in chunks:
            protocol.data_received(chunk)
            while protocol._is_waiting() or self.state.tasks:
                if protocol._is_waiting():
                    await asyncio.sleep(0)
                    continue
                done, _ = await asyncio.wait(self.state.tasks, timeout=0.05)
                if not done and protocol.cycle.more_body:
                    break  # it waits for a body that has not come
        closed = wire.closed
        protocol.connection_lost(None)
        while self.state.tasks:
            await asyncio.wait(self.state.tasks)
        return CHANGING.sub(b"", wire.received), closed


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: x", *headers, "", ""]).encode("latin-1")


def fill(served: Served, text: str) -> bytes:
    """A request with the secrets that it names."""
    for name, secret in served.secrets.items():
        text = text.replace("{" + name + "}", secret)
    return text.encode("latin-1")


async def no_app(*_: object) -> None:
    """An application that must not be asked."""
    raise AssertionError
