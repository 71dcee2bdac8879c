"""Saying that a process has no file descriptors left: the event loop then drops new connections without a word."""

import errno
import os
import resource
import time

import structlog
from anyio import sleep

LOOK_SECONDS = 1
SAY_SECONDS = 60
"""Said at most so often, however long it lasts."""

log = structlog.get_logger("tokenry.serving")


async def watch_descriptors() -> None:
    """Look once a second whether a descriptor can be had, and log it when not, until cancelled.

    In the event loop: a thread would make each verification dearer, since the kernel then counts references to files.
    """
    said = -float("inf")
    while True:
        await sleep(LOOK_SECONDS)
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            if error.errno not in {errno.EMFILE, errno.ENFILE} or time.monotonic() - said < SAY_SECONDS:
                continue
            said = time.monotonic()
            limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            log.error(  # noqa: TRY400 - a traceback would add nothing
                "no file descriptors are left, so connections are dropped: raise the limit (ulimit -n)"
                if error.errno == errno.EMFILE
                else "the system has no file descriptors left, so connections are dropped: raise fs.file-max",
                limit=limit,
            )
