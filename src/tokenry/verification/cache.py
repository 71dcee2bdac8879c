"""What one worker remembers of tokens that it verified, as long as nothing has changed since (`storage/epoch.py`)."""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from hashlib import blake2s

import structlog

from tokenry.domain.accounts import Actor
from tokenry.domain.errors import SetupError
from tokenry.domain.networks import Networks
from tokenry.domain.scopes import NOTHING
from tokenry.storage.epoch import Epoch

ENTRIES_MAX = 50_000
"""About 1 KiB each. Beyond it the oldest go first."""
TEND_SECONDS = 1
NO_LOCK = nullcontext()

log = structlog.get_logger("tokenry.verification")


class Known:
    """A credential that was found and whose secret was right: all that deciding on it again needs.

    `fingerprint` is the BLAKE2s digest of the token's text; the text itself is not kept. `covered` are the scopes that
    were last found to be covered, from `note_at` on (seconds since 1970) a use is to be noted again (`last_used.py`),
    and `answer` is where whoever writes answers keeps what it writes for this token.
    """

    __slots__ = ("actor", "answer", "covered", "expires_at", "fingerprint", "networks", "note_at")

    def __init__(self, text: bytes, actor: Actor, networks: Networks) -> None:
        self.fingerprint = blake2s(text).digest()
        self.actor = actor
        self.expires_at = actor.expires_at
        self.networks = networks
        self.covered = NOTHING
        self.note_at = 0.0
        self.answer = b""


class Cache:
    """Known credentials by the BLAKE2s digest of their tokens, under an epoch. For one thread at a time.

    It is no secret by how much two digests differ, so they are found as in any dictionary.
    """

    def __init__(self, epoch: Epoch, entries_max: int = ENTRIES_MAX) -> None:
        self._epoch = epoch
        self._entries_max = entries_max
        self._entries: dict[bytes, Known] = {}
        self._fingerprints: dict[bytes, bytes] = {}  # by preview: a preview has one right token
        self._seen = -1

    def recall(self, text: bytes) -> Known | None:
        """What is known of this token and still holds; None while anything is being changed."""
        word = self._epoch.word[0]
        if word != self._seen and not self._catch_up(word):
            return None
        return self._entries.get(blake2s(text).digest())

    def mark(self) -> int:
        """Where things stand: to be asked before a look-up whose result is to be kept."""
        return self._epoch.word[0]

    def put(self, known: Known, mark: int) -> None:
        """Keep what a look-up found, unless something was being changed at `mark` or has changed since."""
        if mark != self._seen or self._epoch.word[0] != mark:
            return
        preview = known.actor.preview.encode("ascii")
        self._drop(preview)
        if len(self._entries) >= self._entries_max:
            self._drop(next(iter(self._fingerprints)))
        self._entries[known.fingerprint] = known
        self._fingerprints[preview] = known.fingerprint

    async def tend(self, lock: AbstractContextManager[object] = NO_LOCK) -> None:
        """Look after the epoch until cancelled: end a change whose process died in it, follow a file that was replaced.

        Until a crashed change is ended every answer asks the database. Replacing the file is never right while the
        service runs: until it is noticed, changes made through the new file are not heard of. `lock` keeps this apart
        from those who use the cache in other threads.
        """
        while True:
            await asyncio.sleep(TEND_SECONDS)
            with lock:
                self.mend()

    def mend(self) -> None:
        """Look after the epoch once. While its file cannot be used every answer asks the database."""
        try:
            if self._epoch.refresh():
                self._clear()
                self._seen = -1
                log.error("the epoch file was replaced while in use", path=str(self._epoch.path))
            elif self._epoch.repair():
                log.warning("a process died while it committed a change; nothing stale was used")
        except (SetupError, OSError):
            log.exception("the epoch file cannot be used", path=str(self._epoch.path))

    def __len__(self) -> int:
        return len(self._entries)

    def _catch_up(self, word: int) -> bool:
        """Forget what was named since the word last seen; False if that cannot be told now, for a change under way."""
        if word & 1:
            return False
        named = self._epoch.named_between(self._seen, word) if self._seen >= 0 else None
        if self._epoch.word[0] != word:
            return False  # a writer may have come round the ring while it was read
        if named is None:
            self._clear()
        else:
            for preview in named:
                self._drop(preview)
        self._seen = word
        return True

    def _drop(self, preview: bytes) -> None:
        fingerprint = self._fingerprints.pop(preview, None)
        if fingerprint is not None:
            del self._entries[fingerprint]

    def _clear(self) -> None:
        self._entries.clear()
        self._fingerprints.clear()
