"""A shared mapping of a file that anybody may cut short, without dying of it. For Linux.

The kernel answers a read past the end of a mapped file with SIGBUS, which ends a process. Reading the file instead of
a mapping costs a tenth of a plain verification (decision 25). So the signal is handled: other memory takes the place of
the mapping, all of whose bits are set, and the read is repeated. What concerns other memory, and a signal that somebody
sent, goes to what handled SIGBUS before: as a rule the process dies.

The handler is Python, so it needs HANDLER_FRAMES frames below Python's recursion limit where memory is read. Where they
are missing it fails, the read is repeated, and that without end: code that reads on somebody else's stack asks for them
first (`require_frames`). It also has to stay the one that handles SIGBUS: after `faulthandler.enable()` or
`signal.signal(signal.SIGBUS, ...)` a file that is cut short ends the process, or holds it up for ever.
"""

import ctypes
import mmap
import signal
from functools import cache
from typing import Any

_SA_SIGINFO = 0x00000004
_SA_NODEFER = 0x40000000
_MREMAP_MAYMOVE_FIXED = 0x1 | 0x2
_SENT_CODE_MAX = 0  # SI_USER; those of other ways to send a signal are below it, and those of faults above
_FAILED = ctypes.c_void_p(-1).value


HANDLER_FRAMES = 30
"""More than the handler takes, and more than there are between the call that asks for them and the read."""


def require_frames(number: int = HANDLER_FRAMES) -> None:
    """Raise RecursionError unless as many frames can be had here."""
    if number > 1:
        require_frames(number - 1)


class _Action(ctypes.Structure):
    """struct sigaction of the C library."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_uint8 * 128),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


class _Information(ctypes.Structure):
    """The beginning of siginfo_t."""

    _fields_ = (
        ("number", ctypes.c_int),
        ("error", ctypes.c_int),
        ("code", ctypes.c_int),
        ("address", ctypes.c_void_p),
    )


class SharedMemory:
    """The first `length` bytes of a file, as all processes see them; `view` is read, and not written.

    If the file is cut short all bits of it are set from then on, and `was_cut` is true.
    """

    was_cut = False

    def __init__(self, descriptor: int, length: int) -> None:
        self._memory = mmap.mmap(descriptor, length)
        self.view = memoryview(self._memory).toreadonly()
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self.length = length
        _guard().mapped.append(self)

    def holds(self, address: int) -> bool:
        """Whether it is at this address of the process's."""
        return self.address <= address < self.address + self.length

    def close(self) -> None:
        """Let go of it. Every part of `view` has to have been let go of before."""
        _guard().mapped.remove(self)
        self.view.release()
        self._memory.close()


class _Guard:
    """Handles SIGBUS in this process, from when it is made."""

    def __init__(self) -> None:
        self.mapped: list[SharedMemory] = []
        # PyDLL keeps other threads of Python's from running meanwhile.
        self._system = ctypes.PyDLL(None, use_errno=True)
        self._system.mmap.restype = self._system.mremap.restype = ctypes.c_void_p
        self._before = _Action()
        self._handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.POINTER(_Information), ctypes.c_void_p)(
            self._handle
        )
        handler = ctypes.cast(self._handler, ctypes.c_void_p)
        self._action = _Action(handler=handler, flags=_SA_SIGINFO | _SA_NODEFER)
        if self._system.sigaction(signal.SIGBUS, ctypes.byref(self._action), ctypes.byref(self._before)):
            raise OSError(ctypes.get_errno(), "SIGBUS cannot be handled")

    def _handle(self, _number: int, information: Any, _context: int) -> None:
        """Runs where a read of memory failed; the read is repeated when this returns."""
        if information[0].code <= _SENT_CODE_MAX:
            self._pass_on()
            return
        failed = information[0].address or 0
        for memory in self.mapped:
            if memory.holds(failed) and self._replace(memory):
                memory.was_cut = True
                return
        self._system.sigaction(signal.SIGBUS, ctypes.byref(self._before), None)

    def _pass_on(self) -> None:
        """Send what somebody sent to whatever handled it before; it is handled here again if the process survives."""
        self._system.sigaction(signal.SIGBUS, ctypes.byref(self._before), None)
        self._system["raise"](signal.SIGBUS)
        self._system.sigaction(signal.SIGBUS, ctypes.byref(self._action), None)

    def _replace(self, memory: SharedMemory) -> bool:
        """Put other memory in place of this; False if there is none."""
        size = ctypes.c_size_t(-(-memory.length // mmap.PAGESIZE) * mmap.PAGESIZE)
        access, kind = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        new = self._system.mmap(None, size, access, kind, -1, ctypes.c_long(0))
        if new == _FAILED:
            return False
        ctypes.memset(new, 0xFF, memory.length)
        # In one step: no other thread sees anything in between.
        place = ctypes.c_void_p(memory.address)
        moved = self._system.mremap(ctypes.c_void_p(new), size, size, _MREMAP_MAYMOVE_FIXED, place)
        return bool(moved != _FAILED)


@cache
def _guard() -> _Guard:
    return _Guard()
