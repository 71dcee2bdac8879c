"""Clients that act for themselves, as their own users."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from tests.making import new_user
from tests.oauth_making import add_client
from tests.service.parts import Bench
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Authentication, Client
from tokenry.domain.oauth import ACCESS_LIFETIME_SECONDS, GrantType, OAuthError, OAuthRefusal
from tokenry.domain.policy import UserKind
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Peppers
from tokenry.service.grants.client_credentials import ClientCredentials
from tokenry.service.grants.issuing import Issued
from tokenry.service.policy import Policies
from tokenry.storage.schema import oauth_grants, tokens

PEPPERS = Peppers((bytes(32),))
ORIGIN = Origin("client:robot")


def robot(bench: Bench, **columns: object) -> Client:
    """A client that may act for itself, unless `columns` say otherwise."""
    row: dict[str, Any] = {
        "public": False,
        "authentication": Authentication.BASIC,
        "grant_types": str(GrantType.CLIENT_CREDENTIALS),
        "scopes": "linodes:read_write domains:read_only",
        "service_user_id": new_user(bench.database, "robot"),
    }
    return add_client(bench.database, **(row | columns))


def issue(bench: Bench, client: Client, scopes: str | None = None) -> Issued:
    asked = None if scopes is None else Scopes.parse(scopes)
    return ClientCredentials(bench.transactions, PEPPERS).issue(ORIGIN, client, asked)


def refused(bench: Bench, client: Client, scopes: str | None = None) -> OAuthError:
    with pytest.raises(OAuthRefusal) as refusal:
        issue(bench, client, scopes)
    return refusal.value.code


def test_client_gets_what_it_is_registered_for_as_its_own_user_and_nothing_to_refresh(bench: Bench) -> None:
    client = robot(bench)
    issued = issue(bench, client)
    assert (str(issued.scopes), issued.refresh, issued.expires_in) == (
        "linodes:read_write domains:read_only",
        None,
        ACCESS_LIFETIME_SECONDS,
    )
    assert issued.grant.user_id == client.service_user_id


def test_grant_ends_with_its_one_token(bench: Bench) -> None:
    issue(bench, robot(bench))
    with bench.database.read() as connection:
        ends = connection.execute(select(oauth_grants.c.expires_at, tokens.c.expires_at).join(tokens)).one()
    assert ends[0] == ends[1]


def test_fewer_scopes_may_be_asked_for_and_no_more(bench: Bench) -> None:
    client = robot(bench)
    assert str(issue(bench, client, "linodes:read_only").scopes) == "linodes:read_only"
    for wider in ("*", "domains:read_write", "linodes:read_only images:read_only"):
        assert refused(bench, client, wider) is OAuthError.INVALID_SCOPE


def test_policy_narrows_what_a_client_gets(bench: Bench) -> None:
    limits = {UserKind.USER: Scopes.parse("domains:read_write")}
    Policies(bench.transactions).set_policy(bench.origin, lambda policy: replace(policy, scopes=limits))
    assert str(issue(bench, robot(bench)).scopes) == "domains:read_only"


@pytest.mark.parametrize(
    "columns",
    [
        {"public": True, "authentication": Authentication.NONE},
        {"service_user_id": None},
        {"grant_types": str(GrantType.AUTHORIZATION_CODE)},
    ],
    ids=["public", "without a user", "registered for something else"],
)
def test_client_that_cannot_act_for_itself_gets_nothing(bench: Bench, columns: dict[str, object]) -> None:
    assert refused(bench, robot(bench, **columns)) is OAuthError.UNAUTHORIZED_CLIENT


def test_client_whose_user_was_disabled_gets_nothing(bench: Bench) -> None:
    client = robot(bench)
    bench.users.disable_user(bench.origin, "robot")
    assert refused(bench, client) is OAuthError.INVALID_GRANT
