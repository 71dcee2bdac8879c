"""What one worker remembers of tokens that it verified, as long as nothing has changed since (`storage/epoch.py`)."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2s

from tokenry.counters.quotas import NO_METER
from tokenry.domain.accounts import Actor
from tokenry.domain.networks import Networks
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.storage.journal import Journal
from tokenry.verification.follower import Follower

ENTRIES_MAX = 50_000
"""About 1 KiB each. Beyond it the oldest go first; one with much metadata counts as several."""
METADATA_PER_ENTRY = 256
"""Characters, which are kept as they are and in an answer, so that they take thrice as many bytes."""
_NOTHING_ASKED: Mapping[int, Scopes] = {}
_NEVER_ASKED = Scopes({})
"""By identity: equal to NOTHING, which is asked for without saying by whom."""


class Known:
    """A credential that was found and whose secret was right: all that deciding on it again needs.

    `fingerprint` is the BLAKE2s digest of the token's text; the text itself is not kept. `covered` are the scopes that
    were last found to be covered, for whoever asked for them, and `covered_before` those found before: many tokens are
    presented where two things are asked in turns. `accepted` is how often it was accepted since that was
    counted, and from `note_at` on (seconds since 1970) a use is to be looked at again (`last_used.py`); one that is
    kept and not `listed` was not used for a while, and is listed by its next use (`counts.py`). `asked` are the scopes
    that it was asked for today, by their identity, and `watched` those to which it is not kept yet, but watched whether
    it could be: without them it may do whatever it does. `limit` is how many
    requests a minute may be made with it, 0 for any number, and `counted` is as `covered`, of those that are to be
    counted; `meter` is where, and `asked_at` when it was asked for last. `disabled_at` is for who finds it: one of a
    user who is disabled is not kept.
    `answer` is for the writer of answers, who keeps there what it writes for this token.
    """

    __slots__ = (
        "accepted",
        "actor",
        "answer",
        "asked",
        "asked_at",
        "counted",
        "covered",
        "covered_before",
        "disabled_at",
        "expires_at",
        "fingerprint",
        "limit",
        "listed",
        "meter",
        "networks",
        "note_at",
        "watched",
    )

    def __init__(
        self, text: bytes, actor: Actor, networks: Networks, disabled_at: int | None = None, limit: int = 0
    ) -> None:
        self.fingerprint = blake2s(text).digest()
        self.actor = actor
        self.expires_at = actor.expires_at
        self.networks = networks
        self.disabled_at = disabled_at
        self.covered = NOTHING if not actor.audience else _NEVER_ASKED
        self.covered_before = _NEVER_ASKED
        self.note_at = self.asked_at = 0.0
        self.accepted = 0.0
        self.asked = _NOTHING_ASKED
        self.watched: Scopes | None = None
        self.listed = True  # as long as it is not kept
        self.answer = b""
        self.limit = limit
        self.counted = _NEVER_ASKED
        self.meter = NO_METER

    def forget_asked(self) -> None:
        """Have noted once more what it is asked for. So nothing is covered already: that would pass unseen."""
        self.asked = {}
        self.covered = self.covered_before = self.counted = _NEVER_ASKED

    @property
    def not_before(self) -> int:
        """Until when it is refused: for who finds it, too. One that is not valid yet is not kept."""
        return self.actor.not_before

    @property
    def audience(self) -> Sequence[str]:
        """For whom it is meant."""
        return self.actor.audience

    @property
    def weight(self) -> int:
        """As how many entries it counts."""
        return 1 + len(self.actor.metadata) // METADATA_PER_ENTRY

    @property
    def scopes(self) -> Scopes:
        """What it may do."""
        return self.actor.scopes


class Cache(Follower):
    """Known credentials by the BLAKE2s digest of their tokens, under a journal of what is changed.

    It is no secret by how much two digests differ, so they are found as in any dictionary.
    """

    def __init__(self, changed: Journal, entries_max: int = ENTRIES_MAX) -> None:
        super().__init__(changed)
        self._entries_max = entries_max
        self._entries: dict[bytes, Known] = {}
        self._weight = 0
        self._fingerprints: dict[bytes, bytes] = {}  # by preview: a preview has one right token

    def recall(self, text: bytes) -> Known | None:
        """What is known of this token and still holds; None while anything is being changed."""
        word = self._journal.word[0]
        if word != self._seen and not self._catch_up(word):
            return None
        return self._entries.get(blake2s(text).digest())

    def mark(self) -> int:
        """Where things stand: to be asked before a look-up whose result is to be kept."""
        return self._journal.word[0]

    def put(self, known: Known, mark: int) -> None:
        """Keep what a look-up found, unless something was being changed at `mark` or has changed since."""
        if mark != self._seen or self._journal.word[0] != mark:
            return
        preview = known.actor.preview.encode("ascii")
        self._drop(preview)
        self._weight += known.weight
        while self._weight > self._entries_max and self._fingerprints:
            self._drop(next(iter(self._fingerprints)))
        self._entries[known.fingerprint] = known
        known.listed = False
        self._fingerprints[preview] = known.fingerprint

    def __len__(self) -> int:
        return len(self._entries)

    def _heed(self, named: Collection[bytes] | None) -> None:
        if named is None:
            self._entries.clear()
            self._weight = 0
            self._fingerprints.clear()
        else:
            for preview in named:
                self._drop(preview)

    def _drop(self, preview: bytes) -> None:
        fingerprint = self._fingerprints.pop(preview, None)
        if fingerprint is not None:
            self._weight -= self._entries.pop(fingerprint).weight
