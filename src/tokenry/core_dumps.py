"""Processes that hold tokens or keys leave none of them in a core dump."""

import ctypes
import sys
from contextlib import suppress

_PR_SET_DUMPABLE = 4


def leave_no_core() -> None:
    """Let this process leave no core dump; on Linux, not even to a program that collects them.

    The limit on the size of cores does not hold for a program that the kernel hands them to, core(5). So the process
    also becomes one that is not dumped, prctl(2), and whose memory other processes of its user cannot read. A process
    that it starts has to ask for that itself.
    """
    with suppress(ImportError):  # Windows has neither
        import resource  # noqa: PLC0415

        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
