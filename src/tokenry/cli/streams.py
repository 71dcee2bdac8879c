"""The standard streams as a command finds them: closed, full, of a narrow encoding, with nobody at the other end.

What cannot be written to standard output is an OutputError, which ends a command with one line. What cannot be written
to standard error is dropped: there is nobody else to tell. What an encoding lacks is written as an escape.
"""

import errno
import io
import os
import sys

TYPE_CHECKING = False
"""As `typing` has it, whose import would cost every call."""
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STANDARD_INPUT, STANDARD_OUTPUT, STANDARD_ERROR = range(3)
REASONS = {errno.EBADF: "it is closed", errno.EPIPE: "nobody reads it"}


class OutputError(Exception):
    """Standard output cannot be written. `reader_left` if somebody has read enough of it, as `head` does."""

    def __init__(self, number: int | None) -> None:
        reason = REASONS.get(number or 0) or os.strerror(number or 0)
        super().__init__(f"Standard output cannot be written ({reason})")
        self.reader_left = number == errno.EPIPE


class _Output(io.RawIOBase):
    """Standard output. Once it has failed it drops what comes, so that the end of the process is quiet."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = file
        self._failed = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some of it; how many bytes. Raises OutputError."""
        try:
            while not self._failed:
                written = self._file.write(data)
                if written is not None:
                    return written
                _wait_for(self)
        except OSError as error:
            self._fail(error)
        return memoryview(data).nbytes

    def drop(self) -> None:
        """Write nothing more, whatever comes."""
        self._failed = True

    def _fail(self, error: OSError) -> None:
        self.drop()
        raise OutputError(error.errno) from None


class _ErrorOutput(_Output):
    """Standard error. What cannot be written is dropped; what comes next may be written again."""

    def _fail(self, error: OSError) -> None:
        pass


def open_streams() -> None:
    """Put streams that do as this module says in the place of Python's. Call it before anything else is opened."""
    for number, flags in (
        (STANDARD_INPUT, os.O_RDONLY),
        (STANDARD_OUTPUT, os.O_RDONLY),  # which cannot be written, as one that is closed
        (STANDARD_ERROR, os.O_WRONLY),
    ):
        _occupy(number, flags)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(STANDARD_INPUT, closefd=False)), "utf-8")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    sys.stdout = _wrap(sys.stdout, STANDARD_OUTPUT, _Output)
    sys.stderr = _wrap(sys.stderr, STANDARD_ERROR, _ErrorOutput)


def read_some(bytes_max: int) -> bytes:
    """Some of standard input, none at its end; also from a pipe that another program has made not to wait.

    Raises OSError. Nothing else may read it: what it has buffered would be lost.
    """
    while True:
        try:
            return os.read(STANDARD_INPUT, bytes_max)
        except BlockingIOError:
            from select import select  # noqa: PLC0415 - hardly ever

            select([STANDARD_INPUT], [], [])


def drop_output() -> None:
    """Write nothing more, not even what is buffered: stopping a command does not wait for its readers."""
    for stream in (sys.stdout, sys.stderr):
        raw = getattr(stream.buffer, "raw", None)
        if isinstance(raw, _Output):
            raw.drop()


def require_output() -> None:
    """Raise OutputError if it is known before that nothing can be written to standard output."""
    if os.name != "posix":
        return
    from fcntl import F_GETFL, fcntl  # noqa: PLC0415 - not on Windows
    from select import POLLERR, POLLHUP, poll  # noqa: PLC0415

    if not fcntl(STANDARD_OUTPUT, F_GETFL) & (os.O_WRONLY | os.O_RDWR):
        raise OutputError(errno.EBADF)
    polled = poll()
    polled.register(STANDARD_OUTPUT, 0)
    if any(events & (POLLERR | POLLHUP) for _, events in polled.poll(0)):
        raise OutputError(errno.EPIPE)


def _occupy(number: int, flags: int) -> None:
    """Open a stream that is closed: the next file that is opened would get its number, and what is printed."""
    try:
        os.fstat(number)
    except OSError:
        os.set_inheritable(os.open(os.devnull, flags), True)  # noqa: FBT003 - it takes the lowest free number: this one


def _wrap(stream: object, number: int, kind: type[_Output]) -> io.TextIOWrapper:
    raw, encoding, at_once = None, "utf-8", True
    if isinstance(stream, io.TextIOWrapper):
        raw, encoding = getattr(stream.buffer, "raw", None), stream.encoding  # with PYTHONUNBUFFERED there is no buffer
        at_once = stream.line_buffering or stream.write_through
    buffer = io.BufferedWriter(kind(raw or io.FileIO(number, "w", closefd=False)))
    return io.TextIOWrapper(buffer, encoding, errors="backslashreplace", line_buffering=at_once)


def _wait_for(stream: io.RawIOBase) -> None:
    """Wait until somebody reads a pipe that another program has made return at once when it is full."""
    from select import select  # noqa: PLC0415 - hardly ever

    select([], [stream], [])
