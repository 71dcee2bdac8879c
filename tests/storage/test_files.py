"""Files that hold secrets."""

import base64
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tokenry.domain.errors import SetupError
from tokenry.storage.files import (
    PEPPER_FILE,
    create_peppers,
    create_private_file,
    drop_new_peppers,
    find_peppers,
    keep_new_peppers,
    setup_lock,
)

HOLD = """
import sys
from pathlib import Path
from tokenry.storage.files import setup_lock
with setup_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_private_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    create_private_file(tmp_path / "token", "text")
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_private_file_has_the_whole_text(tmp_path: Path) -> None:
    create_private_file(tmp_path / "token", "text\n")
    assert (tmp_path / "token").read_text() == "text\n"


def test_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("before")
    with pytest.raises(FileExistsError):
        create_private_file(tmp_path / "token", "after")
    assert (tmp_path / "token").read_text() == "before"


@pytest.mark.parametrize("target", ["there", "missing"])
def test_symbolic_link_is_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").write_text("before")
    (tmp_path / "token").symlink_to(tmp_path / target)
    with pytest.raises(FileExistsError):
        create_private_file(tmp_path / "token", "after")
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if not path.is_symlink()} == {"there": "before"}


def test_file_that_could_not_be_written_whole_is_not_left(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        create_private_file(tmp_path / "token", "é")
    assert list(tmp_path.iterdir()) == []


def test_created_peppers_are_found_again_when_they_are_kept(tmp_path: Path) -> None:
    created = create_peppers(tmp_path)
    before = find_peppers(tmp_path)
    keep_new_peppers(tmp_path)
    assert (before, find_peppers(tmp_path)) == (None, created)


def test_new_peppers_are_never_replaced(tmp_path: Path) -> None:
    created = create_peppers(tmp_path)
    with pytest.raises(SetupError, match="cannot be made"):
        create_peppers(tmp_path)
    keep_new_peppers(tmp_path)
    assert find_peppers(tmp_path) == created


def test_dropped_peppers_are_gone(tmp_path: Path) -> None:
    create_peppers(tmp_path)
    drop_new_peppers(tmp_path)
    drop_new_peppers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_peppers_that_cannot_be_kept_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=PEPPER_FILE):
        keep_new_peppers(tmp_path)


def test_no_two_installations_have_the_same_pepper(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert create_peppers(tmp_path) != create_peppers(tmp_path / "other")


def test_directory_without_peppers_has_none(tmp_path: Path) -> None:
    assert find_peppers(tmp_path) is None


def test_peppers_are_read_oldest_first(tmp_path: Path) -> None:
    keys = (b"\x01" * 32, b"\x02" * 32)
    (tmp_path / PEPPER_FILE).write_bytes(b"\n".join(map(base64.b64encode, keys)))
    peppers = find_peppers(tmp_path)
    assert peppers is not None
    assert peppers.keys == keys


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"not base64!", b"\xff\xfe", base64.b64encode(bytes(31)), base64.b64encode(bytes(32))[:-2]],
)
def test_damaged_pepper_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PEPPER_FILE).write_bytes(content)
    with pytest.raises(SetupError, match=PEPPER_FILE):
        find_peppers(tmp_path)


def test_refusal_of_a_damaged_pepper_shows_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / PEPPER_FILE).write_text("c2VjcmV0")
    with pytest.raises(SetupError) as refusal:
        find_peppers(tmp_path)
    assert "c2VjcmV0" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_pepper_that_is_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / PEPPER_FILE).mkdir()
    with pytest.raises(SetupError):
        find_peppers(tmp_path)


def is_locked(directory: Path) -> bool:
    with (directory / ".setup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_setup_of_one_process_keeps_others_waiting_until_it_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        during = is_locked(tmp_path)
        with pytest.raises(SetupError, match=r"\.setup\.lock: wait for it"), setup_lock(tmp_path, timeout=0.1):
            pytest.fail("there are two")
        holder.communicate()
    assert (during, is_locked(tmp_path)) == (True, False)


def test_setup_lock_is_let_go_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), setup_lock(tmp_path):
        raise ZeroDivisionError
    assert not is_locked(tmp_path)
