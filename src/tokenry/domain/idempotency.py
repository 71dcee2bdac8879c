"""Requests that name themselves with an Idempotency-Key, so that they can be repeated without doing anything twice."""

from dataclasses import dataclass

HEADER = "Idempotency-Key"
KEY_LENGTH_MAX = 255
KEPT_SECONDS = 24 * 60 * 60
"""How long a key stands for its request. Afterwards it may stand for another."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that may be a repetition. `digest`, of what was asked, tells whether it really is.

    The answer to one that is `once` is given a single time: a repetition is told what was made, and gets no secret.
    """

    key: str
    digest: bytes
    once: bool = False
