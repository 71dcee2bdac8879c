"""Letting an account's users in, and keeping them out: what the wire format has no words for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.parts import actions, bearer_of, faults, installation_of
from tests.conftest import App, Clock, make_app
from tests.issuing import bearer
from tests.making import OPERATOR
from tokenry.domain.clients import ClientChange
from tokenry.domain.oauth import GrantType
from tokenry.service.links import NOT_ALL

USERS = "/v4/account/users"
URL = "https://tokens.example.com"


@pytest.fixture
def app(tmp_path: Path, clock: Clock, migrated_url: str | None) -> Iterator[App]:
    """A service that browsers reach, on each engine."""
    app = make_app(tmp_path / "data", clock, migrated_url, public_url=URL)
    with app.client:
        yield app


def verified(app: App, header: dict[str, str]) -> int:
    return app.client.get("/verify", headers=header).status_code


def test_disabled_user_is_refused_at_once_and_let_in_again(app: App) -> None:
    ada = bearer_of(app, "ada")
    assert verified(app, ada) == 200
    answer = app.client.put(f"{USERS}/ada/details", headers=app.bearer, json={"disabled": True})
    assert answer.json()["disabled"] is True
    assert verified(app, ada) == 401
    assert app.client.put(f"{USERS}/ada/details", headers=app.bearer, json={}).json() == answer.json()
    answer = app.client.put(f"{USERS}/ada/details", headers=app.bearer, json={"disabled": False})
    assert (answer.json()["disabled"], verified(app, ada)) == (False, 200)
    assert [action for action, _ in actions(app)][:2] == ["user.enable", "user.disable"]


def test_nobody_disables_himself(app: App) -> None:
    bearer_of(app, "boss", admin=True)
    answer = app.client.put(f"{USERS}/admin/details", headers=app.bearer, json={"disabled": True})
    assert (answer.status_code, faults(answer)) == (400, [("You cannot disable yourself", None)])


def test_user_as_whom_a_client_acts_is_that_clients(app: App) -> None:
    do = installation_of(app)
    rights = frozenset({GrantType.CLIENT_CREDENTIALS})
    euuid = app.client.get("/v4/account", headers=app.bearer).json()["euuid"]
    wanted = ClientChange({"label": "robot", "grant_types": rights})
    client, _ = do.clients.create_client(OPERATOR, wanted, account=euuid)
    do.database.close()
    path = f"{USERS}/{client.service_username}/details"
    assert app.client.put(path, headers=app.bearer, json={"disabled": True}).status_code == 403


def test_link_is_for_the_user(app: App) -> None:
    bearer_of(app, "ada")
    answer = app.client.post(f"{USERS}/ada/link", headers=app.bearer)
    assert (answer.status_code, answer.json()["lifetime_seconds"]) == (200, 1800)
    address, _, text = answer.json()["link"].rpartition("/")
    do = installation_of(app)
    user = do.links.find_user(text)
    do.database.close()
    assert (address, user and user.username) == (f"{URL}/link", "ada")
    assert actions(app)[0][0] == "link.create"


def test_link_is_not_for_tokens_that_may_do_less_than_the_user(app: App) -> None:
    bearer_of(app, "ada")
    scopes = "account:read_write linodes:read_write"
    made = app.client.post("/v4/profile/tokens", headers=app.bearer, json={"scopes": scopes}).json()
    answer = app.client.post(f"{USERS}/ada/link", headers=bearer(made["token"]))
    assert (answer.status_code, faults(answer)) == (403, [(NOT_ALL, None)])


def test_link_is_for_others_who_may_sign_in(app: App) -> None:
    bearer_of(app, "ada")
    app.client.put(f"{USERS}/ada/details", headers=app.bearer, json={"disabled": True})
    wanted = {"username": "backend", "ceiling": "linodes:read_only"}
    app.client.post("/v4/tokenry/service-accounts", headers=app.bearer, json=wanted)
    answers = [app.client.post(f"{USERS}/{name}/link", headers=app.bearer) for name in ("admin", "ada", "backend")]
    assert [answer.status_code for answer in answers] == [400, 400, 400]


@pytest.mark.parametrize(("method", "name"), [("GET", "details"), ("PUT", "details"), ("POST", "link")])
def test_restricted_user_lets_nobody_in_or_out(app: App, method: str, name: str) -> None:
    answer = app.client.request(method, f"{USERS}/admin/{name}", headers=bearer_of(app, "ada"))
    assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])
