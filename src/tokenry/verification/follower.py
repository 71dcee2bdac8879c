"""Keeping what a process remembers of a SQLite database in step with it (`storage/epoch.py`)."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext

from tokenry.complaints import Complaints
from tokenry.domain.errors import SetupError
from tokenry.log import Log
from tokenry.storage.epoch import Epoch
from tokenry.storage.journal import Journal

TEND_SECONDS = 1
NO_LOCK = nullcontext()

log = Log("tokenry.verification")


class Follower(ABC):
    """Remembers something that holds while a journal names nothing new. For one thread at a time."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen = -1
        """The word up to which everything named was heeded; -1 before the first."""

    def start_anew(self) -> None:
        """Forget everything, and which word was seen last."""
        self._heed(None)
        self._seen = -1

    def is_current(self) -> bool:
        """Whether everything is heeded that was named before this call."""
        word = self._journal.word[0]
        return word == self._seen or self._catch_up(word)

    @abstractmethod
    def _heed(self, named: Collection[bytes] | None) -> None:
        """Do what is due when these previews were named, or None: any may have been."""

    def _catch_up(self, word: int) -> bool:
        """Heed what was named since the word last seen; False if that cannot be told now, for a change under way."""
        if word & 1:
            return False
        named = self._journal.named_between(self._seen, word) if self._seen >= 0 else None
        if self._journal.word[0] != word:
            return False  # a writer may have come round the ring while it was read
        self._heed(named)
        self._seen = word
        return True


class Tending:
    """Looks after the epoch: ends a change whose process died in it, follows a file that was replaced.

    It reads the journals too, so that an idle worker misses the changes of a second at most if the file is overwritten.
    While a change is not ended every answer asks the database, and until a replaced file is noticed here, all changes
    wait. `lock` keeps this apart from those who use what the followers remember in other threads.
    """

    def __init__(
        self, epoch: Epoch, followers: Collection[Follower], lock: AbstractContextManager[object] = NO_LOCK
    ) -> None:
        self._epoch = epoch
        self._followers = followers
        self._lock = lock
        self._complaints = Complaints("nothing is remembered of tokens: every answer asks the database")

    def look(self) -> None:
        """Look after it once."""
        with self._lock:
            wrong = mend(self._epoch, self._followers)
        if wrong is not None:
            self._complaints.add(wrong)


def mend(epoch: Epoch, followers: Collection[Follower]) -> str | None:
    """Look after the epoch once; what is wrong with its file, if anything, and then every answer asks the database."""
    try:
        if epoch.refresh():
            _start_anew(followers)
            log.error("the epoch file was replaced or damaged while in use", path=str(epoch.path))
        elif epoch.repair():
            log.warning("a process died while it committed a change; nothing stale was used")
        elif epoch.was_written_over(lambda: _catch_up(followers)):
            _start_anew(followers)
            log.error("the epoch file was written over while in use", path=str(epoch.path))
    except (SetupError, OSError) as error:
        return str(error)
    return None


def _catch_up(followers: Collection[Follower]) -> None:
    for follower in followers:
        follower.is_current()


def _start_anew(followers: Collection[Follower]) -> None:
    for follower in followers:
        follower.start_anew()
