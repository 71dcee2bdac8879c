"""A product's backend with its users and their tokens, against the real service, in threads and in an event loop."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import uuid4

import httpx2
import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import TOKEN, http, saying
from tests.servers import PAGE_ORIGIN, Server, service_account
from tokenry.client import BadRequest, Client, InsufficientScope, NotFound, UnreadableAnswer, where

ODD = [
    "a/b",
    "50%",
    "100%25",
    "ü ñ 漢字",
    "?a=b&c#d",
    "a\\b",
    "a+b@example.com",
    "auth0|64f2",
    "..a",
    ";:,'\"",
    "x" * 255,
]
ROW = {
    "external_id": "a",
    "username": "a",
    "email": "",
    "disabled": False,
    "created": "2026-01-01T00:00:00",
    "metadata": {},
}


@pytest.fixture(scope="module")
def backend_token(server: Server) -> str:
    """A token of a service account, which may give users access to one thing."""
    return service_account(server, "backend-of-clients", ceiling="linodes:read_write domains:read_only")


@pytest.fixture
def backend(new_client: NewClient, server: Server, backend_token: str) -> Client:
    return new_client(server.url, backend_token, timeout=30)


@pytest.fixture
def name() -> str:
    """What a product calls a user whom no other test has."""
    return f"auth0|{uuid4().hex}"


def test_backend_issues_for_a_user_and_ends_what_it_issued(backend: Client, name: str) -> None:
    user = backend.users.put(name, email="alice@example.com")
    assert (user.external_id, user.username, user.email, user.disabled) == (name, name, "alice@example.com", False)
    assert datetime.now(UTC) - user.created < timedelta(minutes=1)
    tokens = backend.users.tokens(name)
    made = tokens.create(label="of alice", scopes="linodes:read_only", expires_in=timedelta(days=30))
    assert made.secret is not None
    verdict = backend.verify(made.secret, "linodes:read_only")
    assert (verdict.active, verdict.user, verdict.token_id) == (True, name, made.id)
    rotated = made.rotate(grace=timedelta(0), at_once=True)
    assert rotated.secret is not None
    assert not backend.verify(made.secret).active
    assert backend.verify(rotated.secret).active
    assert rotated.rename("build").label == tokens.get(made.id).label == "build"
    tokens.disable(made.id)
    assert not backend.verify(rotated.secret).active
    tokens.enable(made.id)
    assert backend.verify(rotated.secret).active
    rotated.revoke()
    assert not backend.verify(rotated.secret).active
    assert list(tokens.list()) == []
    with pytest.raises(NotFound):
        tokens.get(made.id)


def test_details_policy_and_lists_are_those_of_the_user(backend: Client, name: str) -> None:
    tokens = backend.users.tokens(name)
    ids = [tokens.create(create_user=True, label=f"n{number}").id for number in range(27)]
    assert [each.id for each in tokens.list(where.label == "n7")] == [ids[7]]
    assert [each.id for each in tokens.list(order_by=where.id.descending, page_size=25)] == ids[::-1]
    assert tokens.page(2, page_size=25).results == 27
    changed = tokens.update(ids[0], description="for the printer", networks=["203.0.113.0/24"])
    assert (changed.description, changed.networks) == ("for the printer", (ip_network("203.0.113.0/24"),))
    assert tokens.details(ids[0]).scopes == ("linodes:read_write", "domains:read_only")
    tokens.revoke(ids[0])
    assert [each.id for each in tokens.list_details(state="revoked")] == ids[:1]
    assert tokens.policy().tokens == 26
    assert tokens.revoke_all() == 26
    assert list(tokens.list()) == []


def test_creation_with_a_key_is_made_once(backend: Client, name: str) -> None:
    tokens = backend.users.tokens(name)
    named = {"label": "once", "idempotency_key": uuid4().hex, "create_user": True}
    assert tokens.create(**named).id == tokens.create(**named).id  # type: ignore[arg-type]


def test_only_a_known_user_gets_a_token_unless_one_is_to_be_made(backend: Client, name: str) -> None:
    tokens = backend.users.tokens(name)
    with pytest.raises(NotFound):
        tokens.create(label="for nobody")
    assert tokens.create(create_user=True).secret is not None
    assert backend.users.get(name).external_id == name


def test_user_is_disabled_enabled_and_deleted(backend: Client, name: str) -> None:
    secret = backend.users.tokens(name).create(create_user=True).secret
    assert secret is not None
    assert backend.users.update(name, disabled=True).disabled
    assert not backend.verify(secret).active
    assert not backend.users.update(name, disabled=False, email="b@example.com").disabled
    assert backend.verify(secret).active
    backend.users.delete(name)
    assert not backend.verify(secret).active
    for gone in (backend.users.get, backend.users.delete, backend.users.update):
        with pytest.raises(NotFound):
            gone(name)


def test_page_token_is_for_a_users_browser(backend: Client, server: Server, name: str) -> None:
    backend.users.put(name)
    made = backend.users.create_page_token(name)
    assert timedelta(minutes=14) < made.expiry - datetime.now(UTC) <= timedelta(minutes=15)
    assert made.secret.reveal() not in repr(made)
    assert not backend.verify(made.secret).active
    headers = {"Authorization": f"Bearer {made.secret.reveal()}", "Origin": PAGE_ORIGIN}
    assert httpx2.get(f"{server.url}/v4/tokenry/page/tokens", headers=headers).json()["results"] == 0
    with pytest.raises(NotFound):
        backend.users.create_page_token(f"not-{name}")


@pytest.mark.parametrize("odd", ODD)
def test_any_printable_name_stays_what_it_is_on_its_way(backend: Client, odd: str) -> None:
    assert backend.users.put(odd).external_id == odd
    made = backend.users.tokens(odd).create(label=odd[:100])
    assert backend.users.tokens(odd).get(made.id).label == odd[:100]
    assert [user.external_id for user in backend.users.list(where.external_id == odd)] == [odd]
    backend.users.delete(odd)


@pytest.mark.parametrize("wrong", ["", ".", "..", "a\nb", "\x00", "\ud800"])
def test_what_cannot_be_a_name_is_refused_before_anything_is_sent(new_client: NewClient, wrong: str) -> None:
    users = new_client("http://127.0.0.1:1", TOKEN).users
    for use in (users.get, users.put, users.delete, users.tokens):
        with pytest.raises(ValueError, match="external_id must be"):
            use(wrong)
    with pytest.raises(TypeError, match="a str, not a int"):
        users.get(7)  # type: ignore[arg-type]


def test_list_of_users_comes_whole_while_users_go(backend: Client, shell: str) -> None:
    mark = f"{shell}-{uuid4().hex}"
    names = [f"{number:03}-{mark}" for number in range(28)]
    for each in names:
        backend.users.put(each, email=f"{each.replace(' ', '')}@example.com")
    found = backend.users.list(where.external_id.contains(mark), order_by=where.email.descending, page_size=25)
    seen = []
    for user in found:
        seen.append(user.external_id)
        backend.users.delete(user.external_id)
    assert seen == names[::-1]


def test_faults_name_what_is_wrong_with_a_user(backend: Client, name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        backend.users.put(name, username="a b", email="nobody")
    assert {fault.field for fault in caught.value.faults} == {"username", "email"}
    with pytest.raises(TypeError, match=r"no colour of a user: use one of username"):
        backend.users.put(name, colour="red")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"no colour of a token: use one of label"):
        backend.users.tokens(name).create(colour="red")  # type: ignore[call-arg]


def test_token_of_a_user_manages_nobody(backend: Client, new_client: NewClient, server: Server, name: str) -> None:
    secret = backend.users.tokens(name).create(create_user=True, scopes="*").secret
    assert secret is not None
    with pytest.raises(InsufficientScope):
        new_client(server.url, secret).users.get(name)


@pytest.mark.parametrize("key", ROW)
def test_user_that_lacks_something_is_unreadable(new_client: NewClient, key: str) -> None:
    with saying(http(200, {**ROW, key: None})) as hostile, pytest.raises(UnreadableAnswer, match=f"`{key}` should be"):
        new_client(hostile.url, TOKEN).users.get("a")


def test_metadata_is_kept_with_a_user_and_a_token(backend: Client, name: str) -> None:
    """As it was sent: a key that is called as a secret is elsewhere is none here."""
    kept = {"plan": "pro", "token": "t", "of": [{"token": "u"}]}
    assert backend.users.put(name, metadata=kept).metadata == kept
    assert backend.users.put(name, email="a@example.com").metadata == kept
    made = backend.users.tokens(name).create(metadata={"key": 1})
    assert made.details().metadata == {"key": 1}
    assert backend.users.tokens(name).update(made.id, metadata=kept).metadata == kept
    with pytest.raises(BadRequest) as caught:
        backend.users.update(name, metadata={"a": 1 << 60})
    assert caught.value.field == "metadata"
