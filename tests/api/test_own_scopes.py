"""A catalogue with actions of its own, ones that they imply, and instances, through everything that compares scopes."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.api.parts import create
from tests.conftest import App, Clock, make_app
from tests.issuing import bearer
from tests.oauth.parts import ask, installation_of, robot
from tokenry.application import build_app
from tokenry.domain.accounts import Origin
from tokenry.domain.catalogue import Catalogue, read_json
from tokenry.domain.policy import Policy, UserKind
from tokenry.domain.scopes import Level, Scopes
from tokenry.domain.users import UserChange
from tokenry.storage.catalogue import read_catalogue

OWN_SCOPES = """
[messages]
title = "Messages"
instances = true
reads = "read"
writes = "send"
actions.read.title = "Read messages"
actions.send.title = "Send messages"
actions.send.implies = ["read"]
actions.manage.implies = ["send"]

[labels]
actions = ["list", "print"]
"""
ACCOUNT = "account:read_write"


def made_in(directory: Path) -> App:
    """The application with a catalogue of its own."""
    (directory / "scopes.toml").write_text(OWN_SCOPES, "utf-8")
    return make_app(directory / "data", Clock(), scopes_file=directory / "scopes.toml")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One for tests that only make tokens."""
    app = made_in(tmp_path_factory.mktemp("own"))
    with app.client:
        yield app


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[App]:
    """One that a test changes."""
    app = made_in(tmp_path)
    with app.client:
        yield app


def verify(app: App, token: str, query: str, path: str = "/verify", **headers: str) -> httpx2.Response:
    return app.client.get(f"{path}?{query}", headers={**bearer(token), **headers})


def made_with(app: App, token: str, scopes: str) -> httpx2.Response:
    return app.client.post("/v4/profile/tokens", headers=bearer(token), json={"scopes": scopes})


def catalogue_of(app: App) -> Catalogue:
    assert app.settings.scopes_file is not None
    return read_catalogue(app.settings.scopes_file)


@pytest.mark.parametrize(
    ("held", "needed", "status"),
    [
        ("messages:send", "scope=messages:read", 200),
        ("messages:manage", "scope=messages:read", 200),
        ("messages:read", "scope=messages:send", 403),
        ("messages:send", "scope=messages:read@team-7", 200),
        ("messages:send@team-7", "scope=messages:read@team-7", 200),
        ("messages:send@team-7", "scope=messages:read@team-8", 403),
        ("messages:send@team-7", "scope=messages:read", 403),
        ("messages:read labels:list", "scope=labels:print", 403),
        ("*", "scope=messages:manage@team-7", 200),
        ("*", "scope=labels:list@team-7", 400),
        ("*", "scope=mesages:read", 400),
    ],
)
def test_gateway_is_told_what_a_token_covers(own: App, held: str, needed: str, status: int) -> None:
    assert verify(own, create(own, scopes=held)["token"], needed).status_code == status


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 403), ("BREW", 403)])
def test_level_by_method_is_the_action_that_the_catalogue_names(own: App, method: str, status: int) -> None:
    token = create(own, scopes="messages:read@team-7")["token"]
    asked = {"path": "/verify/auth-request", "X-Original-Method": method}
    assert verify(own, token, "resource=messages@team-7", **asked).status_code == status
    assert verify(own, token, "resource=messages", **asked).status_code == 403
    assert verify(own, token, "resource=labels", **asked).json()["errors"] == [
        {"reason": "The catalogue does not say what reads and what writes: name scopes of labels", "field": "resource"}
    ]


def test_text_is_kept_as_it_was_asked_for_and_told_with_what_it_implies(own: App) -> None:
    made = create(own, scopes="messages:send@team-7,labels:print")
    assert made["scopes"] == "messages:send@team-7 labels:print"
    told = "labels:print messages:read@team-7 messages:send@team-7"
    assert verify(own, made["token"], "").headers["x-auth-scopes"] == told
    introspected = own.client.post("/oauth/introspect", headers=own.bearer, data={"token": made["token"]})
    assert introspected.json()["scope"] == told
    batch = own.client.post(
        "/verify/batch", headers=own.bearer, json={"tokens": [made["token"]], "scope": "messages:read@team-7"}
    )
    assert batch.json()[0]["scopes"] == told
    explained = own.client.post(
        "/verify/explain", headers=own.bearer, json={"token": made["token"], "scope": "messages:read@team-7"}
    ).json()
    assert [step["passed"] for step in explained["steps"]][-1:] == [True]


@pytest.mark.parametrize(
    ("acting", "asked", "status"),
    [
        ("messages:send", "messages:read@team-7", 200),
        ("messages:send@team-7", "messages:read@team-7", 200),
        ("messages:send@team-7", "messages:read", 400),
        ("messages:read", "messages:send@team-7", 400),
    ],
)
def test_token_makes_no_other_that_may_do_more(own: App, acting: str, asked: str, status: int) -> None:
    token = create(own, scopes=f"{ACCOUNT} {acting}")["token"]
    assert made_with(own, token, asked).status_code == status


