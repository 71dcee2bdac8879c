"""Files that hold secrets: made whole, readable by their owner alone, never overwritten."""

import base64
import binascii
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_bytes

from tokenry.domain.errors import SetupError
from tokenry.domain.secrets import PEPPER_BYTES, Peppers

PEPPER_FILE = "pepper.key"
NEW_PEPPER_FILE = "pepper.key.new"
FIRST_TOKEN_FILE = "first-token"  # noqa: S105 - its name
SETUP_SECONDS_MAX = 60
"""How long a process waits for another one that sets up or migrates."""
_LOCK_FILE = ".setup.lock"
_PAUSE_SECONDS = 0.02


def create_private_file(path: Path, text: str) -> None:
    """Make a file of mode 0600 with this text, on disk when this returns. Raises FileExistsError, OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # whatever the umask says
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _sync(path.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def find_peppers(directory: Path, name: str = PEPPER_FILE) -> Peppers | None:
    """Read the peppers of a data directory, one a line, oldest first; None if there is no file. Raises SetupError."""
    path = directory / name
    try:
        lines = path.read_text("ascii").split()
        return Peppers(tuple(base64.b64decode(line, validate=True) for line in lines))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupError(f"The pepper file {path} cannot be read ({error.strerror}): check its permissions.") from error
    except (UnicodeDecodeError, binascii.Error, ValueError):
        raise SetupError(f"The pepper file {path} cannot be read: restore it from a backup.") from None


def find_new_peppers(directory: Path) -> Peppers | None:
    """Read the new file that an earlier start has left, on disk when this returns. Raises SetupError like the above."""
    peppers = find_peppers(directory, NEW_PEPPER_FILE)
    if peppers is not None:  # the process that left it may have died before it was
        try:
            _sync(directory / NEW_PEPPER_FILE)
            _sync(directory)
        except OSError as error:
            raise _unmade(directory / PEPPER_FILE, error) from error
    return peppers


def create_peppers(directory: Path) -> Peppers:
    """Make a data directory's first pepper, in a file that is to be kept or dropped. Raises SetupError."""
    key = token_bytes(PEPPER_BYTES)
    path = directory / PEPPER_FILE
    try:
        if path.is_symlink():  # to nowhere, as there is no file
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        create_private_file(directory / NEW_PEPPER_FILE, base64.b64encode(key).decode("ascii") + "\n")
    except OSError as error:
        raise _unmade(path, error) from error
    return Peppers((key,))


def keep_new_peppers(directory: Path) -> None:
    """Let the new file be the pepper file, on disk when this returns. Raises SetupError."""
    path = directory / PEPPER_FILE
    try:
        (directory / NEW_PEPPER_FILE).rename(path)
        _sync(directory)
    except OSError as error:
        raise _unmade(path, error) from error


def drop_new_peppers(directory: Path) -> None:
    """Remove the new file, if there is one."""
    (directory / NEW_PEPPER_FILE).unlink(missing_ok=True)


@contextmanager
def setup_lock(directory: Path, timeout: float = SETUP_SECONDS_MAX) -> Iterator[None]:
    """Let one process at a time set up a data directory; others wait. Raises SetupError, also after `timeout`."""
    path = directory / _LOCK_FILE
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise SetupError(f"The file {path} cannot be opened ({error.strerror}): remove it and start again.") from error
    try:
        _await_lock(descriptor, path, time.monotonic() + timeout)
        yield
    finally:
        os.close(descriptor)


def _await_lock(descriptor: int, path: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise SetupError(
                    f"Another process has been setting up this installation for a long time, and holds {path}: wait "
                    "for it or end it, and start again."
                ) from None
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _unmade(path: Path, error: OSError) -> SetupError:
    return SetupError(f"The pepper file {path} cannot be made ({error.strerror}): see what is at that path.")


def _sync(path: Path) -> None:
    """Let a file or a directory be on disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
