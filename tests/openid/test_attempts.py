"""The sealed cookie of a sign-in under way."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import START
from tokenry.domain.secrets import Peppers
from tokenry.openid.attempts import LIFETIME, Attempt, seal, unseal

PEPPERS = Peppers((bytes(range(32)),))
ATTEMPT = Attempt("acme", datetime.fromtimestamp(START, UTC), "/oauth/authorize?client_id=a&scope=b", again=True)


def mac(message: bytes) -> bytes:
    return PEPPERS.mac(b"sign-in", message)


def test_attempt_comes_back_as_it_was() -> None:
    back = unseal(seal(ATTEMPT, mac), mac)
    assert back == ATTEMPT
    assert (back.state, back.nonce, back.verifier) == (ATTEMPT.state, ATTEMPT.nonce, ATTEMPT.verifier)
    assert back.expiry == ATTEMPT.begun + LIFETIME == ATTEMPT.begun + timedelta(minutes=10)


def test_cookie_that_was_changed_anywhere_is_none() -> None:
    text = seal(ATTEMPT, mac)
    for at in range(len(text) - 1):
        other = "A" if text[at] != "A" else "B"
        assert unseal(text[:at] + other + text[at + 1 :], mac) is None


@pytest.mark.parametrize("text", ["", "a", "é", "====", "A" * 43, urlsafe_b64encode(b"x" * 200).decode(), "\0"])
def test_any_other_text_is_none(text: str) -> None:
    assert unseal(text, mac) is None


def test_cookie_of_another_installation_or_for_another_purpose_is_none() -> None:
    other = Peppers((bytes(32),))
    assert unseal(seal(ATTEMPT, lambda message: other.mac(b"sign-in", message)), mac) is None
    assert unseal(seal(ATTEMPT, lambda message: PEPPERS.mac(b"else", message)), mac) is None


def test_two_attempts_have_nothing_in_common() -> None:
    one, two = (Attempt("acme", ATTEMPT.begun, "/") for _ in range(2))
    assert one.matches(one.state)
    assert not one.matches(two.state)
    assert not one.matches("")
    assert one.digest != two.digest


def test_secret_is_not_shown() -> None:
    assert ATTEMPT.secret not in repr(ATTEMPT)
