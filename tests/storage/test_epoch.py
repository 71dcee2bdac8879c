"""The epoch: what readers see of a change, before, during and after it, and after a crash in the middle."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.making import crash
from tokenry.domain.errors import SetupError, Unavailable
from tokenry.storage import trust
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.epoch import _PAUSE_SECONDS, _PAUSE_SECONDS_MAX, Epoch, EpochFile, _Wait
from tokenry.storage.journal import COUNT_BITS, EVERYTHING, FILE_BYTES, RING_PREVIEWS
from tokenry.storage.memory import SharedMemory

PREVIEW = "pat_0123456789ab"

FORK = """
import os, signal, sys
from pathlib import Path
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.epoch import Epoch
epoch = Epoch(Path(sys.argv[1]), TIMEOUT_SECONDS)
with epoch.change(["pat_0123456789ab"]):
    child = os.fork()
    if not child:
        signal.pause()
try:
    signal.alarm(20)
    with epoch.change(["pat_0123456789ab"]):
        pass
finally:
    os.kill(child, signal.SIGKILL)
"""

FORK_TRUST = """
import os, signal, sys
from pathlib import Path
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.epoch import Epoch, EpochFile
path = Path(sys.argv[1])
epoch = Epoch(path, TIMEOUT_SECONDS)
child = os.fork()
if not child:
    signal.pause()
try:
    epoch.close()
    path.unlink()
    with EpochFile(path, 1).change(["pat_0123456789ab"]):
        pass
finally:
    os.kill(child, signal.SIGKILL)
