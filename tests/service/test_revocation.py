"""Revocation by a token's text, beneath the interface."""

import pytest

from tests.making import OPERATOR
from tests.service.parts import Bench
from tokenry.domain.errors import Unauthorized
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NewToken
from tokenry.service.revocation import Revocations

PEPPERS = Peppers((bytes(32),))


@pytest.fixture
def revocations(bench: Bench) -> Revocations:
    return Revocations(bench.transactions, PEPPERS)


def test_secret_revoked_since_it_was_verified_revokes_nothing(bench: Bench, revocations: Revocations) -> None:
    token, secret = bench.tokens.create_token(bench.origin, NewToken())
    bench.tokens.revoke_any_token(OPERATOR, 1)
    for text in (secret.reveal(), "junk"):  # whether there is something to revoke makes no difference
        with pytest.raises(Unauthorized):
            revocations.revoke_presented(bench.origin, text)
    assert len(bench.events(f"token:{token.id}")) == 1


def test_digest_of_an_older_pepper_is_still_compared(bench: Bench) -> None:
    _, secret = bench.tokens.create_token(bench.origin, NewToken())
    newer = Revocations(bench.transactions, Peppers((bytes(32), b"\1" * 32)))
    assert newer.revoke_presented(bench.origin, secret.reveal()) is True
    assert newer.revoke_presented(bench.origin, secret.reveal()) is False


def test_event_says_who_and_holds_no_secret(bench: Bench, revocations: Revocations) -> None:
    token, secret = bench.tokens.create_token(bench.origin, NewToken())
    revocations.revoke_presented(bench.origin, secret.reveal())
    assert bench.events(f"token:{token.id}")[1:] == [("token.revoke", {})]
