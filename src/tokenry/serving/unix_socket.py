"""A listening socket that is a file: who may write to the file may ask, over no network.

The file of a service that is gone is replaced. That of one that is there is not, nor is anything that is no socket.
"""

import errno
import fcntl
import grp
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokenry.domain.errors import SetupError

LOCK_SECONDS_MAX = 5
"""How long to wait for another process that takes or leaves a path in the same directory: that takes no time."""
_PAUSE_SECONDS = 0.02
_REMEDY = "set --uds or TOKENRY_UDS to another path"


@contextmanager
def unix_listener(path: Path, *, mode: int, group: str | None, backlog: int) -> Iterator[socket.socket]:
    """Listen at a path for the length of a block; then remove the file, unless somebody else listens there by then.

    Nobody but who may by mode and group ever gets a connection. Raises SetupError, naming the remedy.
    """
    number = find_group(group)
    with _alone_beside(path):
        _remove_dead(path)
        listener = _bind(path, mode)
        try:
            _give_to(number, path)
            listener.listen(backlog)  # until now the system refuses whoever asks
        except BaseException:
            listener.close()
            path.unlink(missing_ok=True)
            raise
    listener.set_inheritable(True)
    try:
        yield listener
    finally:
        listener.close()
        with suppress(SetupError), _alone_beside(path):  # whoever has the path by now keeps it
            _remove_dead(path)


def find_group(name: str | None) -> int | None:
    """The number of a group that is named, or is a number already. Raises SetupError if there is none of the name."""
    if name is None:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        if name.isascii() and name.isdecimal():
            return int(name)
    raise SetupError(f"There is no group {name} on this machine: set --uds-group or TOKENRY_UDS_GROUP to one there is.")


def find_exposure(path: Path, user: int | None = None) -> str | None:
    """What is wrong with the directories of a socket: others can put a socket of their own there, and be given tokens.

    Others are all but root and `user`, by number; by default whoever runs this.
    """
    trusted = {0, os.geteuid() if user is None else user}
    parent = path.absolute().parent
    try:
        directories = dict.fromkeys((parent, *parent.parents, *parent.resolve().parents))  # a link's, too
        found = [(directory, directory.stat()) for directory in directories]
    except OSError:
        return None  # there is none yet, or nobody gets there
    for directory, status in found:
        mode = stat.S_IMODE(status.st_mode)
        threat = f"could put a socket of their own in the place of {path.name} and be given every token"
        own = "use a directory of tokenry's own user"
        if status.st_uid not in trusted:
            return f"{directory} belongs to another user, who {threat}: {own}"
        # In one with the sticky bit, such as /tmp, others cannot replace what is another's. What is not there they can.
        if mode & 0o022 and (directory == parent or not mode & stat.S_ISVTX):
            remedy = own if mode & stat.S_ISVTX else f"chmod 755 {directory}"  # /tmp is to be for all
            return f"{directory} can be written by others (mode {mode:04o}), who {threat}: {remedy}"
    return None


def lies_in_directory(path: Path) -> bool:
    """Whether a socket can be made there, or nobody who runs this can tell."""
    try:
        return stat.S_ISDIR(path.parent.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


@contextmanager
def _alone_beside(path: Path) -> Iterator[None]:
    """Keep others, for a block, from taking and leaving paths in the directory. Raises SetupError."""
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unmade(path, error) from error
    try:
        _await_lock(directory, path)
        yield
    finally:
        os.close(directory)


def _await_lock(directory: int, path: Path) -> None:
    until = time.monotonic() + LOCK_SECONDS_MAX
    while True:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno != errno.EWOULDBLOCK:
                raise _unmade(path, error) from error
            if time.monotonic() >= until:
                raise SetupError(
                    f"The socket {path} cannot be made, since another process keeps a lock on {path.parent}: end that, "
                    f"and chmod 711 {path.parent}, so that no other user can take the lock."
                ) from error
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _remove_dead(path: Path) -> None:
    """Remove a socket at which nobody listens. Raises SetupError for anything else that is there."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise SetupError(f"{path} is there, and is no socket: {_REMEDY}, or remove it.")
        if _has_listener(path):
            raise SetupError(f"{path} is already in use: stop what listens there, or {_REMEDY}.")
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unmade(path, error) from error


def _has_listener(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        code = probe.connect_ex(str(path))
    if code in {0, errno.EAGAIN, errno.EPROTOTYPE}:  # there; its queue is full; there, for another kind of traffic
        return True
    if code == errno.ECONNREFUSED:
        return False
    raise OSError(code, os.strerror(code))


def _bind(path: Path, mode: int) -> socket.socket:
    """Make the file with its mode: to set it later would leave a moment, and follow a link that was put there."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(~mode & 0o777)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise _unmade(path, error) from error
    finally:
        os.umask(before)
    return listener


def _give_to(group: int | None, path: Path) -> None:
    if group is None:
        return
    try:
        os.chown(path, -1, group, follow_symlinks=False)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such number"
        raise SetupError(
            f"The socket {path} cannot be given to the group of --uds-group or TOKENRY_UDS_GROUP ({reason}): make the "
            "user that runs this a member of the group, and start it in a new session, which knows of that."
        ) from error


def _unmade(path: Path, error: OSError) -> SetupError:
    first = f"make the directory {path.parent}, or " if error.errno == errno.ENOENT else ""
    return SetupError(f"The socket {path} cannot be made ({error.strerror or error}): {first}{_REMEDY}.")
