"""Rotation beneath the interface: its audit, who may, and that two at once leave no third secret."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select, update

from tests.making import NOW, OPERATOR
from tests.service.parts import Bench
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Forbidden, Invalid, NotFound, Unauthorized
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.rotation import NewRotation
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Peppers, Secret
from tokenry.domain.tokens import NewToken, Token
from tokenry.service.rotation import Rotations
from tokenry.service.transactions import Transactions
from tokenry.storage.database import Database
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.schema import credentials, users

PEPPERS = Peppers((bytes(32),))
AT_ONCE = NewRotation(grace_seconds=0, on_first_use=False)


@pytest.fixture
def rotations(bench: Bench) -> Rotations:
    return Rotations(bench.transactions, PEPPERS)


@pytest.fixture
def token(bench: Bench) -> Token:
    token, _ = bench.tokens.create_token(bench.origin, NewToken(label="ci"))
    return token


def previews(database: Database, token: Token) -> set[str]:
    """What opens a token."""
    with database.read() as connection:
        return {*connection.execute(select(credentials.c.preview).where(credentials.c.token_id == token.id)).scalars()}


def test_rotation_is_recorded_with_its_grace_and_without_the_secret(
    bench: Bench, rotations: Rotations, token: Token
) -> None:
    _, secret = rotations.rotate_token(bench.origin, token.id, NewRotation(grace_seconds=60))
    rotations.rotate_token(bench.origin, token.id, AT_ONCE)
    events = bench.events(f"token:{token.id}")[1:]
    assert events == [
        ("token.rotate", {"activate": "first_use", "grace": 60}),
        ("token.rotate", {"activate": "now", "grace": 0}),
    ]
    assert secret.reveal()[16:48] not in str(events)


def test_refused_rotation_leaves_no_event_and_every_secret(bench: Bench, rotations: Rotations, token: Token) -> None:
    narrow = bench.actor._replace(scopes=Scopes.parse("account:read_write"))
    with pytest.raises(Invalid):
        rotations.rotate_token(Origin.of(narrow), token.id, NewRotation())
    assert (len(bench.events(f"token:{token.id}")), previews(bench.database, token)) == (1, {token.preview})


def test_secret_closed_since_it_was_verified_rotates_nothing(bench: Bench, rotations: Rotations, token: Token) -> None:
    bench.tokens.revoke_any_token(OPERATOR, 1)
    with pytest.raises(Unauthorized):
        rotations.rotate_token(bench.origin, token.id, NewRotation())
    assert previews(bench.database, token) == {token.preview}


def test_secret_rotated_away_since_it_was_verified_makes_nothing(
    bench: Bench, rotations: Rotations, token: Token
) -> None:
    """Its token lives on, but what acts is the secret."""
    actor = bench.actor._replace(token_id=token.id, preview=token.preview)
    rotations.rotate_token(bench.origin, token.id, AT_ONCE)
    with pytest.raises(Unauthorized):
        bench.tokens.create_token(Origin.of(actor), NewToken())
    with pytest.raises(Unauthorized):
        rotations.rotate_token(Origin.of(actor), token.id, NewRotation())


def test_proxy_user_does_not_rotate(bench: Bench, rotations: Rotations, token: Token) -> None:
    with bench.database.write() as connection:
        connection.execute(update(users).values(proxy=True))
    for token_id in (token.id, 999):  # whether it is there makes no difference
        with pytest.raises(Forbidden):
            rotations.rotate_token(bench.origin, token_id, NewRotation())
    assert previews(bench.database, token) == {token.preview}


def test_proxy_user_does_not_get_a_rotation_again(bench: Bench, rotations: Rotations, token: Token) -> None:
    request = KeyedRequest("k", bytes(32))
    rotations.rotate_token(bench.origin, token.id, NewRotation(), request)
    before = previews(bench.database, token)
    with bench.database.write() as connection:
        connection.execute(update(users).values(proxy=True))
    with pytest.raises(Forbidden):
        rotations.rotate_token(bench.origin, token.id, NewRotation(), request)
    assert previews(bench.database, token) == before


def test_repeated_rotation_is_recorded_as_such(bench: Bench, rotations: Rotations, token: Token) -> None:
    for _ in range(2):
        rotations.rotate_token(bench.origin, token.id, NewRotation(), KeyedRequest("k", bytes(32)))
    assert bench.events(f"token:{token.id}")[2:] == [("token.reissue", {})]


def test_token_of_somebody_else_is_not_found(bench: Bench, rotations: Rotations) -> None:
    bench.users.create_user(OPERATOR, username="ada")
    token, _ = bench.tokens.create_token_for(OPERATOR, "ada", NewToken(scopes="linodes:read_only"))
    with pytest.raises(NotFound):
        rotations.rotate_token(bench.origin, token.id, NewRotation())


@pytest.mark.parametrize("new", [NewRotation(), NewRotation(on_first_use=False), AT_ONCE])
@pytest.mark.parametrize("by_itself", [False, True])
def test_of_those_that_rotate_at_once_each_waits_for_the_other(
    bench: Bench, token: Token, new: NewRotation, *, by_itself: bool
) -> None:
    """Or finds, after it waited, that its secret is gone. None leaves a third secret, or none that opens."""
    actor = bench.actor._replace(token_id=token.id, preview=token.preview) if by_itself else bench.actor
    elsewhere = Database(bench.database.url, timeout=TIMEOUT_SECONDS)  # as another process has it
    together = Barrier(4)

    def rotate(database: Database) -> Secret | None:
        together.wait(timeout=10)
        try:
            rotations = Rotations(Transactions(database, lambda: NOW), PEPPERS)
            return rotations.rotate_token(Origin.of(actor), token.id, new)[1]
        except Unauthorized:
            return None

    with ThreadPoolExecutor(4) as pool:
        secrets = [*pool.map(rotate, [bench.database, elsewhere] * 2)]
    elsewhere.close()
    answered = {secret.preview for secret in secrets if secret is not None}
    left = previews(bench.database, token)
    newest = bench.tokens.get_token(bench.actor.user_id, token.id).preview
    assert newest in left & answered
    assert left <= answered | {token.preview}
    assert len(left) == (1 if new == AT_ONCE else 2)
    assert len(answered) == (1 if new == AT_ONCE and by_itself else 4)
