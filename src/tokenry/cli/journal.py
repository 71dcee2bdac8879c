"""The journal of a rotation: how far it is, so that a run that broke off is continued by the next one.

One file for each service and token, for its owner alone, in TOKENRY_STATE_DIR or where the platform has a user's state.
It holds ids, and what was asked for with which idempotency key; never a secret.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tokenry.cli.files import make_folder, replace_file, sync_folder
from tokenry.cli.locks import acquire
from tokenry.cli.running import CommandError

USER_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A token that is being asked for, and the key under which asking again makes no second one."""

    key: str
    label: str
    scopes: str
    expiry: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a rotation is.

    `wanted` is being made, unless it is made already and its id did not get here. The command was given the secrets of
    `possible`, or was about to be: it may have stored the last of them, or any. It has stored `delivered`, and all that
    is left is to revoke the others.
    """

    possible: tuple[int, ...] = ()
    wanted: Wanted | None = None
    delivered: int | None = None


@dataclass(frozen=True, slots=True)
class RotationJournal:
    """A journal that is open nowhere else. `lock` is the descriptor that sees to it, as long as any process has it."""

    file: Path
    lock: int

    def read(self) -> Progress:
        """How far the last run got. Raises CommandError."""
        try:
            return _read(self.file.read_text("utf-8"))
        except FileNotFoundError:
            return Progress()
        except (ValueError, TypeError, LookupError):
            text = (
                f"{self.file} is damaged: see with `tokenry token list` which tokens are there, then remove the file."
            )
            raise CommandError(text) from None

    def write(self, progress: Progress) -> None:
        """Note how far it is. Once this returns, that is on the disk. Raises CommandError."""
        with _kept(self.file):
            if progress == Progress():
                self.file.unlink(missing_ok=True)
                sync_folder(self.file.parent)
            else:
                replace_file(self.file, json.dumps(asdict(progress), default=datetime.isoformat))


@contextmanager
def open_journal(url: str, token_id: int, user: str | None = None) -> Iterator[RotationJournal]:
    """The journal of a token at a service, for a block. Raises CommandError where it is open, or cannot be kept.

    One of another `user` is another one: for whom a token is not there, it looks as if it had been revoked.
    """
    whose = "" if user is None else f"-{sha256(user.encode('utf-8')).hexdigest()[:USER_LENGTH]}"
    file = find_folder() / f"{quote(url, safe='')}-{token_id}{whose}.json"
    lock_file = file.with_suffix(".lock")
    with _kept(file):
        make_folder(file.parent)
        lock = acquire(lock_file)
    try:
        yield RotationJournal(file, lock)
    finally:
        if not file.exists():
            lock_file.unlink()
        os.close(lock)


@contextmanager
def _kept(file: Path) -> Iterator[None]:
    try:
        yield
    except BlockingIOError:
        text = "Another run is rotating this token, or its command is still running: wait for it to end."
        raise CommandError(text) from None
    except OSError as error:
        text = f"{file} cannot be kept ({error.strerror}): name a folder with TOKENRY_STATE_DIR."
        raise CommandError(text) from error


def find_folder() -> Path:
    """Where journals are."""
    from platformdirs import user_state_path  # noqa: PLC0415 - as for contexts

    folder = os.environ.get("TOKENRY_STATE_DIR")
    return (Path(folder) if folder else user_state_path("tokenry")) / "rotations"


def _read(text: str) -> Progress:
    """The progress in a text. Raises ValueError, TypeError or LookupError."""
    values = json.loads(text)
    return Progress(
        possible=tuple(map(int, values["possible"])),
        wanted=None if values["wanted"] is None else _read_wanted(values["wanted"]),
        delivered=values["delivered"],
    )


def _read_wanted(values: dict[str, Any]) -> Wanted:
    expiry = values["expiry"]
    return Wanted(**values | {"expiry": None if expiry is None else datetime.fromisoformat(expiry)})
