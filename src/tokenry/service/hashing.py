"""Hashing passwords: slow on purpose, so in a few threads of its own, which give way to everything else."""

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from tokenry.domain.errors import Unavailable
from tokenry.domain.passwords import HashWork

T = TypeVar("T")

WAITING_MAX = 32
"""Passwords that wait for their turn, in each process. Who comes then is told to come again."""
SECONDS_MAX = 10
_SALT_BYTES = 16
_HASH_BYTES = 32


class Hashing:
    """Makes and compares hashes (argon2id) of passwords, a few at a time. Each call raises Unavailable when many wait.

    On Linux its threads, and those that each hash starts, run when nothing else would: SCHED_IDLE, sched(7). An answer
    to `/verify` does not wait for somebody's sign-in.
    """

    def __init__(self, work: HashWork) -> None:
        self._argon2 = PasswordHasher(
            time_cost=work.rounds,
            memory_cost=work.memory_kib,
            parallelism=work.lanes,
            salt_len=_SALT_BYTES,
            hash_len=_HASH_BYTES,
        )
        self._nobodys = _hash_of_nobody(work)
        self._threads = ThreadPoolExecutor(
            max(1, (os.cpu_count() or 2) // 2), thread_name_prefix="hashing", initializer=_give_way
        )
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Hash a normalised password."""
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, hash: str | None, password: str) -> bool:
        """Whether a hash is of a password. Without one it is not, and that takes as long."""
        return await self._run(lambda: self._fits(hash or self._nobodys, password))

    def is_outdated(self, hash: str) -> bool:
        """Whether a hash was made with other parameters than those that are set."""
        return self._argon2.check_needs_rehash(hash)

    def _fits(self, hash: str, password: str) -> bool:
        with suppress(VerifyMismatchError):
            return self._argon2.verify(hash, password)
        return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise Unavailable("too many passwords wait to be compared")
        self._waiting += 1
        try:
            async with asyncio.timeout(SECONDS_MAX):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise Unavailable("comparing a password takes too long") from None
        finally:
            self._waiting -= 1


def _hash_of_nobody(work: HashWork) -> str:
    """A hash as `work` makes them that is of no password: it is random."""
    salt, digest = (b64encode(os.urandom(size)).decode("ascii").rstrip("=") for size in (_SALT_BYTES, _HASH_BYTES))
    return f"$argon2id$v=19$m={work.memory_kib},t={work.rounds},p={work.lanes}${salt}${digest}"


def _give_way() -> None:
    """Let every other thread interrupt this one.

    The lowest priority would not do: a thread that waits for its turn, as the event loop does (decision 22), lets
    whatever runs go on for some milliseconds, however low its priority.
    """
    with suppress(AttributeError, OSError):  # elsewhere than on Linux there is none, and a sandbox may refuse it
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # of this thread alone
