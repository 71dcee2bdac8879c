"""Recovery codes: how they are typed, what is at rest of them, and that they do not print themselves."""

import pickle

import pytest

from tokenry.domain.recovery_codes import RecoveryCode
from tokenry.domain.secrets import Peppers

PEPPERS = Peppers((bytes(32),))


def digests(typed: str, user_id: int = 1) -> list[bytes]:
    code = RecoveryCode.parse(typed)
    assert code is not None
    return list(code.digests(PEPPERS, user_id))


def test_code_is_recognised_as_it_was_shown_and_however_it_is_typed() -> None:
    shown = RecoveryCode(f"0{'1' * 7}abcd").reveal()
    assert shown == "0111-1111-abcd"
    for typed in (shown, shown.upper(), shown.replace("-", ""), f" {shown} ", "0111 1111 abcd", "OILl1111ABCD"):
        assert digests(typed) == digests(shown)


@pytest.mark.parametrize("typed", ["", "0111-1111-abc", "0111-1111-abcde", "0111-1111-abcu", "123456", "ä" * 12, "\0"])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert RecoveryCode.parse(typed) is None


def test_codes_are_of_chance_and_each_is_of_one_user_and_these_peppers() -> None:
    first, second = (RecoveryCode.generate() for _ in range(2))
    assert first.reveal() != second.reveal()
    assert first.digests(PEPPERS, 1) != first.digests(PEPPERS, 2)
    assert first.digests(PEPPERS, 1) != first.digests(Peppers((bytes([1]) * 32,)), 1)


def test_newer_pepper_still_finds_what_an_older_one_stored() -> None:
    code, later = RecoveryCode.generate(), Peppers((bytes(32), bytes([1]) * 32))
    assert code.digests(PEPPERS, 1)[0] == code.digests(later, 1)[0]
    assert len(set(code.digests(later, 1))) == 2


def test_code_neither_prints_nor_pickles_itself() -> None:
    code = RecoveryCode("abcdefghjkmn")
    assert "abcd" not in f"{code!r} {code} {[code]}"
    with pytest.raises(TypeError):
        pickle.dumps(code)
