"""Tables on terminals of any width: what may not be cut is whole."""

from io import StringIO

import pytest

from tokenry.cli.tables import Boxed, print_table

SECRET = "pat_" + "abcdefghij" * 5
ROW = {
    "created": "2026-11-29T10:00:00",
    "expiry": "never",
    "id": "12",
    "label": "side by side",
    "scopes": "linodes:read_only",
    "token": SECRET,
}
WIDTHS = ["1", "8", "12", "14", "22", "24", "31", "45", "64"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("box", ["SQUARE", "ASCII", "MARKDOWN"])
@pytest.mark.parametrize("column_width", [None, 1])
def test_secret_in_a_box_is_never_cut(
    monkeypatch: pytest.MonkeyPatch, box: str, width: str, column_width: int | None
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    drawn = StringIO()
    Boxed(box, fold=True, width=column_width).print(list(ROW), [list(ROW.values())], drawn, None)
    lines = [line.replace("│", "|").split("|") for line in drawn.getvalue().splitlines()]
    assert "".join(cells[-2].strip() for cells in lines if len(cells) > len(ROW)).endswith(SECRET)


@pytest.mark.parametrize(
    ("width", "left_out"),
    [("200", []), ("80", ["expiry"]), ("50", ["expiry", "created"]), ("10", ["expiry", "created"])],
)
def test_narrow_table_is_without_what_can_be_spared(
    monkeypatch: pytest.MonkeyPatch, width: str, left_out: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    drawn = StringIO()
    row = {**ROW, "label": "one"}
    assert list(print_table(list(row), [list(row.values())], drawn, spare=("expiry", "created"))) == left_out
    heads = drawn.getvalue().splitlines()[0].split()
    assert width == "10" or heads == [name for name in row if name not in left_out]


@pytest.mark.parametrize("width", WIDTHS)
def test_secret_in_a_row_is_never_cut(monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    drawn = StringIO()
    print_table((), list(ROW.items()), drawn, headers=False)
    assert "".join(line[len("created  ") :].strip() for line in drawn.getvalue().splitlines()).endswith(SECRET)
