"""Rows as files."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.web.rows import Row, write_csv, write_json_lines

signs = st.sampled_from([*"=+-@;,\"\n\r\t'"])
texts = st.text(signs | st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def read_back(raw: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode("utf-8"), newline=""), delimiter=delimiter))


def test_csv_has_the_columns_first_and_in_their_order() -> None:
    pieces = [[{"b": "x", "a": 1}], [{"a": 2, "b": "y"}]]
    assert list(write_csv(["a", "b"], pieces)) == [b"a,b\r\n1,x\r\n", b"2,y\r\n"]


def test_csv_of_nothing_has_its_columns() -> None:
    assert list(write_csv(["a", "b"], [])) == [b"a,b\r\n"]


def test_csv_writes_null_as_nothing_and_lists_with_spaces() -> None:
    rows: list[Row] = [{"a": None, "b": []}, {"a": ["10.0.0.0/8", "::/0"], "b": 'Straße, "quoted"\nand broken'}]
    assert b"".join(write_csv(["a", "b"], [rows])).decode() == (
        'a,b\r\n,\r\n10.0.0.0/8 ::/0,"Straße, ""quoted""\nand broken"\r\n'
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"])
def test_csv_cell_is_never_a_formula(text: str) -> None:
    assert read_back(b"".join(write_csv(["a"], [[{"a": text}]])))[1] == [f"'{text}"]


@pytest.mark.parametrize(
    ("text", "cell"),
    [("a;=1", "a;'=1"), ('a;"=1;b', "a;\"'=1;b"), ("a\n@b", "a\n'@b"), ("\r=1", "'\r'=1"), ("a; =1,-1", "a; =1,-1")],
)
def test_csv_has_no_formula_for_who_reads_it_with_semicolons(text: str, cell: str) -> None:
    assert read_back(b"".join(write_csv(["a"], [[{"a": text}]])))[1] == [cell]


@given(rows=st.lists(st.fixed_dictionaries({"a": texts, "b": texts | st.none() | st.integers(0)}), max_size=4))
def test_csv_says_what_the_rows_say(rows: list[dict[str, object]]) -> None:
    raw = b"".join(write_csv(["a", "b"], [rows[:2], rows[2:]]))
    said = ["" if row[column] is None else str(row[column]) for row in rows for column in ("a", "b")]
    cells = [cell for line in read_back(raw)[1:] for cell in line]
    assert [cell.replace("'", "") for cell in cells] == [text.replace("'", "") for text in said]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    others = [cell.lstrip("\t\r\n") for line in read_back(raw, ";") for cell in line]
    assert not [cell for cell in others if cell.startswith(("=", "+", "-", "@"))]


def test_json_lines_have_a_row_each() -> None:
    rows: list[Row] = [{"a": None, "b": "two\nlines"}, {"a": ["x"], "b": "=1"}]
    raw = b"".join(write_json_lines([rows[:1], rows[1:]]))
    assert [json.loads(line) for line in raw.decode("ascii").splitlines()] == rows
    assert raw.endswith(b"\n")
