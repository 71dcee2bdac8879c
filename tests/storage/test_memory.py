"""Mapped files that are cut short, in processes of their own: what fails here ends them."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = """
import ctypes, mmap, os, signal, sys, threading
from tokenry.storage.memory import SharedMemory
path = sys.argv[1]
descriptor = os.open(path, os.O_RDWR)
memory = SharedMemory(descriptor, 3 * mmap.PAGESIZE)
word = memory.view[:8].cast("Q")
last = memory.view[2 * mmap.PAGESIZE : 2 * mmap.PAGESIZE + 8].cast("Q")
assert word[0] == last[0] == 0 and not memory.was_cut
"""
ALL_BITS = "(1 << 64) - 1"


def run(path: Path, script: str, *options: str, before: str = "") -> int:
    path.write_bytes(bytes(1 << 16))
    command = [sys.executable, *options, "-c", before + BEGIN + script, str(path)]
    return subprocess.run(command, check=False, timeout=60, stderr=subprocess.DEVNULL).returncode


@pytest.mark.parametrize("options", [(), ("-X", "faulthandler")])
@pytest.mark.parametrize("length", [0, 4096])
def test_file_that_is_cut_short_reads_as_all_bits_set(tmp_path: Path, length: int, options: tuple[str, ...]) -> None:
    script = f"os.ftruncate(descriptor, {length}); assert last[0] == word[0] == {ALL_BITS} and memory.was_cut"
    assert run(tmp_path / "file", script, *options) == 0


def test_other_threads_read_the_same(tmp_path: Path) -> None:
    script = f"""
found = set()
reading = threading.Barrier(5)
def read():
    assert word[0] == 0
    reading.wait(30)
    while {ALL_BITS} not in found:
        found.add(word[0])
threads = [threading.Thread(target=read) for _ in range(4)]
[thread.start() for thread in threads]
reading.wait(30)
os.ftruncate(descriptor, 0)
[thread.join(30) for thread in threads]
assert {ALL_BITS} in found and found <= {{0, {ALL_BITS}}}, found
"""
    assert run(tmp_path / "file", script) == 0


def test_mapping_goes_on_to_show_another_file_afterwards(tmp_path: Path) -> None:
    script = """
os.ftruncate(descriptor, 0)
assert word[0]
for view in (word, last):
    view.release()
memory.close()
os.ftruncate(descriptor, 1 << 16)
again = SharedMemory(descriptor, 3 * mmap.PAGESIZE)
os.pwrite(descriptor, bytes([7]), 0)
assert again.view[0] == 7
"""
    assert run(tmp_path / "file", script) == 0


def test_process_still_dies_of_what_concerns_another_mapping(tmp_path: Path) -> None:
    script = "other = mmap.mmap(descriptor, 4096); os.ftruncate(descriptor, 0); other[0]"
    assert run(tmp_path / "file", script) == -signal.SIGBUS


def test_process_dies_of_a_signal_that_is_sent(tmp_path: Path) -> None:
    assert run(tmp_path / "file", "os.kill(os.getpid(), signal.SIGBUS)") == -signal.SIGBUS


def test_signal_that_is_sent_goes_to_who_handled_it_before(tmp_path: Path) -> None:
    """And a cut is survived afterwards."""
    before = "import signal\nsent = []\nsignal.signal(signal.SIGBUS, lambda *_: sent.append(1))\n"
    script = f"""
os.kill(os.getpid(), signal.SIGBUS)
os.kill(os.getpid(), signal.SIGBUS)
assert sent == [1, 1]
os.ftruncate(descriptor, 0)
assert last[0] == word[0] == {ALL_BITS} and memory.was_cut
"""
    assert run(tmp_path / "file", script, before=before) == 0


def test_handler_takes_no_more_frames_than_are_asked_for(tmp_path: Path) -> None:
    """And some of them are left for those between whoever asks for them and the read."""
    script = f"""
from tokenry.storage.memory import HANDLER_FRAMES, require_frames
def descend(then):
    try:
        require_frames()
    except RecursionError:
        return then()
    return descend(then)
def read():
    os.ftruncate(descriptor, 0)
    return word[0]
sys.setrecursionlimit(sys.getrecursionlimit() + HANDLER_FRAMES // 3)
assert descend(read) == {ALL_BITS}
"""
    assert run(tmp_path / "file", script) == 0
