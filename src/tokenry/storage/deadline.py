"""The deadline of a call. It travels with the call, into its thread too: every wait ends before it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf

from tokenry.domain.errors import Unavailable

TIMEOUT_SECONDS = 4.0
"""Of a wait for others, where the operator does not say otherwise."""

_until: ContextVar[float] = ContextVar("tokenry_until", default=inf)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit the transactions of a block to this many seconds altogether. Without this they have no limit."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def seconds_left() -> float:
    """How long the caller still waits: 0 or less when it is too late, infinity for one that is in no hurry."""
    return _until.get() - time.monotonic()


def require_time() -> float:
    """How many seconds the caller still waits. Raises Unavailable when that is none."""
    seconds = seconds_left()
    if seconds <= 0:
        raise Unavailable("no time was left for it")
    return seconds
