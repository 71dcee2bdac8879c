"""An administrator's client with service accounts, against the real service, in threads and in an event loop."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import TOKEN, http, saying
from tests.servers import Server
from tokenry.client import BadRequest, Client, NotFound, ServiceAccount, UnreadableAnswer, where

ROW = {"username": "shop", "ceiling": "a:read_only", "disabled": False, "created": "2026-01-01T00:00:00"}


def test_service_account_is_made_given_a_token_changed_and_deleted(
    client: Client, new_client: NewClient, server: Server
) -> None:
    name = f"shop-{type(client).__name__}-{id(client)}"
    made = client.service_accounts.create(name, ceiling=["linodes:read_only", "domains:read_only"])
    assert made == client.service_accounts.get(name)
    assert made.ceiling == ("linodes:read_only", "domains:read_only")
    token = client.service_accounts.create_token(
        name, scopes=["tokenry_users:read_only"], label="first", expires_in=timedelta(days=30)
    )
    assert (token.label, token.scopes) == ("first", ("tokenry_users:read_only",))
    assert token.secret is not None
    scopes = "tokenry_users:read_only"
    later = client.service_accounts.create_token(name, scopes=scopes, not_before=datetime.now(UTC) + timedelta(hours=1))
    assert later.secret is not None
    assert not client.verify(later.secret).active
    robot = client.service_accounts.create_token(name, scopes=scopes, rotates_itself_only=True, requests_per_minute=60)
    assert new_client(server.url, robot.secret).tokens.details(robot.id).requests_per_minute == 60
    backend = new_client(server.url, token.secret)
    assert backend.users.page(filter=where.external_id == name).rows == ()
    assert client.service_accounts.update(name, disabled=True).disabled
    assert not client.verify(token.secret).active
    assert client.service_accounts.update(name, ceiling="*", disabled=False).ceiling == ("*",)
    assert [each.username for each in client.service_accounts.list(where.username == name)] == [name]
    client.service_accounts.delete(name)
    with pytest.raises(NotFound):
        client.service_accounts.get(name)


def test_refusal_names_the_field(client: Client) -> None:
    with pytest.raises(BadRequest) as caught:
        client.service_accounts.create("shop", ceiling="tokenry_users:read_only")
    assert caught.value.field == "ceiling"


@pytest.mark.parametrize("name", ["", ".", "..", "a\n"])
def test_what_would_be_another_address_is_not_sent(client: Client, name: str) -> None:
    with pytest.raises(ValueError, match="username"):
        client.service_accounts.get(name)


@pytest.mark.parametrize("key", ROW)
def test_answer_without_a_key_is_unreadable(new_client: NewClient, key: str) -> None:
    with saying(http(200, {**ROW, key: None})) as hostile, pytest.raises(UnreadableAnswer, match=f"`{key}` should be"):
        new_client(hostile.url, TOKEN).service_accounts.get("shop")


def test_service_account_is_data() -> None:
    assert ServiceAccount.__slots__ == tuple(ROW)
