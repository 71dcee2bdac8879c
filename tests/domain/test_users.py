"""The rules for a new user's name and address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.domain.users import user_faults

EMAIL = "ada@example.org"


def fields(*, username: str = "ada", email: str = EMAIL) -> list[str | None]:
    return [fault.field for fault in user_faults(username=username, email=email)]


@pytest.mark.parametrize("username", ["a", "0", "Ada.Lovelace_2-x", "a" * 254, "A-", "a@b", "auth0|64f2", "a+b@c"])
def test_username_of_safe_characters_is_fine(username: str) -> None:
    assert fields(username=username) == []


@pytest.mark.parametrize(
    "username",
    ["", "a" * 255, ".ada", "-ada", "_ada", "a b", "a/b", "a\n", "ada\0", "é", "@a", "|a", "\u0661", "a:b", "a\r\nb"],
)
def test_username_that_is_unsafe_somewhere_is_refused(username: str) -> None:
    assert fields(username=username) == ["username"]


@pytest.mark.parametrize(
    "username",
    ["Acme_0123456789abcdef", "x__deadbeefdeadbeef", "ACME_0123456789ABCDEF", "acme_0123456789abcdeF"],
)
def test_username_like_a_proxy_users_is_refused(username: str) -> None:
    assert fields(username=username) == ["username"]


@pytest.mark.parametrize("username", ["Acme_0123456789abcde", "Acme_0123456789ABCDEG", "Acme-0123456789abcdef"])
def test_username_that_only_resembles_one_is_fine(username: str) -> None:
    assert fields(username=username) == []


@given(st.text(max_size=70))
def test_accepted_username_is_safe_in_headers_and_paths(username: str) -> None:
    if not fields(username=username):
        assert username.isascii()
        assert username.isprintable()
        assert not set(username) & set(" /\\:@%?#\"'")


@pytest.mark.parametrize("email", ["", EMAIL, "a@b", "ada+x@example.org", "é@example.org", "a" * 250 + "@b.c"])
def test_address_that_could_be_one_is_fine(email: str) -> None:
    assert fields(email=email) == []


@pytest.mark.parametrize(
    "email", ["ada", "@example.org", "ada@", "a@b@c", "a b@c", "ada@c\n", "a\0@c", "a@b\x1f", "a" * 251 + "@b.c"]
)
def test_address_that_is_none_is_refused(email: str) -> None:
    assert fields(email=email) == ["email"]


@pytest.mark.parametrize("sign", list(',;:()<>"[]\\'))
def test_address_with_a_sign_that_headers_give_a_meaning_is_refused(sign: str) -> None:
    assert fields(email=f"a{sign}b@example.org") == ["email"]


def test_address_with_an_encoded_word_is_refused() -> None:
    assert fields(email="=?utf-8?q?a=0d=0ab?=@x.y") == ["email"]


def test_both_faults_are_reported_at_once() -> None:
    assert fields(username="", email="ada") == ["username", "email"]
