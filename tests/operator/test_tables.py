"""Rows on a terminal and elsewhere."""

import sys
from datetime import UTC, datetime

import pytest

from tokenry.domain.tokens import NEVER
from tokenry.operator.tables import print_table

ROWS = [(1, "a", datetime(2030, 1, 1, tzinfo=UTC)), (22, None, NEVER), (3, "new\nline\x1b[2J", NEVER)]


def test_rows_are_separated_by_tabs_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id", "label", "expires"), ROWS)
    assert capsys.readouterr().out == (
        "id\tlabel\texpires\n1\ta\t2030-01-01T00:00:00Z\n22\t-\tnever\n3\tnew�line�[2J\tnever\n"
    )


def test_rows_are_aligned_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")  # which shows no bold letters
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_table(("id", "label", "expires"), ROWS[:2])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["id  label  expires", "1   a      2030-01-01T00:00:00Z", "22  -      never"]
