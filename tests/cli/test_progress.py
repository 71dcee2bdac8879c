"""The bar: when it is drawn, and where."""

import os
import pty
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import IO

import pytest

from tests.cli.conftest import Person
from tests.cli.terminals import on_a_terminal
from tests.conftest import Clock
from tokenry.cli.progress import PATIENCE_SECONDS, tracked

END = b"\x05"
"""What no program here writes."""


@dataclass
class Terminal:
    """What a program writes to, and what is to be seen there."""

    keyboard: int
    stream: IO[str]

    @property
    def screen(self) -> str:
        """What has been written since the last time, all of it: the system brings it to the other end by and by."""
        print(end=END.decode(), file=self.stream, flush=True)
        seen = b""
        while not seen.endswith(END):
            seen += os.read(self.keyboard, 65536)
        return seen.removesuffix(END).decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    keyboard, screen = pty.openpty()
    with os.fdopen(screen, "w") as stream:
        yield Terminal(keyboard, stream)
    os.close(keyboard)


def slowly(clock: Clock, seconds: float) -> Iterator[int]:
    """Three things that take so long together."""
    for number in range(3):
        clock.seconds += seconds / 3
        yield number


def test_bar_is_drawn_for_what_takes_long(terminal: Terminal, clock: Clock) -> None:
    going = tracked(slowly(clock, PATIENCE_SECONDS * 2), "Counting", total=3, to=terminal.stream, now=clock)
    assert list(going) == [0, 1, 2]
    assert "Counting" in (screen := terminal.screen)
    assert "/3" in screen


def test_things_may_count_for_several(terminal: Terminal, clock: Clock) -> None:
    pieces = slowly(clock, PATIENCE_SECONDS * 3)
    assert len(list(tracked(pieces, "Counting", total=3000, size=lambda _: 1000, to=terminal.stream, now=clock))) == 3
    assert "2000/3000" in terminal.screen


def test_bar_is_not_drawn_for_what_is_quick(terminal: Terminal, clock: Clock) -> None:
    assert list(tracked(slowly(clock, PATIENCE_SECONDS / 2), "Counting", to=terminal.stream, now=clock)) == [0, 1, 2]
    assert terminal.screen == ""


def test_bar_is_not_drawn_where_it_would_get_into_the_output(terminal: Terminal, clock: Clock) -> None:
    assert list(tracked(slowly(clock, 9), "Counting", shown=False, to=terminal.stream, now=clock)) == [0, 1, 2]
    assert terminal.screen == ""


def test_bar_is_not_drawn_off_a_terminal(clock: Clock) -> None:
    elsewhere = StringIO()
    assert list(tracked(slowly(clock, 9), "Counting", to=elsewhere, now=clock)) == [0, 1, 2]
    assert elsewhere.getvalue() == ""


def test_bar_ends_with_what_it_is_about(terminal: Terminal, clock: Clock) -> None:
    going = tracked(slowly(clock, 9), "Counting", to=terminal.stream, now=clock)
    assert [next(going), next(going)] == [0, 1]
    going.close()
    assert "Counting" in terminal.screen
    terminal.stream.write("after\n")
    assert terminal.screen == "after\r\n"


def test_output_is_untouched_by_what_is_on_the_screen(person: Person, tmp_path: Path) -> None:
    """As somebody sees it who redirects a long revocation into a file, with one that fails in between."""
    ids = [str(person.make(label="many")["id"]) for _ in range(30)]
    file = tmp_path / "out"
    with file.open("w") as opened:
        seen = on_a_terminal(
            *("token", "revoke", "--yes", *ids, "987654321"),
            variables=person.variables,
            standard_output=opened.fileno(),
        )
    assert seen.status == 2
    assert file.read_text() == "".join(f"Token {token_id} is revoked.\n" for token_id in ids)
    assert "Token 987654321: Not found" in seen.screen
