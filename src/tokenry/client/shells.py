"""What differs between threads and event loops: how a request is sent, and how one waits.

Each drives the generator of `Session.exchange` to its end. The transports over httpx2 are imported where none is given.
"""

import time
from typing import TypeVar

from tokenry.client.calls import Call
from tokenry.client.errors import ConnectionFailed
from tokenry.client.session import Outcome, Send, Session, Wait
from tokenry.client.transport import AsyncTransport, Transport

T = TypeVar("T")


class Shell:
    """Carries out calls in threads: sends and waits by blocking."""

    def __init__(self, session: Session, transport: Transport | None) -> None:
        self.session = session
        self.transport = _default_transport() if transport is None else transport

    def run(self, call: Call[T]) -> T:
        """Carry out a call. Raises TokenryError."""
        steps = self.session.exchange(call)
        outcome: Outcome | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            outcome = self._do(step)

    def _do(self, step: Send | Wait) -> Outcome | None:
        if isinstance(step, Wait):
            time.sleep(step.seconds)
            return None
        try:
            return self.transport.send(step.request, step.timeout)
        except ConnectionFailed as failure:
            return failure


class AsyncShell:
    """Carries out calls in an event loop: sends and waits by awaiting."""

    def __init__(self, session: Session, transport: AsyncTransport | None) -> None:
        self.session = session
        self.transport = _default_async_transport() if transport is None else transport

    async def run(self, call: Call[T]) -> T:
        """Carry out a call. Raises TokenryError."""
        steps = self.session.exchange(call)
        outcome: Outcome | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            outcome = await self._do(step)

    async def _do(self, step: Send | Wait) -> Outcome | None:
        if isinstance(step, Wait):
            import asyncio  # noqa: PLC0415 - costs those who do not use it 30 ms

            await asyncio.sleep(step.seconds)
            return None
        try:
            return await self.transport.send(step.request, step.timeout)
        except ConnectionFailed as failure:
            return failure


def _default_transport() -> Transport:
    from tokenry.client.connections import HttpTransport  # noqa: PLC0415 - see above

    return HttpTransport()


def _default_async_transport() -> AsyncTransport:
    from tokenry.client.async_connections import AsyncHttpTransport  # noqa: PLC0415 - see above

    return AsyncHttpTransport()
