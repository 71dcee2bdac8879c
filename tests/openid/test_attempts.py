"""A sign-in under way."""

from datetime import UTC, datetime

from tests.conftest import START
from tokenry.domain.seals import TICKET_LENGTH_MAX, Tickets
from tokenry.domain.secrets import Peppers
from tokenry.openid.attempts import LIFETIME, TARGET_LENGTH_MAX, Attempt

NOW = datetime.fromtimestamp(START, UTC)
COOKIE_BYTES_MAX = 4096
"""Of the name, the value and the attributes, in browsers (RFC 6265 section 6.1)."""


def test_attempt_comes_back_as_it_was() -> None:
    attempt = Attempt(NOW, "/oauth/authorize?client_id=a&scope=b", again=True)
    back = Attempt.of(attempt.values)
    assert back == attempt
    assert (back.state, back.nonce, back.verifier) == (attempt.state, attempt.nonce, attempt.verifier)


def test_two_attempts_have_nothing_in_common() -> None:
    one, two = Attempt(NOW, "/"), Attempt(NOW, "/")
    assert one.matches(one.state)
    assert not one.matches(two.state)
    assert not one.matches("")
    assert {one.state, one.nonce, one.verifier} & {two.state, two.nonce, two.verifier} == set()


def test_secret_is_not_shown() -> None:
    attempt = Attempt(NOW, "/")
    assert attempt.secret not in repr(attempt)


def test_longest_attempt_fits_into_a_cookie() -> None:
    tickets = Tickets(Peppers((bytes(32),)), "provider", LIFETIME)
    longest = Attempt(NOW, "/" * TARGET_LENGTH_MAX)
    assert len(tickets.issue(longest.values, bound_to="acme", now=NOW)) < min(TICKET_LENGTH_MAX, COOKIE_BYTES_MAX - 150)
