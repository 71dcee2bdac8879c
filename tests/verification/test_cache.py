"""What a worker remembers: only while nothing has changed since, and never too much."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.making import crash
from tokenry.domain.accounts import Actor
from tokenry.domain.metadata import Metadata, write_metadata
from tokenry.domain.networks import ANYWHERE
from tokenry.domain.scopes import EVERYTHING
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.epoch import Epoch
from tokenry.storage.journal import EVERYTHING as ALL
from tokenry.verification.cache import METADATA_PER_ENTRY, Cache, Known
from tokenry.verification.follower import mend

PREVIEW = "pat_0123456789ab"
OTHER = "pat_aaaaaaaaaaaa"


@pytest.fixture
def epoch(tmp_path: Path) -> Iterator[Epoch]:
    """The epoch as a writer sees it."""
    epoch = Epoch(tmp_path / "epoch", TIMEOUT_SECONDS)
    yield epoch
    epoch.close()


@pytest.fixture
def mine(epoch: Epoch) -> Iterator[Epoch]:
    """The epoch as a reader sees it."""
    mine = Epoch(epoch.path, TIMEOUT_SECONDS)
    yield mine
    mine.close()


@pytest.fixture
def cache(mine: Epoch) -> Cache:
    """The reader's cache, with two tokens."""
    cache = Cache(mine.changed, entries_max=3)
    assert cache.recall(text_of(PREVIEW)) is None
    for preview in (PREVIEW, OTHER):
        cache.put(known(preview), cache.mark())
    return cache


def text_of(preview: str) -> bytes:
    return preview.encode() + b"S" * 38


def known(preview: str) -> Known:
    return Known(text_of(preview), Actor(1, EVERYTHING, 1, 1, "ada", 1, "E", preview), ANYWHERE)


def test_what_was_put_is_got(cache: Cache) -> None:
    found = cache.recall(text_of(PREVIEW))
    assert found is not None
    assert found.actor.preview == PREVIEW


def test_change_of_one_token_drops_it_alone(cache: Cache, epoch: Epoch) -> None:
    with epoch.change([PREVIEW]):
        pass
    assert cache.recall(text_of(PREVIEW)) is None
    assert cache.recall(text_of(OTHER)) is not None


def test_change_of_everything_drops_everything(cache: Cache, epoch: Epoch) -> None:
    with epoch.change(ALL):
        pass
    assert cache.recall(text_of(PREVIEW)) is None
    assert cache.recall(text_of(OTHER)) is None
    assert len(cache) == 0


def test_nothing_is_known_while_a_change_is_made(cache: Cache, epoch: Epoch) -> None:
    with epoch.change([PREVIEW]):
        assert cache.recall(text_of(PREVIEW)) is None
        assert cache.recall(text_of(OTHER)) is None
    assert cache.recall(text_of(OTHER)) is not None


def test_nothing_is_known_after_a_crash_until_it_is_mended(cache: Cache, epoch: Epoch, mine: Epoch) -> None:
    crash(epoch.path)
    assert cache.recall(text_of(OTHER)) is None
    mend(mine, [cache])
    assert len(cache) == 2
    assert cache.recall(text_of(OTHER)) is None
    assert len(cache) == 0
    cache.put(known(OTHER), cache.mark())
    assert cache.recall(text_of(OTHER)) is not None


def test_look_up_that_a_change_overtook_is_not_kept(cache: Cache, epoch: Epoch) -> None:
    new = "pat_bbbbbbbbbbbb"
    assert cache.recall(text_of(new)) is None
    mark = cache.mark()
    with epoch.change([OTHER]):
        cache.put(known(new), mark)
    cache.put(known(new), mark)
    assert cache.recall(text_of(new)) is None


def test_look_up_begun_while_a_change_is_made_is_not_kept(cache: Cache, epoch: Epoch) -> None:
    new = "pat_bbbbbbbbbbbb"
    with epoch.change([OTHER]):
        assert cache.recall(text_of(new)) is None
        mark = cache.mark()
        cache.put(known(new), mark)
    assert cache.recall(text_of(new)) is None


