"""No order of requests, no death and no half-written word lets a worker accept a token after its revocation."""

import inspect
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.verification.interleavings import (
    FIRST,
    FIRST_WORD,
    LASTING,
    LONG_AGO,
    SECOND,
    SECRETS,
    THIRD,
    Explorer,
    Role,
    World,
)
from tokenry.storage import epoch
from tokenry.storage.epoch import Epoch
from tokenry.verification.cache import Cache

pytestmark = pytest.mark.long

# Together they name one preview more than the ring of this world holds.
WRITERS = (Role("revoke", (FIRST,)), Role("revoke", (SECOND, THIRD)))
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

    def role(self, explorer: Explorer) -> Role:
        return Role("verify", self.previews, len(self.previews), tuple(explorer.known), self.seen, self.overtaken)


TWICE = Worker((FIRST, FIRST))
NAMED_WITH_ANOTHER = Worker((SECOND,))
SILENT_FOR_LONG = Worker((FIRST,), seen=LONG_AGO)
OVERTAKEN = Worker((FIRST, FIRST), overtaken=True)
NEVER_REVOKED = Worker((LASTING, LASTING))


@pytest.mark.parametrize(
    ("worker", "deaths", "worlds"),
    [
        pytest.param(TWICE, 1, 50_000, id="twice"),
        pytest.param(NAMED_WITH_ANOTHER, 2, 50_000, id="named with another"),
        pytest.param(SILENT_FOR_LONG, 1, 40_000, id="silent for long"),
        pytest.param(OVERTAKEN, 0, 10_000, id="overtaken"),
        pytest.param(NEVER_REVOKED, 0, 9_000, id="never revoked"),
    ],
)
def test_verification_is_right_whatever_happens_meanwhile(
    explorer: Explorer, worker: Worker, deaths: int, worlds: int
) -> None:
    found = explorer.explore(explorer.begin((*WRITERS, REPAIR, worker.role(explorer)), deaths=deaths))
    assert found.violation is None
    assert len(found.origins) > worlds, "fewer worlds than there are: something was not explored"


def test_whoever_died_one_repair_lets_workers_remember_again(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        explorer = Explorer(tmp_path / "explored", patch)
        found = explorer.explore(explorer.begin((*WRITERS, REPAIR), deaths=2))
        [known, *_] = explorer.known.values()
        text = SECRETS[known.actor.preview].reveal().encode()
    left_behind = {world.memory for world in found.origins if is_over(world)}
    assert sum(memory[0] & 1 for memory in left_behind) >= 5
    for number, memory in enumerate(left_behind):
        path = tmp_path / f"epoch-{number}"
        path.write_bytes(memory)
        mine = Epoch(path)
        cache = Cache(mine)
        cache.mend()
        assert not mine.word[0] & 1
        assert cache.recall(text) is None
        cache.put(known, cache.mark())
        assert cache.recall(text) is known
        mine.close()


def is_over(world: World) -> bool:
    """Whether all writers are done or dead."""
    return all(not process.role.times for process in world.processes[: len(WRITERS)]) and world.locked_by is None


REACH = "not 0 <= last - first <= RING_PREVIEWS"
PUT_CHECK = "mark != self._seen or self._epoch.word[0] != mark"
BEGIN = "_write_word(descriptor, word | 1)"
YIELD = "try:\n            yield\n        finally:\n            _publish(descriptor, word, previews)"
EVEN = "_write_word(descriptor, word | 1)\n    _write_word(descriptor, word)"
SLOTS = "for number, preview in enumerate(previews, even // 2):"
MUTANTS: dict[str, tuple[Worker, Any, str, str, str]] = {
    "keeps a look-up without asking whether anything has changed": (OVERTAKEN, Cache, "put", PUT_CHECK, "False"),
    "asks after a look-up where things stand, not before": (
        OVERTAKEN,
        Cache,
        "put",
        PUT_CHECK,
        "self.mark() != self._seen",
    ),
    "uses the cache while a change is made": (TWICE, Cache, "_catch_up", "if word & 1:", "if word < 0:"),
    "does not look again after reading the ring": (TWICE, Cache, "_catch_up", "self._epoch.word[0] != word", "False"),
    "takes what was overwritten in the ring for what was named": (TWICE, Epoch, "named_between", REACH, "first > last"),
    "takes the ring for longer than it is": (TWICE, Epoch, "named_between", REACH, f"{REACH} + 1"),
    "makes the word even before the commit": (
        TWICE,
        Epoch,
        "change",
        YIELD,
        "_publish(descriptor, word, previews)\n\n        yield",
    ),
    "changes the word after the commit only": (TWICE, Epoch, "change", BEGIN, "pass"),
    "changes without the lock": (NAMED_WITH_ANOTHER, Epoch, "change", "fcntl.LOCK_EX", "0"),
    "repairs without the lock": (TWICE, Epoch, "repair", "fcntl.LOCK_EX | fcntl.LOCK_NB", "0"),
    "names after a death only what it changed itself": (TWICE, epoch, "_publish", "before & 1 or ", ""),
    "ends a change without counting on": (TWICE, epoch, "_publish", "even + 2 * (RING_PREVIEWS + 1)", "even"),
    "makes the word even before it names": (
        TWICE,
        epoch,
        "_publish",
        SLOTS,
        f"_write_word(descriptor, word)\n        {SLOTS}",
    ),
    "makes the word even in one go": (SILENT_FOR_LONG, epoch, "_publish", EVEN, "_write_word(descriptor, word)"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_step_of_the_protocol_is_needed(explorer: Explorer, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    worker, *change = MUTANTS[name]
    break_code(monkeypatch, *change)
    roles = (*WRITERS, REPAIR, worker.role(explorer))
    found = (explorer.explore(explorer.begin(roles, deaths=deaths)).violation for deaths in (0, 1))
    violation = next(filter(None, found), None)
    assert violation is not None, "nobody would notice"
    assert violation.what == f"{worker.previews[0]} was accepted after its revocation", violation


def break_code(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, old: str, new: str) -> None:
    """Replace a function of the product by one that differs from it in a few words."""
    function = inspect.unwrap(getattr(owner, name))
    source = dedent(inspect.getsource(function))
    old, new = dedent(old), dedent(new)
    assert source.count(old) == 1, f"{name} no longer says: {old}"
    made: dict[str, Any] = {}
    exec(source.replace(old, new), function.__globals__, made)
    monkeypatch.setattr(owner, name, made[name])
