"""What only this service knows of a token, against the real one, in threads and in an event loop."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import httpx2
import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import ROW, TOKEN, http, saying
from tests.servers import Server, tokenry
from tokenry.client import BadRequest, Client, Forbidden, NotFound, UnreadableAnswer, where

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_new_token_has_never_been_used(client: Client) -> None:
    token = client.tokens.create(label="new")
    details = token.details()
    assert (details.id, details.label, details.preview, details.secret) == (token.id, "new", token.preview, None)
    assert (details.state, details.description, details.networks, details.created_by) == ("active", "", (), "admin")
    assert (details.last_used, details.last_used_address, details.last_used_agent) == (None, None, None)
    assert (details.revoked, details.revoked_by) == (None, None)


def test_description_and_networks_are_changed_one_by_one(client: Client) -> None:
    token = client.tokens.create()
    assert client.tokens.update(token.id, description="builds").description == "builds"
    changed = client.tokens.update(token.id, networks=["203.0.113.7", ip_network("2001:db8::/32")])
    assert changed.description == "builds"
    assert changed.networks == (ip_network("203.0.113.7/32"), ip_network("2001:db8::/32"))
    assert client.tokens.update(token.id, networks=[]).networks == ()
    with pytest.raises(BadRequest) as caught:
        client.tokens.update(token.id, networks=["10.0.0.1/8"])
    assert caught.value.field == "networks[0]"


def test_token_is_pending_until_its_moment(client: Client) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    token = client.tokens.create(not_before=soon)
    assert token.secret is not None
    assert not client.verify(token.secret).active
    details = token.details()
    assert (details.state, details.not_before) == ("pending", soon)
    assert token.id in [each.id for each in client.tokens.list_details(state="pending")]


def test_token_that_rotates_itself_only_does_nothing_else(
    client: Client, new_client: NewClient, server: Server
) -> None:
    token = client.tokens.create(scopes="linodes:read_only", rotates_itself_only=True)
    assert token.details().rotates_itself_only
    deployed = new_client(server.url, token.secret)
    rotated = deployed.tokens.rotate(token.id)
    with pytest.raises(Forbidden):
        deployed.tokens.revoke(token.id)
    assert rotated.secret is not None
    assert client.verify(rotated.secret, scopes="linodes:read_only").active


def test_token_is_disabled_and_enabled(client: Client) -> None:
    token = client.tokens.create()
    assert token.secret is not None
    details = client.tokens.disable(token.id)
    assert (details.state, details.disabled, details.disabled_by) == ("disabled", True, "admin")
    assert not client.verify(token.secret).active
    details = client.tokens.enable(token.id)
    assert (details.state, details.disabled, details.disabled_by) == ("active", False, None)
    assert client.verify(token.secret).active


def test_revoked_token_is_still_known(client: Client) -> None:
    token = client.tokens.create()
    token.revoke(reason="rotated")
    details = client.tokens.details(token.id)
    assert (details.state, details.revoked_by, details.networks) == ("revoked", "admin", None)
    assert details.revoked_reason == "rotated"
    assert details.revoked is not None
    assert details.revoked >= details.created
    with pytest.raises(NotFound):
        client.tokens.details(10**9)


def test_details_are_listed_by_state_and_moment(client: Client, shell: str) -> None:
    label = f"listed by {shell}"
    ids = [client.tokens.create(label=label, expires_in=timedelta(days=400)).id for _ in range(30)]
    client.tokens.revoke(ids[0])
    mine = where.label == label

    def listed(**named: object) -> list[int]:
        return [details.id for details in client.tokens.list_details(mine, page_size=25, **named)]  # type: ignore[arg-type]

    assert listed() == ids[1:]
    assert listed(state="revoked") == ids[:1]
    assert listed(state="all", order_by=where.id.descending) == ids[::-1]
    assert listed(last_used_before=LONG_AGO) == ids[1:]
    assert listed(last_used_after=LONG_AGO) == []
    assert listed(expires_before=datetime.now(UTC) + timedelta(days=401), expires_after=LONG_AGO) == ids[1:]


def test_revoking_while_listing_details_passes_over_none(client: Client, shell: str) -> None:
    label = f"details of {shell}"
    ids = [client.tokens.create(label=label).id for _ in range(60)]
    seen = []
    for details in client.tokens.list_details(where.label == label, order_by=where.last_used.descending, page_size=25):
        seen.append(details.id)
        client.tokens.revoke(details.id)
    assert sorted(seen) == ids


def test_policy_says_what_is_allowed(client: Client) -> None:
    policy = client.tokens.policy()
    assert (policy.max_lifetime, policy.expiry_required, policy.scopes, policy.max_tokens) == (
        None,
        False,
        ("*",),
        None,
    )
    assert policy.tokens >= 1


def test_policy_of_an_operator_who_limits_everything(new_client: NewClient) -> None:
    body = {"max_lifetime_seconds": 60, "expiry_required": True, "scopes": "a:b c:d", "max_tokens": 3, "tokens": 1}
    with saying(http(200, body)) as server:
        policy = new_client(server.url, TOKEN).tokens.policy()
    assert (policy.max_lifetime, policy.expiry_required) == (timedelta(minutes=1), True)
    assert (policy.scopes, policy.max_tokens, policy.tokens) == (("a:b", "c:d"), 3, 1)


@pytest.fixture
def users_token(server: Server, shell: str) -> str:
    """The only token of a user."""
    name = f"of-{shell}".replace(" ", "-")
    bearer = {"Authorization": f"Bearer {server.token}"}
    body = {"username": name, "email": "of@example.org", "restricted": True}
    httpx2.post(f"{server.url}/v4/account/users", headers=bearer, json=body).raise_for_status()
    made = tokenry("admin", "token", "create", "--user", name, "--expires", "9d", "--data-dir", str(server.data_dir))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def test_all_other_tokens_are_revoked(new_client: NewClient, server: Server, users_token: str) -> None:
    client = new_client(server.url, users_token)
    others = [client.tokens.create(label="other") for _ in range(3)]
    assert client.tokens.revoke_others() == 3
    assert [token.preview for token in client.tokens.list()] == [users_token[:16]]
    for other in others:
        assert other.secret is not None
        assert not client.verify(other.secret).active


@pytest.mark.parametrize("networks", ["10.0.0.0/8", ["nowhere"], [7], ["10.0.0.1/8"], {}])
def test_networks_that_are_none_are_unreadable(new_client: NewClient, networks: object) -> None:
    with saying(http(200, {**ROW, "state": "active", "description": "", "networks": networks})) as server:
        client = new_client(server.url, TOKEN)
        with pytest.raises(UnreadableAnswer, match="`networks` should be"):
            client.tokens.details(7)
