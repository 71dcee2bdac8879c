"""Texts of strangers on a terminal: what it would obey is replaced, all else stays."""

import sys
import unicodedata

import pytest

from tests.conftest import App
from tokenry.cli.running import complain
from tokenry.client.secrets import masked
from tokenry.operator.tables import print_table
from tokenry.printable import REPLACEMENT, first_line, printable, printable_lines

OBEYED = [
    "\x1b",
    "\x07",
    "\x00",
    "\x7f",
    "\x9b",
    "\x85",
    "\u202e",
    "\u2066",
    "\u2069",
    "\u200e",
    "\u200f",
    "\u2028",
    "\ufeff",
]


@pytest.mark.parametrize("character", [*OBEYED, "\n", "\t", "\r"])
def test_what_a_terminal_obeys_is_replaced(character: str) -> None:
    assert printable(f"a{character}b") == f"a{REPLACEMENT}b"


@pytest.mark.parametrize("character", [*OBEYED, "\r"])
def test_what_a_terminal_obeys_is_replaced_in_lines_too(character: str) -> None:
    assert printable_lines(f"a\n\t{character}b") == f"a\n\t{REPLACEMENT}b"


def test_no_control_or_format_of_unicode_is_left() -> None:
    left = printable("".join(map(chr, range(sys.maxunicode + 1))))
    assert len(left) == sys.maxunicode + 1
    assert {unicodedata.category(character) for character in left} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()


@pytest.mark.parametrize("text", ["", "Grüße, 世界", "שלום", "a b", "🔑"])
def test_words_of_every_language_stay(text: str) -> None:
    assert printable(text) == printable_lines(text) == text


def test_messages_and_tables_of_commands_are_printable(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "".join(OBEYED)
    complain(f"what {hostile} is this")
    print_table(("label",), [(hostile,)])
    said = capsys.readouterr()
    assert printable_lines(said.err) == said.err
    assert printable_lines(said.out) == said.out
    assert masked(hostile) == printable(masked(hostile))


def test_hostile_path_is_answered_without_being_repeated(app: App) -> None:
    answer = app.client.get("/v4/%1b[2J%C2%9B%E2%80%AE", headers=app.bearer)
    assert (answer.status_code, answer.json()) == (404, {"errors": [{"reason": "Not found"}]})


@pytest.mark.parametrize(
    ("text", "line"), [("busy", "busy"), ("\n busy\r\nDETAIL: x", "busy"), ("", "OSError"), (" \n", "OSError")]
)
def test_error_is_told_in_one_line(text: str, line: str) -> None:
    assert first_line(OSError(text)) == line
