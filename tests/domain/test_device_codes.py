"""Codes that people type."""

import pytest

from tokenry.domain.device_codes import LETTERS, generate_user_code, read_user_code, write_user_code


def test_code_has_eight_letters_none_of_which_is_a_vowel() -> None:
    codes = {generate_user_code() for _ in range(100)}
    assert len(codes) == 100
    assert set("".join(codes)) == set(LETTERS)
    assert not set(LETTERS) & set("AEIOUY")
    assert {len(code) for code in codes} == {8}


@pytest.mark.parametrize("typed", ["WDJBMJHT", "WDJB-MJHT", "wdjb-mjht", " wdjb mjht ", "w-d-j-b-m-j-h-t"])
def test_code_is_read_in_any_case_and_with_dashes_and_spaces(typed: str) -> None:
    assert read_user_code(typed) == "WDJBMJHT"
    assert write_user_code("WDJBMJHT") == "WDJB-MJHT"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "WDJBMJH",
        "WDJBMJHTX",
        "ADJBMJHT",
        "WDJB_MJHT",
        "\N{FULLWIDTH LATIN SMALL LETTER W}DJBMJHT",
        "WDJBMJHT" + "-" * 99,
    ],
)
def test_anything_else_is_no_code(typed: str) -> None:
    assert read_user_code(typed) is None
