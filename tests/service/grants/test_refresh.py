"""Refresh tokens: each is used once, by the client of its grant, and one that is used again ends it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.making import NOW, new_user
from tests.oauth_making import add_client, give
from tests.service.parts import Bench, at_once
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.grants import PresentedRefresh
from tokenry.domain.oauth import (
    GRANT_LIFETIME_SECONDS,
    REFRESH_LIFETIME_SECONDS,
    GrantType,
    OAuthError,
    OAuthRefusal,
)
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Peppers, Secret
from tokenry.service.grants.issuing import Issued
from tokenry.service.grants.refresh import REUSED, RefreshTokens
from tokenry.service.transactions import Transactions
from tokenry.storage.database import Database
from tokenry.storage.grants import find_grant, find_refresh_token
from tokenry.storage.schema import apps, credentials

PEPPERS = Peppers((bytes(32),))
ORIGIN = Origin("client:example")


def refresh(
    bench: Bench,
    client: Client,
    token: Secret | None,
    *,
    scopes: str | None = None,
    audience: tuple[str, ...] | None = None,
    jkt: str | None = None,
    after: timedelta = timedelta(),
) -> Issued:
    assert token is not None
    do = RefreshTokens(Transactions(bench.database, lambda: NOW + after), PEPPERS)
    asked = None if scopes is None else Scopes.parse(scopes)
    return do.refresh(ORIGIN, client, PresentedRefresh(token.reveal(), asked, audience, jkt))


def refused(bench: Bench, client: Client, token: Secret | None, **asked: object) -> OAuthError:
    with pytest.raises(OAuthRefusal) as refusal:
        refresh(bench, client, token, **asked)  # type: ignore[arg-type]
    return refusal.value.code


def open_secrets(database: Database) -> int:
    """How many secrets open something beside the first token."""
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(credentials)).scalar_one() - 1


def test_refresh_token_brings_the_next_and_leaves_the_access_token_before(bench: Bench) -> None:
    client = add_client(bench.database)
    first = give(bench.transactions, PEPPERS, client, scopes="linodes:read_only domains:read_only")
    second = refresh(bench, client, first.refresh)
    assert second.grant == first.grant
    assert second.scopes == first.scopes
    assert open_secrets(bench.database) == 2
    assert refresh(bench, client, second.refresh).grant == first.grant
    refreshed = {"app_id": first.grant.app_id, "grant_id": first.grant.id, "scopes": str(first.scopes)}
    assert bench.events("user:1").count(("grant.refresh", refreshed)) == 2


def test_used_refresh_token_ends_its_grant(bench: Bench) -> None:
    client = add_client(bench.database)
    first, other = (give(bench.transactions, PEPPERS, client) for _ in range(2))
    second = refresh(bench, client, first.refresh)
    assert refused(bench, client, first.refresh) is OAuthError.INVALID_GRANT
    assert refused(bench, client, second.refresh) is OAuthError.INVALID_GRANT
    ended = {"app_id": first.grant.app_id, "grant_id": first.grant.id, "reason": REUSED}
    assert bench.events("user:1").count(("grant.end", ended)) == 1
    assert open_secrets(bench.database) == 1, "the other grant's"
    refresh(bench, client, other.refresh)


def test_refresh_token_that_is_presented_at_once_is_a_replay(bench: Bench) -> None:
    client = add_client(bench.database)
    first = give(bench.transactions, PEPPERS, client)
    assert first.refresh is not None
    presented = PresentedRefresh(first.refresh.reveal())

    def act(database: Database) -> Issued:
        return RefreshTokens(Transactions(database, lambda: NOW), PEPPERS).refresh(ORIGIN, client, presented)

    told = at_once(bench.database, *[act] * 4)
    assert sum(isinstance(each, Issued) for each in told) == 1
    assert open_secrets(bench.database) == 0


def test_other_client_learns_nothing_and_spoils_nothing(bench: Bench) -> None:
    client, thief = add_client(bench.database), add_client(bench.database)
    first = give(bench.transactions, PEPPERS, client)
    assert refused(bench, thief, first.refresh) is OAuthError.INVALID_GRANT
    refresh(bench, client, first.refresh)
    assert refused(bench, thief, first.refresh) is OAuthError.INVALID_GRANT
    assert open_secrets(bench.database) == 2


def test_what_is_no_refresh_token_is_refused(bench: Bench) -> None:
    client = add_client(bench.database)
    first = give(bench.transactions, PEPPERS, client)
    assert first.refresh is not None
    forged = Secret(first.refresh.preview + Secret.generate(kind=first.refresh.kind).reveal()[16:])
    for secret in (first.access, Secret(first.refresh.reveal()[:-1]), Secret(first.refresh.preview), forged):
        assert refused(bench, client, secret) is OAuthError.INVALID_GRANT
    refresh(bench, client, first.refresh)


def test_fewer_scopes_may_be_asked_for_and_no_more(bench: Bench) -> None:
    client = add_client(bench.database)
    first = give(bench.transactions, PEPPERS, client, scopes="linodes:read_write domains:read_only")
    for wider in ("domains:read_write", "*", "images:read_only", "linodes:read_only images:read_only"):
        assert refused(bench, client, first.refresh, scopes=wider) is OAuthError.INVALID_SCOPE
    narrow = refresh(bench, client, first.refresh, scopes="linodes:read_only")
    assert str(narrow.scopes) == "linodes:read_only"
    assert str(refresh(bench, client, narrow.refresh).scopes) == "linodes:read_write domains:read_only"


def test_part_of_the_audience_may_be_asked_for_and_nobody_else(bench: Bench) -> None:
    client = add_client(bench.database)
    first = give(bench.transactions, PEPPERS, client, audience=("https://a.example", "https://b.example"))
    assert refused(bench, client, first.refresh, audience=("https://c.example",)) is OAuthError.INVALID_TARGET
    issued = refresh(bench, client, first.refresh, audience=("https://b.example",))
    with bench.database.read() as connection:
        stored = connection.execute(
            select(credentials.c.audience).where(credentials.c.preview == issued.access.preview)
        ).scalar_one()
    assert stored == "https://b.example"


def test_refresh_token_for_this_service_is_not_for_others(bench: Bench) -> None:
    client = add_client(bench.database)
    first = give(bench.transactions, PEPPERS, client)
    assert refused(bench, client, first.refresh, audience=("https://c.example",)) is OAuthError.INVALID_TARGET
    refresh(bench, client, first.refresh, audience=())


def test_refresh_token_for_others_is_not_for_this_service(bench: Bench) -> None:
    client = add_client(bench.database)
    first = give(bench.transactions, PEPPERS, client, audience=("https://a.example",))
    assert refused(bench, client, first.refresh, audience=()) is OAuthError.INVALID_TARGET


def test_grant_that_is_bound_to_a_key_asks_for_its_proof(bench: Bench) -> None:
    client = add_client(bench.database)
    first = give(bench.transactions, PEPPERS, client, jkt="k" * 43)
    for jkt in (None, "x" * 43):
        assert refused(bench, client, first.refresh, jkt=jkt) is OAuthError.INVALID_GRANT
    refresh(bench, client, first.refresh, jkt="k" * 43)


def test_refresh_token_lives_on_by_being_used_within_the_life_of_the_grant(bench: Bench) -> None:
    client = add_client(bench.database)
    lifetime, whole = timedelta(seconds=REFRESH_LIFETIME_SECONDS), timedelta(seconds=GRANT_LIFETIME_SECONDS)
    token, after = give(bench.transactions, PEPPERS, client).refresh, timedelta()
    assert refused(bench, client, token, after=lifetime) is OAuthError.INVALID_GRANT
    while after + lifetime < whole:
        after += lifetime - timedelta(seconds=1)
        token = refresh(bench, client, token, after=after).refresh
    assert token is not None
    with bench.database.read() as connection:
        found = find_refresh_token(connection, token.preview)
    assert found is not None
    assert found.expiry == NOW + whole
    assert refused(bench, client, token, after=whole) is OAuthError.INVALID_GRANT


def test_client_that_is_not_registered_for_it_refreshes_nothing(bench: Bench) -> None:
    client = add_client(bench.database, grant_types=str(GrantType.AUTHORIZATION_CODE))
    first = give(bench.transactions, PEPPERS, client)
    assert refused(bench, client, first.refresh) is OAuthError.UNAUTHORIZED_CLIENT


def test_what_has_ended_is_not_refreshed(bench: Bench) -> None:
    user_id = new_user(bench.database, "eve")
    client = add_client(bench.database)
    first = give(bench.transactions, PEPPERS, client)
    eves = give(bench.transactions, PEPPERS, client, user_id=user_id)
    bench.users.disable_user(bench.origin, "eve")
    assert refused(bench, client, eves.refresh) is OAuthError.INVALID_GRANT
    with bench.database.write() as connection:
        connection.execute(apps.update().values(ended_at=1))
    assert refused(bench, client, first.refresh) is OAuthError.INVALID_GRANT
    with bench.database.read() as connection:
        assert find_grant(connection, first.grant.id) is not None