"""

TRUST = """
epoch = Epoch(path, TIMEOUT_SECONDS)
"""

LOCK = """
lock = EpochFile(path, TIMEOUT_SECONDS).change(["pat_0123456789ab"])
lock.__enter__()
"""


@contextmanager
def holding(path: Path, what: str) -> Iterator[None]:
    """Another process that trusts the file, or holds its lock; it is killed at the end."""
    script = "import sys; from pathlib import Path; from tokenry.storage.epoch import Epoch, EpochFile\n"
    script += "from tokenry.storage.deadline import TIMEOUT_SECONDS\n"
    script += f"path = Path(sys.argv[1])\n{what}\nprint(flush=True)\nsys.stdin.read()"
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def remove(path: Path) -> None:
    path.unlink()


def put_copy(path: Path) -> None:
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


def cut_short(path: Path) -> None:
    os.truncate(path, FILE_BYTES // 2)


def put_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokenry.db-epoch"


@pytest.fixture
def epoch(path: Path) -> Iterator[Epoch]:
    epoch = Epoch(path, TIMEOUT_SECONDS)
    yield epoch
    epoch.close()


@pytest.fixture
def other(path: Path, epoch: Epoch) -> Iterator[Epoch]:
    """The same file, as another process sees it."""
    other = Epoch(path, TIMEOUT_SECONDS)
    yield other
    other.close()


def test_file_is_for_its_owner_alone(epoch: Epoch, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SetupError, match="link cannot be used"):
        Epoch(tmp_path / "link", TIMEOUT_SECONDS)


def test_word_is_odd_while_a_change_is_made_and_even_and_higher_after(epoch: Epoch, other: Epoch) -> None:
    before = other.changed.word[0]
    with epoch.change([PREVIEW]):
        assert other.changed.word[0] == before + 1
    assert other.changed.word[0] % 2 == 0
    assert other.changed.word[0] >> 1 & (1 << COUNT_BITS) - 1 == (before >> 1) + 1


def test_previews_changed_in_between_are_named_in_order(epoch: Epoch, other: Epoch) -> None:
    before = other.changed.word[0]
    with epoch.change([PREVIEW]):
        pass
    with epoch.change(["pat_aaaaaaaaaaaa", "pat_bbbbbbbbbbbb"]):
        pass
    assert other.changed.named_between(before, other.changed.word[0]) == [
        PREVIEW.encode(),
        b"pat_aaaaaaaaaaaa",
        b"pat_bbbbbbbbbbbb",
    ]


def test_journals_are_apart(epoch: Epoch, other: Epoch) -> None:
    with epoch.change(created=[PREVIEW]):
        assert (other.changed.word[0], other.created.word[0]) == (0, 1)
    with epoch.change(["pat_aaaaaaaaaaaa", "pat_bbbbbbbbbbbb"]):
        assert other.changed.word[0] == 1
        assert other.created.word[0] % 2 == 0
    assert other.changed.named_between(0, other.changed.word[0]) == [b"pat_aaaaaaaaaaaa", b"pat_bbbbbbbbbbbb"]
    assert other.created.named_between(0, other.created.word[0]) == [PREVIEW.encode()]


def test_one_change_can_be_named_in_both(epoch: Epoch, other: Epoch) -> None:
    with epoch.change([PREVIEW], ["pat_aaaaaaaaaaaa"]):
        assert (other.changed.word[0], other.created.word[0]) == (1, 1)
    assert other.changed.named_between(0, other.changed.word[0]) == [PREVIEW.encode()]
    assert other.created.named_between(0, other.created.word[0]) == [b"pat_aaaaaaaaaaaa"]


def test_full_ring_of_one_journal_reaches_into_no_other(epoch: Epoch) -> None:
    with epoch.change(created=[PREVIEW]):
        pass
    with epoch.change([f"pat_{number:012}" for number in range(RING_PREVIEWS)]):
        pass
    assert epoch.created.named_between(0, epoch.created.word[0]) == [PREVIEW.encode()]


def test_crash_is_repaired_in_its_journal_alone(epoch: Epoch, path: Path) -> None:
    crash(path, "created")
    assert (epoch.changed.word[0], epoch.created.word[0]) == (0, 1)
    assert epoch.repair()
    assert epoch.changed.word[0] == 0
    assert epoch.created.word[0] % 2 == 0
    assert epoch.created.named_between(0, epoch.created.word[0]) is None


def test_change_that_raises_is_named_too(epoch: Epoch) -> None:
    before = epoch.changed.word[0]
    with pytest.raises(ZeroDivisionError), epoch.change([PREVIEW]):
        raise ZeroDivisionError
    assert epoch.changed.named_between(before, epoch.changed.word[0]) == [PREVIEW.encode()]


def test_change_of_everything_is_named_by_no_preview(epoch: Epoch) -> None:
    before = epoch.changed.word[0]
    with epoch.change(EVERYTHING):
        pass
    assert epoch.changed.word[0] % 2 == 0
    assert epoch.changed.named_between(before, epoch.changed.word[0]) is None


def test_change_of_more_than_the_ring_holds_is_one_of_everything(epoch: Epoch) -> None:
    before = epoch.changed.word[0]
    with epoch.change([f"pat_{number:012}" for number in range(RING_PREVIEWS + 1)]):
        pass
    assert epoch.changed.named_between(before, epoch.changed.word[0]) is None


def test_ring_names_its_last_previews_and_no_more(epoch: Epoch) -> None:
    before = epoch.changed.word[0]
    for number in range(RING_PREVIEWS + 1):
        with epoch.change([f"pat_{number:012}"]):
            pass
    assert epoch.changed.named_between(before, epoch.changed.word[0]) is None
    assert epoch.changed.named_between(before + 2, epoch.changed.word[0]) == [
        f"pat_{number:012}".encode() for number in range(1, RING_PREVIEWS + 1)
    ]


def test_crash_within_a_change_leaves_the_word_odd_until_it_is_repaired(epoch: Epoch, path: Path) -> None:
    before = epoch.changed.word[0]
    crash(path)
    assert epoch.changed.word[0] == before + 1
    assert epoch.repair()
    assert epoch.changed.word[0] % 2 == 0
    assert epoch.changed.named_between(before, epoch.changed.word[0]) is None


def test_change_after_a_crash_is_one_of_everything(epoch: Epoch, path: Path) -> None:
    before = epoch.changed.word[0]
    crash(path)
    with epoch.change([PREVIEW]):
        pass
    assert epoch.changed.word[0] % 2 == 0
    assert epoch.changed.named_between(before, epoch.changed.word[0]) is None


def test_change_under_way_is_not_repaired(epoch: Epoch, other: Epoch) -> None:
    with epoch.change([PREVIEW]):
        assert not other.repair()
        assert other.changed.word[0] % 2 == 1
    assert not other.repair()


def test_change_under_way_in_a_thread_is_not_repaired_by_another(epoch: Epoch) -> None:
    with epoch.change([PREVIEW]):
        assert not epoch.repair()
        assert epoch.changed.word[0] % 2 == 1


def test_changes_of_several_threads_exclude_each_other(epoch: Epoch) -> None:
    running: list[int] = []
    seen: list[int] = []

    def change(number: int) -> None:
        with epoch.change([f"pat_{number:012}"]):
            running.append(number)
            time.sleep(0.001)
            seen.append(len(running))
            running.remove(number)

    before = epoch.changed.word[0]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(40)))
    assert set(seen) == {1}
    named = epoch.changed.named_between(before, epoch.changed.word[0])
    assert named is not None
    assert sorted(named) == [f"pat_{number:012}".encode() for number in range(40)]


def test_child_that_was_forked_meanwhile_does_not_keep_the_lock(path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", FORK, str(path)], check=False).returncode == 0


def test_wait_ends_in_time_in_ever_longer_pauses() -> None:
    clock = Clock(0.0)
    paused: list[float] = []

    def sleep(seconds: float) -> None:
        paused.append(seconds)
        clock.seconds += seconds

    wait = _Wait(4, clock, sleep)
    while clock() < 4:
        wait.pause("it is locked")
    with pytest.raises(Unavailable, match="unavailable") as refusal:
        wait.pause("it is locked")
    assert refusal.value.reason == "it is locked"
    assert clock() == 4
    assert sorted(paused[:-1]) == paused[:-1]
    assert (paused[0], max(paused)) == (_PAUSE_SECONDS, _PAUSE_SECONDS_MAX)


def test_change_waits_until_all_have_noticed_that_the_file_was_replaced(epoch: Epoch, path: Path) -> None:
    path.unlink()
    noticed: list[bool] = []

    def notice() -> None:
        time.sleep(0.05)
        noticed.append(epoch.refresh())

    with ThreadPoolExecutor(1) as pool:
        pool.submit(notice)
        with epoch.change([PREVIEW]):
            assert noticed == [True]
            assert epoch.changed.word[0] % 2 == 1
    assert epoch.changed.named_between(0, epoch.changed.word[0]) == [PREVIEW.encode()]


@pytest.mark.parametrize("replace", [remove, put_copy, cut_short, put_directory])
def test_change_is_refused_before_it_is_made_while_somebody_has_not_noticed(
    epoch: Epoch, path: Path, replace: Callable[[Path], None]
) -> None:
    replace(path)
    with pytest.raises(Unavailable) as refusal, EpochFile(path, 0.05).change([PREVIEW]):
        pytest.fail("it was made")
    assert str(path) in refusal.value.reason
    epoch.close()
    if path.is_dir():
        path.rmdir()
    with EpochFile(path, 0.05).change([PREVIEW]):
        pass


def test_change_during_which_the_file_is_replaced_is_named_in_the_new_one(epoch: Epoch, path: Path) -> None:
    with EpochFile(path, TIMEOUT_SECONDS).change([PREVIEW], [PREVIEW]):
        path.unlink()
        assert epoch.refresh()
        seen = epoch.changed.word[0], epoch.created.word[0]
        assert seen == (0, 0), "it remembers from now on what was before the commit"
    assert epoch.changed.named_between(seen[0], epoch.changed.word[0]) == [PREVIEW.encode()]
    assert epoch.created.named_between(seen[1], epoch.created.word[0]) == [PREVIEW.encode()]


def test_change_is_not_told_as_done_while_somebody_uses_a_file_that_was_there_meanwhile(
    epoch: Epoch, other: Epoch, path: Path
) -> None:
    def swap() -> None:
        path.rename(path.with_name("old"))
        assert other.refresh()
        path.with_name("old").replace(path)

    with pytest.raises(Unavailable), EpochFile(path, 0.2).change([PREVIEW]):
        swap()
    assert not path.with_name("old").exists()
    assert set(epoch.changed.named_between(0, epoch.changed.word[0]) or ()) == {PREVIEW.encode()}


def test_change_is_named_when_a_commit_fails_during_which_the_file_is_replaced(epoch: Epoch, path: Path) -> None:
    def fail() -> None:
        path.unlink()
        assert epoch.refresh()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), EpochFile(path, TIMEOUT_SECONDS).change([PREVIEW]):
        fail()
    assert epoch.changed.named_between(0, epoch.changed.word[0]) == [PREVIEW.encode()]


def test_process_that_died_is_not_waited_for(path: Path) -> None:
    with holding(path, TRUST):
        path.unlink()
        with pytest.raises(Unavailable), EpochFile(path, 0.05).change([PREVIEW]):
            pytest.fail("it was made")
    with EpochFile(path, 0.05).change([PREVIEW]):
        pass


def test_child_that_was_forked_does_not_keep_up_the_trust_of_its_parent(path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", FORK_TRUST, str(path)], check=False).returncode == 0


def test_databases_in_one_directory_do_not_wait_for_each_other(epoch: Epoch, tmp_path: Path) -> None:
    with EpochFile(tmp_path / "another.db-epoch", 0.05).change([PREVIEW]):
        pass
    assert epoch.changed.word[0] == 0


def test_file_under_another_name_is_the_same_file(epoch: Epoch, path: Path) -> None:
    (path.parent / "link").hardlink_to(path)
    (path.parent / "link").replace(path)
    with EpochFile(path, 0.05).change([PREVIEW]):
        pass
    assert epoch.changed.named_between(0, epoch.changed.word[0]) == [PREVIEW.encode()]


def test_file_that_was_cut_short_and_is_whole_again_is_taken_up_anew(epoch: Epoch, path: Path) -> None:
    copy = path.read_bytes()
    os.truncate(path, 0)
    assert epoch.changed.word[0] % 2 == 1
    with path.open("r+b") as file:
        file.write(copy)
    assert epoch.changed.word[0] % 2 == 1
    assert epoch.refresh()
    assert epoch.changed.word[0] % 2 == 0


def test_lock_is_waited_for_no_longer_than_is_said(epoch: Epoch, path: Path) -> None:
    with holding(path, LOCK):
        began = time.monotonic()
        with pytest.raises(Unavailable) as refusal, EpochFile(path, 0.3).change([PREVIEW]):
            pytest.fail("it was made")
        assert 0.3 <= time.monotonic() - began < 5
    assert refusal.value.reason == f"another process holds the lock on {path}"
    with EpochFile(path, 0.3).change([PREVIEW]):
        assert epoch.changed.word[0] % 2 == 1


def test_nothing_is_remembered_where_there_are_no_such_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "IS_SUPPORTED", False)
    epoch = Epoch(path, TIMEOUT_SECONDS)
    with pytest.raises(SetupError, match="no token is cached"):
        epoch.refresh()
    assert epoch.changed.word[0] % 2 == 1
    with EpochFile(path, 0.05).change([PREVIEW]):
        pass


def test_word_never_comes_twice_though_an_older_copy_is_written_over_the_file(epoch: Epoch, path: Path) -> None:
    copy = path.read_bytes()
    words = set()
    for _ in range(5):
        with path.open("r+b") as file:
            file.write(copy)
        with epoch.change([PREVIEW]):
            pass
        words.add(epoch.changed.word[0])
    assert len(words) == 5


def test_word_is_odd_while_the_file_cannot_be_used(epoch: Epoch, path: Path) -> None:
    path.unlink()
    path.mkdir()
    with pytest.raises(SetupError):
        epoch.refresh()
    assert epoch.changed.word[0] % 2 == 1
    path.rmdir()
    assert epoch.refresh()
    assert epoch.changed.word[0] % 2 == 0


def test_word_is_odd_after_the_end(epoch: Epoch) -> None:
    epoch.close()
    assert epoch.changed.word[0] % 2 == 1


def test_file_that_was_replaced_is_noticed(epoch: Epoch, path: Path) -> None:
    assert not epoch.refresh()
    path.unlink()
    assert epoch.refresh()
    assert path.exists()
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    path.unlink()
    assert epoch.refresh()
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_file_that_is_cut_short_just_before_it_is_mapped_is_made_anew(
    epoch: Epoch, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = iter([True])

    def cut_and_map(descriptor: int, length: int) -> SharedMemory:
        if next(cut, False):
            cut_short(path)
        return SharedMemory(descriptor, length)

    monkeypatch.setattr("tokenry.storage.epoch.SharedMemory", cut_and_map)
    path.unlink()
    assert epoch.refresh()
    assert epoch.changed.word[0] % 2 == 0
    assert path.stat().st_size == FILE_BYTES
