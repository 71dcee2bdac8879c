"""No order of requests, no death and no half-written word lets a worker accept a token after its revocation.

Nor does one let it take a token that was created for one that nobody knows.
"""

import inspect
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.verification.interleavings import (
    FILE_BYTES,
    FIRST,
    FIRST_WORD,
    LASTING,
    LONG_AGO,
    SECOND,
    SECRETS,
    STARTS,
    THIRD,
    Explorer,
    Role,
    World,
)
from tokenry.storage import epoch, journal
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.epoch import Epoch, EpochFile
from tokenry.storage.journal import Journal
from tokenry.verification.cache import Cache
from tokenry.verification.follower import Follower, mend
from tokenry.verification.screen import Screen

pytestmark = pytest.mark.long

# Together they name one preview more than the ring of this world holds.
WRITERS = (Role("revoke", (FIRST,)), Role("revoke", (SECOND, THIRD)))
CREATORS = (Role("create", (FIRST,)), Role("create", (SECOND, THIRD)))
ROTATORS = (Role("rotate", (FIRST, SECOND)),)
REPAIR = Role("repair")


@pytest.fixture
def explorer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Explorer:
    return Explorer(tmp_path / "epoch", monkeypatch)


@dataclass(frozen=True)
class Worker:
    """Verifies these tokens one after another, and remembers all tokens as they were at the word `seen`."""

    previews: tuple[str, ...]
    seen: int = FIRST_WORD
    overtaken: bool = False
    writers: tuple[Role, ...] = WRITERS
    watchful: bool = False

    def roles(self, explorer: Explorer) -> tuple[Role, ...]:
        """Of all processes in its world."""
        remembered = tuple(explorer.known)
        times = len(self.previews)
        role = Role("verify", self.previews, times, remembered, self.seen, self.overtaken, self.watchful)
        return (*self.writers, role) if self.watchful else (*self.writers, REPAIR, role)

    @property
    def violation(self) -> str:
        """What must never be."""
        return f"{self.previews[0]} was accepted after its revocation"


@dataclass(frozen=True)
class Screener:
    """Asks for these tokens one after another, and has a filter as it was at the word `seen`, or has yet to fill it."""

    previews: tuple[str, ...]
    seen: int | None = None
    overtaken: bool = False
    writers: tuple[Role, ...] = CREATORS

    def roles(self, _: Explorer) -> tuple[Role, ...]:
        """Of all processes in its world."""
        filled, seen = (None, -1) if self.seen is None else ((), self.seen)
        role = Role("screen", self.previews, len(self.previews), filled, seen, self.overtaken)
        return (*self.writers, REPAIR, role)

    @property
    def violation(self) -> str:
        """What must never be."""
        return f"{self.previews[0]} was lacked after its creation"


TWICE = Worker((FIRST, FIRST))
NAMED_WITH_ANOTHER = Worker((SECOND,))
SILENT_FOR_LONG = Worker((FIRST,), seen=LONG_AGO)
OVERTAKEN = Worker((FIRST, FIRST), overtaken=True)
NEVER_REVOKED = Worker((LASTING, LASTING))
ROTATED_AWAY = Worker((FIRST, FIRST), writers=ROTATORS)
ROTATED_TO = Screener((SECOND, SECOND), seen=FIRST_WORD, writers=ROTATORS)
FILLED = Screener((FIRST, FIRST), seen=FIRST_WORD)
FILLED_LONG_AGO = Screener((FIRST,), seen=LONG_AGO)
FILLED_WITH_ANOTHER = Screener((SECOND,), seen=FIRST_WORD)
FILLING = Screener((FIRST, FIRST))
FILLING_WHILE_ASKED = Screener((THIRD, THIRD), overtaken=True)


def replacing(*kinds: str) -> Worker:
    """A worker that may look at the path before each token, and somebody who replaces the file so."""
    return Worker((FIRST, FIRST), writers=(*WRITERS[:1], Role("replace", kinds, len(kinds))), watchful=True)


REPLACED = replacing("copy")
REPLACED_BY_OLDER = replacing("older")
REPLACED_AND_BACK = replacing("copy", "back")


