"""Resolving names within a time, which the system's own resolver does not know."""

import socket
import time
from collections.abc import Sequence
from concurrent.futures import Future
from ipaddress import ip_address
from threading import BoundedSemaphore, Thread

RESOLVING_MAX = 4


class NoRoom(TimeoutError):  # noqa: N818 - others are in the way, and nothing is wrong
    """Others were resolving all the while: of the name itself nothing is known."""


def read_literal(host: str) -> str | None:
    """The address that a host is by itself; None for a name."""
    try:
        return str(ip_address(host))
    except ValueError:
        return None


class Names:
    """Resolves a few names at a time.

    Nothing can end a resolution: one for which nobody waits any more goes on in its thread, and is one of the few until
    it ends. So however many are slow, there are no more threads than that.
    """

    def __init__(self) -> None:
        self._free = BoundedSemaphore(RESOLVING_MAX)

    def find_addresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """The addresses of a host, in the order to try them. Raises NoRoom, TimeoutError, OSError."""
        if literal := read_literal(host):
            return [literal]
        until = time.monotonic() + seconds
        if not self._free.acquire(timeout=seconds):
            raise NoRoom
        found: Future[Sequence[str]] = Future()
        try:
            Thread(target=self._resolve, args=(host, port, found), name="resolving", daemon=True).start()
        except RuntimeError as error:  # the system gives no more threads
            self._free.release()
            raise NoRoom from error
        return found.result(max(0.0, until - time.monotonic()))

    def _resolve(self, host: str, port: int, found: "Future[Sequence[str]]") -> None:
        try:
            resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.set_result([str(each[4][0]) for each in resolved])
        except (OSError, UnicodeError) as error:  # the second for what is no name, such as one of too many letters
            found.set_exception(error if isinstance(error, OSError) else OSError("it is no name"))
        finally:
            self._free.release()