def test_ceiling_and_policy_bound_by_what_they_imply(apart: App) -> None:
    catalogue, operator = catalogue_of(apart), Origin("operator")
    with installation_of(apart) as do:
        allowed = {UserKind.ADMIN: Scopes.parse(f"{ACCOUNT} messages:send")}
        do.policies.set_policy(operator, lambda _: Policy(scopes=allowed))
        ceiling = catalogue.read(f"{ACCOUNT} messages:read messages:manage@team-7")
        do.users.update_user(operator, "admin", UserChange(ceiling=ceiling))
    assert made_with(apart, apart.token, "messages:read").status_code == 200
    assert made_with(apart, apart.token, "messages:send@team-7 messages:read@team-8").status_code == 200
    for refused in ("messages:send", "messages:manage@team-7"):
        [fault] = made_with(apart, apart.token, refused).json()["errors"]
        assert "messages:read messages:send@team-7" in fault["reason"]


def test_client_is_given_what_its_registration_implies(apart: App) -> None:
    client, secret = robot(apart, scopes="messages:send")
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret.reveal()}
    with installation_of(apart) as do:
        do.policies.set_policy(
            Origin("operator"), lambda _: Policy(scopes={UserKind.USER: Scopes.parse("messages:manage@team-7")})
        )
    assert ask(apart, form).json()["scope"] == "messages:send@team-7"
    assert ask(apart, {**form, "scope": "messages:read"}).json()["scope"] == "messages:read@team-7"
    assert ask(apart, {**form, "scope": "messages:manage@team-7"}).json()["error"] == "invalid_scope"


def test_action_that_is_gone_opens_nothing_and_no_other_is_lost(apart: App) -> None:
    made = create(apart, scopes=f"{ACCOUNT} messages:manage labels:list")
    token = made["token"]
    assert apart.settings.scopes_file is not None
    apart.settings.scopes_file.write_text('[messages]\nactions = ["read"]\n\n[labels]\nactions = ["list"]\n', "utf-8")
    with TestClient(build_app(apart.settings, apart.clock)) as again:
        answer = again.get("/verify", headers=bearer(token))
        assert (answer.status_code, answer.headers["x-auth-scopes"]) == (200, f"{ACCOUNT} labels:list")
        assert again.get("/verify?scope=messages:read", headers=bearer(token)).status_code == 403
        listed = again.get("/v4/profile/tokens", headers=apart.bearer).json()["data"]
        assert made["scopes"] in [each["scopes"] for each in listed]
        path, keyed = f"/v4/profile/tokens/{made['id']}/rotate", {**bearer(token), "Idempotency-Key": "once"}
        rotated = [again.post(path, headers=keyed, json={}) for _ in range(2)]
        assert [answer.status_code for answer in rotated] == [200, 200], "it may have a secret of its own"


def test_metadata_and_description_name_the_scopes(own: App) -> None:
    described = own.client.get("/openapi.json").json()
    flows = described["components"]["securitySchemes"]["oauth"]["flows"]
    assert flows["authorizationCode"]["scopes"]["messages:send"] == "Messages: Send messages"
    schemas = described["components"]["schemas"]
    assert "messages:send(@" in schemas["Scope"]["pattern"]
    assert "labels" not in schemas["Resource"]["pattern"]


def test_catalogue_is_told_to_anybody_and_read_again(own: App) -> None:
    answer = own.client.get("/v4/tokenry/scopes")
    messages = next(each for each in answer.json()["resources"] if each["name"] == "messages")
    assert messages == {
        "name": "messages",
        "title": "Messages",
        "description": "",
        "instances": True,
        "reads": "read",
        "writes": "send",
        "management": False,
        "actions": [
            {"name": "read", "scope": "messages:read", "title": "Read messages", "description": "", "implies": []},
            {
                "name": "send",
                "scope": "messages:send",
                "title": "Send messages",
                "description": "",
                "implies": ["read"],
            },
            {
                "name": "manage",
                "scope": "messages:manage",
                "title": "manage",
                "description": "",
                "implies": ["read", "send"],
            },
        ],
    }
    catalogue, read = catalogue_of(own), read_json(answer.json())
    assert (read.scopes, read.implied) == (catalogue.scopes, catalogue.implied)
    for resource in ("messages", "messages@a", "account", "labels", "account@a"):
        for level in Level:
            assert read.find_scope(resource, level) == catalogue.find_scope(resource, level)
    assert own.client.get("/v4/tokenry/scopes", headers=bearer("none")).status_code == 200
    with pytest.raises(ValueError):
        read_json({"resources": [{"name": "a"}]})
