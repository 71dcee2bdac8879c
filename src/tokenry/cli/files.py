"""Files for their owner alone that are put in the place of others, whole or not at all."""

import os
import stat
import tempfile
from pathlib import Path

FILE_BYTES_MAX = 1 << 20


class NotOursError(Exception):
    """A file is not to be trusted. The text says why, and what to do."""


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, unless it is there. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def read_own_file(file: Path) -> str:
    """Read a file of UTF-8 that its owner alone can read, who runs this.

    Raises NotOursError if others can, or if it is another one's, or no file of a sensible size; OSError; and
    UnicodeDecodeError.
    """
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        mode = stat.S_IMODE(found.st_mode)
        if not stat.S_ISREG(found.st_mode) or found.st_size > FILE_BYTES_MAX:
            raise NotOursError(f"{file} is not a file of at most {FILE_BYTES_MAX} bytes")
        if os.name == "posix" and found.st_uid != os.geteuid():
            raise NotOursError(f"{file} belongs to another user (uid {found.st_uid}): chown it, or work as that user")
        if mode & 0o077:
            raise NotOursError(f"{file} may hold tokens and others can read it (mode {mode:04o}): chmod 600 {file}")
        return opened.read(FILE_BYTES_MAX).decode("utf-8")


def replace_file(file: Path, text: str) -> None:
    """Put a text where the file is, or will be; when this returns, no power cut undoes it. Raises OSError.

    Of a symbolic link, it is the target that is replaced.
    """
    file = Path(os.path.realpath(file))
    make_folder(file.parent)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem[:40]}-")  # of mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Keep what was made, renamed and removed in a folder, whatever happens. Raises OSError."""
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
