"""Who trusts which epoch file: by locks on the directory, which no removing or copying of files touches.

A process with a cache hears of changes through one file, and the path may lead to another one by now. So it holds
a shared lock on a byte of the directory that stands for its file as long as it trusts its cache, and a process that
changes something asks whether anybody trusts another file than the one it names its change in. The kernel lets the
lock go when the process dies. They are locks on open file descriptions (fcntl_locking(2)), which take no part in those
that SQLite holds.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from struct import Struct
from zlib import crc32

from tokenry.domain.errors import SetupError

IS_SUPPORTED = hasattr(fcntl, "F_OFD_SETLK")
_FILE_BITS = 40
_NAME_BITS = 22
assert _FILE_BITS + _NAME_BITS < 63, "an offset in a file has 63 bits"
_FLOCK = Struct("@hhqqi0q")  # struct flock: type, whence, start, length, process
_UNSUPPORTED = {errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class UntrustworthyError(SetupError):
    """Nothing can be remembered here; every answer asks the database."""


class Trust:
    """A process's trust in one file under a path at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._directory: int | None = None
        self._process = 0

    def begin(self, inode: int) -> None:
        """Trust the file with this inode number, and no longer any other. Raises UntrustworthyError."""
        self.end()
        if not IS_SUPPORTED:
            raise UntrustworthyError("This system has no locks on open files, so no token is cached.")
        self._directory, self._process = _open_directory(self._path), os.getpid()
        try:
            _lock(self._directory, fcntl.F_OFD_SETLK, fcntl.F_RDLCK, _first_byte(self._path) + _byte(inode), 1)
        except OSError as error:
            self.end()
            raise UntrustworthyError(
                f"The file system of {self._path.parent} has no locks on open files ({error.strerror}), so nothing is "
                "remembered of tokens."
            ) from error

    def end(self) -> None:
        """Trust no file. In a child process this concerns the child alone: the lock is its parent's."""
        directory, self._directory = self._directory, None
        if directory is not None:
            if os.getpid() == self._process:  # closing would not do if a child has the descriptor too
                with suppress(OSError):
                    _lock(directory, fcntl.F_OFD_SETLK, fcntl.F_UNLCK, 0, 0)
            os.close(directory)


def is_another_trusted(path: Path, inode: int) -> bool:
    """Whether anybody trusts another file under this path than the one with this inode number. Raises SetupError."""
    if not IS_SUPPORTED:
        return False
    first, byte = _first_byte(path), _byte(inode)
    with _opened_directory(path) as directory:
        return _is_locked(directory, first, byte) or _is_locked(
            directory, first + byte + 1, (1 << _FILE_BITS) - byte - 1
        )


def exposure(path: Path) -> str | None:
    """What is wrong if others can open the directory of this path, and with it lock it; None if they cannot."""
    mode = stat.S_IMODE(path.parent.stat().st_mode)
    if IS_SUPPORTED and mode & 0o044:
        return (
            f"{path.parent} can be read by others (mode {mode:04o}), who can then hold up every change: chmod 700 "
            f"{path.parent}"
        )
    return None


def _is_locked(directory: int, start: int, length: int) -> bool:
    if not length:
        return False  # the kernel would take it for everything to the end
    try:
        return _lock(directory, fcntl.F_OFD_GETLK, fcntl.F_WRLCK, start, length) != fcntl.F_UNLCK
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False  # and nobody could begin to trust a file here
        raise


def _lock(directory: int, command: int, kind: int, start: int, length: int) -> int:
    """Ask for a lock or about it; its kind."""
    answer: bytes = fcntl.fcntl(directory, command, _FLOCK.pack(kind, os.SEEK_SET, start, length, 0))
    found: int = _FLOCK.unpack(answer)[0]
    return found


def _first_byte(path: Path) -> int:
    """Where the bytes of this path begin: several databases may lie in one directory."""
    return (crc32(os.fsencode(path.name)) & (1 << _NAME_BITS) - 1) << _FILE_BITS


def _byte(inode: int) -> int:
    return inode & (1 << _FILE_BITS) - 1


@contextmanager
def _opened_directory(path: Path) -> Iterator[int]:
    directory = _open_directory(path)
    try:
        yield directory
    finally:
        os.close(directory)


def _open_directory(path: Path) -> int:
    try:
        return os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise SetupError(
            f"The directory {path.parent} cannot be read ({error.strerror}): give it to the user that runs tokenry."
        ) from error