@pytest.mark.parametrize(
    ("worker", "deaths", "worlds"),
    [
        pytest.param(TWICE, 1, 100_000, id="twice"),
        pytest.param(NAMED_WITH_ANOTHER, 2, 100_000, id="named with another"),
        pytest.param(SILENT_FOR_LONG, 1, 40_000, id="silent for long"),
        pytest.param(OVERTAKEN, 0, 10_000, id="overtaken"),
        pytest.param(NEVER_REVOKED, 0, 9_000, id="never revoked"),
        pytest.param(ROTATED_AWAY, 1, 30_000, id="rotated away"),
        pytest.param(ROTATED_TO, 1, 2_500, id="rotated to"),
        pytest.param(FILLED, 1, 15_000, id="filled"),
        pytest.param(FILLED_WITH_ANOTHER, 1, 4_000, id="filled, created with another"),
        pytest.param(FILLED_LONG_AGO, 1, 6_000, id="filled long ago"),
        pytest.param(FILLING, 1, 100_000, id="filling"),
        pytest.param(FILLING_WHILE_ASKED, 0, 80_000, id="filling while asked"),
        pytest.param(REPLACED, 1, 15_000, id="replaced by a copy"),
        pytest.param(REPLACED_BY_OLDER, 1, 9_000, id="replaced by an older copy"),
        pytest.param(REPLACED_AND_BACK, 0, 70_000, id="replaced and put back"),
    ],
)
def test_verification_is_right_whatever_happens_meanwhile(
    explorer: Explorer, worker: Worker | Screener, deaths: int, worlds: int
) -> None:
    found = explorer.explore(explorer.begin(worker.roles(explorer), deaths=deaths))
    assert found.violation is None
    assert len(found.origins) > worlds, "fewer worlds than there are: something was not explored"