def test_replaced_file_drops_everything(cache: Cache, epoch: Epoch, mine: Epoch) -> None:
    epoch.path.unlink()
    mend(mine, [cache])
    assert cache.recall(text_of(PREVIEW)) is None
    assert len(cache) == 0


def test_file_that_was_replaced_and_changed_since_drops_everything(cache: Cache, epoch: Epoch, mine: Epoch) -> None:
    """Also when the word is the one it knows."""
    copy = epoch.path.read_bytes()
    epoch.path.unlink()
    epoch.path.write_bytes(copy)
    mend(mine, [cache])
    assert cache.recall(text_of(PREVIEW)) is None
    assert len(cache) == 0


def test_nothing_is_known_while_the_file_cannot_be_used(cache: Cache, epoch: Epoch, mine: Epoch) -> None:
    epoch.path.unlink()
    epoch.path.mkdir()
    for _ in range(2):
        mend(mine, [cache])
        assert cache.recall(text_of(PREVIEW)) is None
    cache.put(known(PREVIEW), cache.mark())
    assert cache.recall(text_of(PREVIEW)) is None
    epoch.path.rmdir()
    mend(mine, [cache])
    assert cache.recall(text_of(PREVIEW)) is None
    cache.put(known(PREVIEW), cache.mark())
    assert cache.recall(text_of(PREVIEW)) is not None


@pytest.mark.parametrize("options", [(), ("-p",)], ids=["cp", "cp -p"])
def test_older_copy_written_over_the_file_drops_everything(
    cache: Cache, epoch: Epoch, mine: Epoch, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Though nobody asked since before the change, and the words are the old ones again."""
    subprocess.run(["cp", "-p", epoch.path, tmp_path / "older"], check=True)
    with epoch.change([PREVIEW]):
        pass
    time.sleep(0.02)  # the kernel's clock moves on
    subprocess.run(["cp", *options, tmp_path / "older", epoch.path], check=True)
    assert cache.recall(text_of(PREVIEW)) is not None
    with capture_logs() as logs:
        mend(mine, [cache])
        assert cache.recall(text_of(PREVIEW)) is None
        mend(mine, [cache])
    assert [line["event"] for line in logs] == ["the epoch file was written over while in use"]


def test_change_that_was_named_is_heeded_without_a_question(cache: Cache, epoch: Epoch, mine: Epoch) -> None:
    with epoch.change([PREVIEW]):
        pass
    with capture_logs() as logs:
        mend(mine, [cache])
        mend(mine, [cache])
    assert (len(cache), logs) == (1, [])


def test_oldest_goes_when_there_are_too_many(cache: Cache) -> None:
    for preview in ("pat_bbbbbbbbbbbb", "pat_cccccccccccc"):
        cache.put(known(preview), cache.mark())
    assert len(cache) == 3
    assert cache.recall(text_of(PREVIEW)) is None
    assert cache.recall(text_of("pat_cccccccccccc")) is not None
    cache.put(known("pat_cccccccccccc"), cache.mark())
    assert cache.recall(text_of(OTHER)) is not None


def test_token_with_much_metadata_counts_as_several(cache: Cache, epoch: Epoch) -> None:
    """What a worker remembers is bounded in bytes, not in tokens alone."""
    much = known("pat_mmmmmmmmmmmm")
    much.actor = much.actor._replace(metadata=Metadata(write_metadata({"a": "x" * METADATA_PER_ENTRY})))
    assert much.weight == 2
    cache.put(much, cache.mark())
    previews = [PREVIEW, OTHER, much.actor.preview]
    assert [cache.recall(text_of(preview)) is not None for preview in previews] == [False, True, True]
    with epoch.change([much.actor.preview]):
        pass
    assert cache.recall(text_of(OTHER)) is not None
    for preview in ("pat_111111111111", "pat_222222222222"):
        cache.put(known(preview), cache.mark())
    assert len(cache) == 3
    with epoch.change(ALL):
        pass
    assert cache.recall(text_of(OTHER)) is None
    for preview in ("pat_111111111111", "pat_222222222222", PREVIEW):
        cache.put(known(preview), cache.mark())
    assert len(cache) == 3
