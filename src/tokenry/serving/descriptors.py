"""File descriptors: as many as there may be, some kept back from connections, and a word in the log when none is left.

The event loop drops new connections without a word then; and what opens a file, such as a revocation, is refused.
"""

import errno
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from tokenry.complaints import Complaints

LOOK_SECONDS = 1
KEPT_BACK = 128
"""For the database and its files, of all that a process may have; a quarter where that is less."""


def raise_limit() -> None:
    """Let this process, and those that it starts, have as many descriptors as the system allows them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS allows fewer than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@cache
def connections_max() -> int:
    """How many connections a process takes at once: so strangers who open many keep nobody from revoking a token."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit - min(KEPT_BACK, limit // 4)


class DescriptorWatch:
    """Looks whether a file descriptor can be had. `steady` gives the seconds of a clock that is never set.

    In the event loop: a thread would make each verification dearer, since the kernel then counts references to files.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._complaints = Complaints("connections are dropped", steady)

    def look(self) -> None:
        """Say in the log that none can be had, if that is so."""
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            if error.errno == errno.EMFILE:
                limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
                self._complaints.add(f"no file descriptors are left: raise the limit of {limit} (ulimit -n)")
            elif error.errno == errno.ENFILE:
                self._complaints.add("the system has no file descriptors left: raise fs.file-max")
