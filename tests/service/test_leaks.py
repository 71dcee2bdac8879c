"""Leak reports beneath the interface: the audit, and what a report costs."""

import pytest
from sqlalchemy import event

from tests.service.parts import Bench
from tokenry.domain.rotation import NewRotation
from tokenry.domain.secrets import Peppers, Secret, checksum
from tokenry.domain.tokens import NewToken
from tokenry.service.leaks import Leaks
from tokenry.service.rotation import Rotations
from tokenry.storage import audit

PEPPERS = Peppers((bytes(32),))


@pytest.fixture
def leaks(bench: Bench) -> Leaks:
    return Leaks(bench.transactions, PEPPERS)


def test_revocation_is_recorded_once_with_the_reporters_address(bench: Bench, leaks: Leaks) -> None:
    token, secret = bench.tokens.create_token(bench.origin, NewToken())
    assert leaks.revoke_reported([secret.reveal()] * 2, "198.51.100.7") == 1
    assert leaks.revoke_reported([secret.reveal()], "198.51.100.7") == 0
    assert bench.events(f"token:{token.id}")[1:] == [("token.revoke", {"reported": token.preview, "reason": "leaked"})]
    with bench.database.read() as connection:
        recorded = audit.list_events(connection, limit=1)[0]
    assert (recorded.actor, recorded.actor_user_id, recorded.address) == ("leak report", None, "198.51.100.7")
    assert secret.reveal()[16:48] not in str(recorded)


def test_many_tokens_are_revoked_together(bench: Bench, leaks: Leaks) -> None:
    texts = [bench.tokens.create_token(bench.origin, NewToken())[1].reveal() for _ in range(3)]
    assert leaks.revoke_reported(["junk", *texts], None) == 3


def test_digest_of_an_older_pepper_is_still_compared(bench: Bench) -> None:
    _, secret = bench.tokens.create_token(bench.origin, NewToken())
    newer = Peppers((bytes(32), b"\1" * 32))
    assert Leaks(bench.transactions, newer).revoke_reported([secret.reveal()], None) == 1


BEGINNINGS = ("BEGIN", "SELECT set_config(")
"""What a transaction of each engine begins with."""


def test_what_opens_nothing_costs_one_look_up_and_as_many_digests_and_writes_nothing(
    bench: Bench, leaks: Leaks, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = bench.tokens.create_token(bench.origin, NewToken())
    begun = secret.preview + "0" * 32
    same_preview = begun + checksum(begun)
    statements: list[str] = []
    event.listen(bench.database.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    compared: list[bool] = []
    opens = Peppers.opens

    def count(peppers: Peppers, presented: Secret, digest: bytes, generation: int) -> bool:
        compared.append(opens(peppers, presented, digest, generation))
        return compared[-1]

    monkeypatch.setattr(Peppers, "opens", count)
    for text in (same_preview, Secret.generate().reveal()):
        statements.clear()
        compared.clear()
        assert leaks.revoke_reported([text, "junk", f"{text[:-1]}!"], None) == 0
        asked = [statement.split()[0] for statement in statements if not statement.startswith(BEGINNINGS)]
        assert (asked, compared) == (["SELECT"], [False])


def test_secret_rotated_away_while_it_is_reported_leaves_its_token_alone(
    bench: Bench, leaks: Leaks, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, secret = bench.tokens.create_token(bench.origin, NewToken())
    rotations = Rotations(bench.transactions, PEPPERS)
    at_once = NewRotation(grace_seconds=0, on_first_use=False)
    opens = Peppers.opens
    found: list[bool] = []

    def open_then_rotate(peppers: Peppers, presented: Secret, digest: bytes, generation: int) -> bool:
        found.append(opens(peppers, presented, digest, generation))
        if len(found) == 1:
            rotations.rotate_token(bench.origin, token.id, at_once)
        return found[-1]

    monkeypatch.setattr(Peppers, "opens", open_then_rotate)
    assert leaks.revoke_reported([secret.reveal()], None) == 0
    assert found == [True, False]
    assert bench.tokens.get_token(bench.actor.user_id, token.id).id == token.id