def test_whoever_died_one_repair_lets_workers_remember_again(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        explorer = Explorer(tmp_path / "explored", patch)
        found = explorer.explore(explorer.begin((*WRITERS, REPAIR), deaths=2))
        [known, *_] = explorer.known.values()
        text = SECRETS[known.actor.preview].reveal().encode()
    left_behind = {world.memory[:FILE_BYTES] for world in found.origins if is_over(world)}
    assert sum(memory[0] & 1 for memory in left_behind) >= 5
    for number, memory in enumerate(left_behind):
        path = tmp_path / f"epoch-{number}"
        path.write_bytes(memory[: STARTS[1]])
        mine = Epoch(path, TIMEOUT_SECONDS)
        cache = Cache(mine.changed)
        mend(mine, [cache])
        assert not mine.changed.word[0] & 1
        assert cache.recall(text) is None
        cache.put(known, cache.mark())
        assert cache.recall(text) is known
        mine.close()


def is_over(world: World) -> bool:
    """Whether all writers are done or dead."""
    return all(not process.role.times for process in world.processes[: len(WRITERS)]) and set(world.locked_by) == {None}


REACH = "not 0 < number <= RING_PREVIEWS"
PUT_CHECK = "mark != self._seen or self._journal.word[0] != mark"
BEGIN = "_write_word(descriptor, start, word | 1)"
PUBLISH = "for start, previews in named.items():\n        _publish(descriptor, start, words[start], previews)"
YIELD = "try:\n        yield\n    finally:\n        " + PUBLISH.replace("\n", "\n    ")
LOCK = "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)"
EVEN = "_write_word(descriptor, start, word | 1)\n    _write_word(descriptor, start, word)"
SLOTS = "for number, preview in enumerate(previews, count):"
TELLING = "inode is not None and is_another_trusted(self.path, inode)"
MUTANTS: dict[str, tuple[Worker | Screener, Any, str, str, str]] = {
    "keeps a look-up without asking whether anything has changed": (OVERTAKEN, Cache, "put", PUT_CHECK, "False"),
    "asks after a look-up where things stand, not before": (
        OVERTAKEN,
        Cache,
        "put",
        PUT_CHECK,
        "self.mark() != self._seen",
    ),
    "uses the cache while a change is made": (TWICE, Follower, "_catch_up", "if word & 1:", "if word < 0:"),
    "does not look again after reading the ring": (
        TWICE,
        Follower,
        "_catch_up",
        "self._journal.word[0] != word",
        "False",
    ),
    "takes what was overwritten in the ring for what was named": (
        TWICE,
        Journal,
        "named_between",
        REACH,
        "number < 0",
    ),
    "takes the ring for longer than it is": (TWICE, Journal, "named_between", REACH, f"{REACH} + 1"),
    "makes the word even before the commit": (
        TWICE,
        epoch,
        "naming",
        YIELD,
        f"{PUBLISH}\n\n    yield",
    ),
    "changes the word after the commit only": (TWICE, epoch, "naming", BEGIN, "pass"),
    "changes without the lock": (NAMED_WITH_ANOTHER, epoch, "_locked", LOCK, f"wait or {LOCK}"),
    "repairs without the lock": (TWICE, epoch, "_locked", LOCK, f"wait and {LOCK}"),
    "names after a death only what it changed itself": (TWICE, journal, "_publish", "before & 1 or ", ""),
    "ends a change without counting on": (TWICE, journal, "_publish", "count += RING_PREVIEWS + 1", "pass"),
    "makes the word even before it names": (
        TWICE,
        journal,
        "_publish",
        SLOTS,
        f"_write_word(descriptor, start, count + len(previews) << 1)\n        {SLOTS}",
    ),
    "makes the word even in one go": (
        SILENT_FOR_LONG,
        journal,
        "_publish",
        EVEN,
        "_write_word(descriptor, start, word)",
    ),
    "uses the filter while something is created": (FILLED, Follower, "_catch_up", "if word & 1:", "if word < 0:"),
    "creates without changing the word before": (FILLED, epoch, "naming", BEGIN, "pass"),
    "uses the filter though the ring came round": (FILLED_LONG_AGO, Screen, "_heed", "self._filter = ", ""),
    "uses the filter without asking what was created": (
        FILLED,
        Screen,
        "is_current",
        "word == self._seen or self._catch_up(word)",
        "word > 0",
    ),
    "tells nobody who began to trust another file during the change": (
        REPLACED,
        EpochFile,
        "change",
        TELLING,
        "False",
    ),
    "names the change in the file alone that was there first": (
        REPLACED_AND_BACK,
        EpochFile,
        "change",
        TELLING,
        "inode is not None and inode != _inode(descriptor)",
    ),
    "does not lock the directory before it remembers": (
        REPLACED,
        Epoch,
        "_open",
        "self._trust.begin(_inode(descriptor))",
        "pass",
    ),
    "asks what is stored before it knows where the journal stands": (
        FILLING,
        Screen,
        "_fill",
        "self._filter = filling",
        "self._filter, self._seen = filling, self._journal.word[0]",
    ),
    "does not add what is created while it fills": (
        FILLING_WHILE_ASKED,
        Screen,
        "_heed",
        "(self._filter, self._filling)",
        "(self._filter,)",
    ),
    "finishes filling though the ring came round": (
        FILLING_WHILE_ASKED,
        Screen,
        "_fill",
        "self._filling is not filling",
        "False",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_step_of_the_protocol_is_needed(explorer: Explorer, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    worker, *change = MUTANTS[name]
    break_code(monkeypatch, *change)
    roles = worker.roles(explorer)
    found = (explorer.explore(explorer.begin(roles, deaths=deaths)).violation for deaths in (0, 1))
    violation = next(filter(None, found), None)
    assert violation is not None, "nobody would notice"
    assert violation.what == worker.violation, violation


def break_code(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, old: str, new: str) -> None:
    """Replace a function of the product by one that differs from it in a few words."""
    function = inspect.unwrap(getattr(owner, name))
    source = dedent(inspect.getsource(function))
    old, new = dedent(old), dedent(new)
    assert source.count(old) == 1, f"{name} no longer says: {old}"
    made: dict[str, Any] = {}
    exec(source.replace(old, new), function.__globals__, made)
    monkeypatch.setattr(owner, name, made[name])
