"""What OAuth clients are given: access tokens that the verifier knows, and refresh tokens beside them."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.making import NOW, new_user
from tests.oauth_making import add_client, give
from tests.service.parts import PEPPERS, Bench, decide
from tokenry.domain.grants import NewGrant
from tokenry.domain.oauth import ACCESS_LIFETIME_SECONDS, GrantType, OAuthError, OAuthRefusal
from tokenry.domain.policy import Policy, UserKind
from tokenry.domain.scopes import Scopes
from tokenry.service.grants.issuing import allow_app, allowed_scopes, begin_grant, issue, keep_parties
from tokenry.storage.grants import find_refresh_token, use_refresh_token
from tokenry.storage.oauth_clients import find_client
from tokenry.storage.schema import audit_events, oauth_clients


def test_access_token_is_accepted_for_two_hours_and_no_longer(bench: Bench) -> None:
    issued = give(bench.transactions, PEPPERS, add_client(bench.database))
    assert issued.expires_in == ACCESS_LIFETIME_SECONDS
    decision = decide(bench.database, issued.access, after=ACCESS_LIFETIME_SECONDS - 1)
    assert decision.actor is not None
    assert (decision.actor.user_id, str(decision.actor.scopes)) == (1, "linodes:read_only")
    assert not decide(bench.database, issued.access, after=ACCESS_LIFETIME_SECONDS).accepted


def test_access_token_has_digits_and_lower_case_letters_alone(bench: Bench) -> None:
    """As the wire format's command line looks for one."""
    client = add_client(bench.database)
    for _ in range(20):
        assert re.fullmatch("[a-z0-9]{54}", give(bench.transactions, PEPPERS, client).access.reveal())


def test_access_token_that_is_bound_to_a_key_is_no_bearer_token(bench: Bench) -> None:
    issued = give(bench.transactions, PEPPERS, add_client(bench.database), jkt="k" * 43)
    assert not decide(bench.database, issued.access).accepted


def test_refresh_token_is_no_access_token_and_is_used_once(bench: Bench) -> None:
    issued = give(bench.transactions, PEPPERS, add_client(bench.database))
    assert issued.refresh is not None
    assert not decide(bench.database, issued.refresh).accepted
    with bench.database.write() as connection:
        found = find_refresh_token(connection, issued.refresh.preview)
        assert found is not None
        assert (found.grant_id, found.used) == (issued.grant.id, False)
        assert [use_refresh_token(connection, issued.refresh.preview, NOW) for _ in range(2)] == [True, False]


def test_second_consent_adds_to_the_app_that_is_there(bench: Bench) -> None:
    client = add_client(bench.database)
    grants = [
        give(bench.transactions, PEPPERS, client, scopes=scopes).grant
        for scopes in ("linodes:read_write", "domains:read_only", "linodes:read_only")
    ]
    assert len({grant.app_id for grant in grants}) == 1
    with bench.transactions.change(bench.origin) as change:
        app = allow_app(change, keep_parties(change, 1, client), client, Scopes.parse("linodes:read_only"))
    assert str(app.scopes) == "linodes:read_write domains:read_only"
    with bench.database.read() as connection:
        actions = connection.execute(select(audit_events.c.action).order_by(audit_events.c.id)).scalars().all()
    assert (actions.count("app.allow"), actions.count("grant.begin")) == (2, 3)


@pytest.mark.parametrize("column", ["disabled_at", "deleted_at"])
def test_client_that_has_ended_is_given_nothing(bench: Bench, column: str) -> None:
    client = add_client(bench.database)
    with bench.database.write() as connection:
        connection.execute(oauth_clients.update().values({column: 1}))
        found = find_client(connection, client.client_id)
    assert (found is None) == (column == "deleted_at")
    with pytest.raises(OAuthRefusal) as refusal:
        give(bench.transactions, PEPPERS, client)
    assert refusal.value.code is OAuthError.INVALID_CLIENT


def test_user_who_was_disabled_lets_nobody_in(bench: Bench) -> None:
    user_id = new_user(bench.database, "eve")
    bench.users.disable_user(bench.origin, "eve")
    with pytest.raises(OAuthRefusal) as refusal:
        give(bench.transactions, PEPPERS, add_client(bench.database), user_id=user_id)
    assert refusal.value.code is OAuthError.INVALID_GRANT


def test_nothing_of_a_grant_outlives_the_policy_or_the_grant(bench: Bench) -> None:
    client = add_client(bench.database)
    new = NewGrant(GrantType.AUTHORIZATION_CODE, Scopes.parse("linodes:read_only"))
    with bench.transactions.change(bench.origin) as change:
        app = allow_app(change, keep_parties(change, 1, client), client, new.scopes)
        grant = begin_grant(change, app, client, new, Policy(lifetime_max=timedelta(hours=1)))
        issued = issue(change, PEPPERS, grant, client.label, refreshes=True)
        assert issued.refresh is not None
        refresh = find_refresh_token(change.connection, issued.refresh.preview)
    assert refresh is not None
    assert (issued.expires_in, grant.expiry, refresh.expiry) == (3600, NOW + timedelta(hours=1), grant.expiry)


def test_client_gets_no_more_than_it_was_registered_for_and_the_policy_allows(bench: Bench) -> None:
    client = add_client(bench.database, scopes="linodes:read_write domains:read_only")
    with bench.transactions.change(bench.origin) as change:
        user = keep_parties(change, 1, client)
    policy = Policy(scopes={UserKind.ADMIN: Scopes.parse("linodes:read_only images:read_only")})
    assert str(allowed_scopes(policy, user, client)) == "linodes:read_only"
    assert str(allowed_scopes(Policy(), user, client)) == "linodes:read_write domains:read_only"
