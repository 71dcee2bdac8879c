"""Saying that a process has no file descriptors left: the event loop then drops new connections without a word."""

import asyncio
import errno
import os
import resource
import time
from collections.abc import Callable

from tokenry.complaints import Complaints

LOOK_SECONDS = 1


class DescriptorWatch:
    """Looks whether a file descriptor can be had. `steady` gives the seconds of a clock that is never set.

    In the event loop: a thread would make each verification dearer, since the kernel then counts references to files.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._complaints = Complaints("connections are dropped", steady)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

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
