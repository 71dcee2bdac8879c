"""`/account/oauth-clients`: what an administrator sees and does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.api.parts import actions, bearer_of, faults, installation_of, new_bearer, token_of_another_account
from tests.conftest import App
from tests.making import OPERATOR
from tests.oauth_making import give
from tokenry.domain.clients import CLIENTS_PER_ACCOUNT_MAX, REDIRECTS_MAX, ClientChange, PresentedClient
from tokenry.domain.oauth import OAuthRefusal
from tokenry.domain.secrets import CLIENT_SECRET, Secret

CLIENTS = "/v4/account/oauth-clients"
APP = "https://app.example/callback"
REDACTED = "<REDACTED>"
JWKS = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
DETAILS = {
    "website": "https://app.example/",
    "redirect_uris": [APP, "http://127.0.0.1/cb"],
    "grant_types": ["authorization_code", "client_credentials", "implicit"],
    "scopes": "linodes:read_only domains:read_write",
    "authentication": "private_key_jwt",
    "jwks": JWKS,
    "pkce_required": False,
    "dpop_required": False,
    "par_required": True,
    "narrowing": True,
}
LABEL = ("Length must be 1-100 characters", "label")
NEEDED = ("Must be sent", "redirect_uri")


def create(app: App, **body: object) -> dict[str, Any]:
    body = {"label": "Example App", "redirect_uri": APP, **body}
    answer = app.client.post(CLIENTS, headers=app.bearer, json=body)
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


def proves(app: App, client_id: str, secret: str | None) -> bool:
    """Whether a client is believed."""
    installation = installation_of(app)
    try:
        installation.client_authentication.authenticate(PresentedClient(client_id, secret))
    except OAuthRefusal:
        return False
    finally:
        installation.database.close()
    return True


def test_client_is_created_and_read_as_the_wire_format_has_it(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    assert Secret.parse(created.pop("secret"), (CLIENT_SECRET.prefix,)) is not None
    assert len(created["id"]) == 20
    assert int(created["id"], 16)
    assert created == {
        "id": created["id"],
        "redirect_uri": APP,
        "label": "Example App",
        "status": "active",
        "thumbnail_url": None,
        "public": False,
    }
    read = app.client.get(f"{CLIENTS}/{created['id']}", headers=app.bearer).json()
    assert list(read) == ["id", "redirect_uri", "label", "status", "secret", "thumbnail_url", "public"]
    assert read == {**created, "secret": REDACTED}
    page = app.client.get(CLIENTS, headers=app.bearer).json()
    assert page == {"data": [read], "page": 1, "pages": 1, "results": 1}


def test_public_client_has_no_secret(app: App) -> None:
    created = create(app, public=True)
    assert (created["public"], created["secret"]) == (True, "")
    assert proves(app, created["id"], None)
    answer = app.client.post(f"{CLIENTS}/{created['id']}/reset-secret", headers=app.bearer)
    assert faults(answer) == [("A client that does not prove itself by a secret has none", "authentication")]


def test_new_client_has_the_strict_rules(app: App) -> None:
    details = app.client.get(f"{CLIENTS}/{create(app)['id']}/details", headers=app.bearer).json()
    assert {name: details[name] for name in DETAILS} == {
        "website": "",
        "redirect_uris": [APP],
        "grant_types": ["authorization_code", "refresh_token"],
        "scopes": "*",
        "authentication": "client_secret_basic",
        "jwks": None,
        "pkce_required": True,
        "dpop_required": False,
        "par_required": False,
        "narrowing": False,
    }
    assert (details["verified"], details["username"]) == (False, None)


def test_secret_is_reset_at_once_and_shown_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    assert proves(app, created["id"], created["secret"])
    reset = app.client.post(f"{CLIENTS}/{created['id']}/reset-secret", headers=app.bearer).json()
    assert {**reset, "secret": ""} == {**created, "secret": ""}
    assert proves(app, created["id"], reset["secret"])
    assert not proves(app, created["id"], created["secret"])
    assert app.client.get(f"{CLIENTS}/{created['id']}", headers=app.bearer).json()["secret"] == REDACTED


def test_label_address_and_kind_change_and_the_rest_stays(app: App) -> None:
    created = create(app)
    one = f"{CLIENTS}/{created['id']}"
    changed = app.client.put(one, headers=app.bearer, json={"label": "Other", "secret": "x", "id": "x"}).json()
    assert changed == {**created, "label": "Other", "secret": REDACTED}
    app.client.put(f"{one}/details", headers=app.bearer, json={"redirect_uris": [APP, "https://b.example"]})
    changed = app.client.put(one, headers=app.bearer, json={"redirect_uri": "https://a.example"}).json()
    assert changed["redirect_uri"] == "https://a.example"
    details = app.client.get(f"{one}/details", headers=app.bearer).json()
    assert details["redirect_uris"] == ["https://a.example", "https://b.example"]
    public = app.client.put(one, headers=app.bearer, json={"public": True}).json()
    assert (public["public"], public["secret"]) == (True, "")
    confidential = app.client.put(one, headers=app.bearer, json={"public": False}).json()
    assert (confidential["public"], confidential["secret"]) == (False, REDACTED)
    assert not proves(app, created["id"], created["secret"])
    assert not proves(app, created["id"], None)


def test_deleted_client_is_gone(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    one = f"{CLIENTS}/{created['id']}"
    assert app.client.delete(one, headers=app.bearer).json() == {}
    assert app.client.get(one, headers=app.bearer).status_code == 404
    assert app.client.get(CLIENTS, headers=app.bearer).json()["results"] == 0
    assert not proves(app, created["id"], created["secret"])


def let_in(app: App, client_id: str) -> dict[str, str]:
    """Let a client in; the header of the access token that it was given."""
    installation = installation_of(app)
    client = installation.clients.get_client(client_id)
    issued = give(installation.transactions, installation.peppers, client)
    installation.database.close()
    return {"Authorization": f"Bearer {issued.access.reveal()}"}


def delete(app: App, client_id: str) -> None:
    app.client.delete(f"{CLIENTS}/{client_id}", headers=app.bearer)


def narrow(app: App, client_id: str) -> None:
    details = {"scopes": "domains:read_only"}
    app.client.put(f"{CLIENTS}/{client_id}/details", headers=app.bearer, json=details)


def disable(app: App, client_id: str) -> None:
    installation = installation_of(app)
    installation.clients.disable_client(OPERATOR, client_id)
    installation.database.close()


@pytest.mark.parametrize("end", [delete, narrow, disable])
def test_what_a_client_was_given_ends_with_what_it_may(
    app_on_each_engine: App, end: Callable[[App, str], None]
) -> None:
    app = app_on_each_engine
    ended, other = create(app), create(app)
    given, others = let_in(app, ended["id"]), let_in(app, other["id"])
    assert app.client.get("/verify", headers=given).status_code == 200
    end(app, ended["id"])
    assert app.client.get("/verify", headers=given).status_code == 401
    assert app.client.get("/verify", headers=others).status_code == 200


def test_what_a_client_was_given_stays_with_another_secret_or_name(app: App) -> None:
    created = create(app)
    given = let_in(app, created["id"])
    app.client.post(f"{CLIENTS}/{created['id']}/reset-secret", headers=app.bearer)
    app.client.put(f"{CLIENTS}/{created['id']}", headers=app.bearer, json={"label": "Other"})
    assert app.client.get("/verify", headers=given).status_code == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [LABEL, NEEDED]),
        (
            {"label": 5, "redirect_uri": None},
            [("Must be a string", "label"), ("Must be a string", "redirect_uri")],
        ),
        ({"label": "", "redirect_uri": APP}, [LABEL]),
        ({"label": "a" * 101, "redirect_uri": APP}, [LABEL]),
        ({"label": "a\nb", "redirect_uri": APP}, [("Must be printable characters", "label")]),
        ({"label": "\u2800", "redirect_uri": APP}, [("Must have at least one visible character", "label")]),
        ({"label": "a", "redirect_uri": "http://app.example"}, None),
        ({"label": "a", "redirect_uri": "javascript:alert(1)"}, None),
        ({"label": "a", "redirect_uri": f"{APP}#x"}, [("Must not have a fragment", "redirect_uri")]),
        ({"label": "a", "redirect_uri": APP, "public": "no"}, [("Must be true or false", "public")]),
    ],
)
def test_refused_creation_names_every_fault(
    app: App, body: dict[str, object], expected: list[tuple[str, str]] | None
) -> None:
    answer = app.client.post(CLIENTS, headers=app.bearer, content=json.dumps(body))
    assert answer.status_code == 400
    assert expected is None or faults(answer) == expected
    assert app.client.get(CLIENTS, headers=app.bearer).json()["results"] == 0


def test_details_are_set_and_read(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    one = f"{CLIENTS}/{created['id']}/details"
    changed = app.client.put(one, headers=app.bearer, json={**DETAILS, "verified": True, "created": "x"})
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in DETAILS} == DETAILS
    assert (changed.json()["verified"], changed.json()["secret"]) == (False, "")
    assert app.client.get(one, headers=app.bearer).json() == changed.json()
    again = app.client.put(one, headers=app.bearer, json={"narrowing": False}).json()
    assert again == {**changed.json(), "narrowing": False}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"website": "http://app.example"}, "website"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"website": 5}, "website"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": APP}, "redirect_uris"),
        ({"redirect_uris": [APP, 5]}, "redirect_uris"),
        ({"redirect_uris": [APP, "http://app.example"]}, "redirect_uris"),
        ({"redirect_uris": [f"{APP}/{number}" for number in range(REDIRECTS_MAX + 1)]}, "redirect_uris"),
        ({"grant_types": []}, "grant_types"),
        ({"grant_types": ["password"]}, "grant_types"),
        ({"grant_types": "implicit"}, "grant_types"),
        ({"grant_types": ["client_credentials"], "authentication": "none"}, "grant_types"),
        ({"pkce_required": False, "authentication": "none"}, "pkce_required"),
        ({"pkce_required": 0}, "pkce_required"),
        ({"dpop_required": True, "grant_types": ["implicit"]}, "dpop_required"),
        ({"scopes": "nothing:read_only"}, "scopes"),
        ({"scopes": ""}, "scopes"),
        ({"scopes": None}, "scopes"),
        ({"authentication": "client_secret_jwt"}, "authentication"),
        ({"authentication": "private_key_jwt"}, "jwks"),
        ({"jwks": {"keys": []}}, "jwks"),
        ({"jwks": []}, "jwks"),
    ],
)
def test_details_that_do_not_go_are_refused(app: App, body: dict[str, object], field: str) -> None:
    one = f"{CLIENTS}/{create(app)['id']}/details"
    before = app.client.get(one, headers=app.bearer).json()
    answer = app.client.put(one, headers=app.bearer, json=body)
    assert (answer.status_code, [fault[1] for fault in faults(answer)]) == (400, [field])
    assert app.client.get(one, headers=app.bearer).json() == before


def test_acting_token_bounds_what_a_client_does_for_itself(app: App) -> None:
    """Or whoever has an administrator's narrow token could have a client get one that may do more."""
    narrow = new_bearer(app, scopes="account:read_write linodes:read_only")
    wide, client = create(app), app.client
    own = client.post(CLIENTS, headers=narrow, json={"label": "x", "redirect_uri": APP}).json()
    one, details = (f"{CLIENTS}/{each['id']}" for each in (wide, own))
    acts = {"grant_types": ["client_credentials"]}
    assert client.put(f"{one}/details", headers=app.bearer, json=acts).is_success
    tried = [
        client.put(f"{details}/details", headers=narrow, json=acts),
        client.put(f"{details}/details", headers=narrow, json={**acts, "scopes": "linodes:read_write"}),
        client.post(f"{one}/reset-secret", headers=narrow),
        client.put(f"{one}/details", headers=narrow, json={"authentication": "private_key_jwt", "jwks": JWKS}),
    ]
    assert [[field for _, field in faults(answer)] for answer in tried] == [["scopes"]] * 4
    within = {**acts, "scopes": "linodes:read_only tokenry_users:read_write"}
    assert client.put(f"{details}/details", headers=narrow, json=within).is_success
    assert client.put(f"{one}/details", headers=narrow, json={"label": "another"}).is_success
    assert client.post(f"{details}/reset-secret", headers=narrow).is_success
    assert proves(app, wide["id"], wide["secret"])


def test_client_that_acts_for_itself_is_a_user(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    one = f"{CLIENTS}/{created['id']}/details"
    itself = {"grant_types": ["client_credentials"], "redirect_uris": []}
    details = app.client.put(one, headers=app.bearer, json=itself).json()
    name = f"client-{created['id']}"
    assert (details["username"], details["redirect_uri"]) == (name, "")
    user = app.client.get(f"/v4/account/users/{name}", headers=app.bearer).json()
    assert (user["restricted"], user["email"]) == (True, "")
    app.client.put(one, headers=app.bearer, json={"grant_types": ["refresh_token"]})
    app.client.put(one, headers=app.bearer, json={"grant_types": ["client_credentials"]})
    app.client.delete(f"{CLIENTS}/{created['id']}", headers=app.bearer)
    told = [action for action, details in actions(app) if details.get("username") == name]
    assert told == ["user.disable", "user.enable", "user.disable", "user.create"]


@pytest.mark.parametrize(
    ("asked", "labels"),
    [
        ('{"label": "b"}', ["b"]),
        ('{"label": {"+contains": "C"}}', ["c", "C"]),
        ('{"public": true}', ["a"]),
        ('{"status": "disabled"}', []),
        ('{"status": "active", "+order_by": "label", "+order": "desc"}', ["c", "b", "a", "C"]),
        ('{"+limit": 2}', ["c", "a"]),
    ],
)
def test_clients_are_filtered_and_ordered(app_on_each_engine: App, asked: str, labels: list[str]) -> None:
    app = app_on_each_engine
    for label in ("c", "a", "C", "b"):
        create(app, label=label, public=label == "a")
    page = app.client.get(CLIENTS, headers={**app.bearer, "X-Filter": asked}).json()
    assert [client["label"] for client in page["data"]] == labels


def test_client_is_found_by_its_id(app: App) -> None:
    first, _ = create(app), create(app)
    asked = json.dumps({"id": first["id"]})
    page = app.client.get(CLIENTS, headers={**app.bearer, "X-Filter": asked}).json()
    assert [client["id"] for client in page["data"]] == [first["id"]]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("GET", "/{}"),
        ("PUT", "/{}"),
        ("DELETE", "/{}"),
        ("POST", "/{}/reset-secret"),
        ("GET", "/{}/details"),
        ("PUT", "/{}/details"),
        ("GET", "/{}/thumbnail"),
        ("PUT", "/{}/thumbnail"),
    ],
)
def test_restricted_user_manages_nothing(app: App, method: str, path: str) -> None:
    path = f"{CLIENTS}{path.format(create(app)['id'])}"
    answer = app.client.request(method, path, headers=bearer_of(app, "ada"), json={"label": "a", "redirect_uri": APP})
    assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])


@pytest.mark.parametrize("client_id", ["unknown", "%00", "a%20b", "%E2%82%AC", "a" * 2000])
def test_client_that_is_not_there_is_not_found(app: App, client_id: str) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/details"), ("POST", "/reset-secret")):
        answer = app.client.request(method, f"{CLIENTS}/{client_id}{path}", headers=app.bearer)
        assert (answer.status_code, faults(answer)) == (404, [("Not found", None)])


def test_client_of_another_account_is_not_found(app: App) -> None:
    created = create(app)
    _, text = token_of_another_account(app)
    for method in ("GET", "PUT", "DELETE"):
        answer = app.client.request(method, f"{CLIENTS}/{created['id']}", headers={"Authorization": f"Bearer {text}"})
        assert answer.status_code == 404
    assert app.client.get(f"{CLIENTS}/{created['id']}", headers=app.bearer).status_code == 200


def test_client_that_was_verified_is_so_no_more_under_another_name(app: App) -> None:
    """Else an administrator could have the operator's word for anything."""
    one = f"{CLIENTS}/{create(app)['id']}"
    installation = installation_of(app)
    installation.clients.update_client(OPERATOR, one.rpartition("/")[2], ClientChange({"verified": True}))
    installation.database.close()
    assert app.client.get(f"{one}/details", headers=app.bearer).json()["verified"]
    assert app.client.put(one, headers=app.bearer, json={"label": "Your Bank"}).status_code == 200
    assert not app.client.get(f"{one}/details", headers=app.bearer).json()["verified"]


def test_thumbnails_are_not_kept(app: App) -> None:
    one = f"{CLIENTS}/{create(app)['id']}/thumbnail"
    assert app.client.get(one, headers=app.bearer).status_code == 404
    answer = app.client.put(one, headers={**app.bearer, "Content-Type": "image/png"}, content=b"\x89PNG")
    assert (answer.status_code, faults(answer)) == (400, [("This service keeps no thumbnails", None)])


def test_account_has_so_many_clients_and_no_more(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CLIENTS_PER_ACCOUNT_MAX >= 100
    monkeypatch.setattr("tokenry.service.oauth_clients.CLIENTS_PER_ACCOUNT_MAX", 2)
    create(app)
    second = create(app)
    answer = app.client.post(CLIENTS, headers=app.bearer, json={"label": "a", "redirect_uri": APP})
    assert answer.status_code == 400
    assert "at most 2 OAuth clients" in faults(answer)[0][0]
    app.client.delete(f"{CLIENTS}/{second['id']}", headers=app.bearer)
    create(app)


def test_everything_is_recorded(app: App) -> None:
    created = create(app)
    one = f"{CLIENTS}/{created['id']}"
    app.client.put(one, headers=app.bearer, json={"label": "Other"})
    app.client.put(one, headers=app.bearer, json={"label": "Other"})
    app.client.post(f"{one}/reset-secret", headers=app.bearer)
    app.client.delete(one, headers=app.bearer)
    of_client = {"client_id": created["id"]}
    told = [(action, details) for action, details in reversed(actions(app)) if of_client.items() <= details.items()]
    assert told == [
        ("client.create", {**of_client, "label": "Example App", "redirect_uris": [APP]}),
        ("client.update", {**of_client, "label": {"from": "Example App", "to": "Other"}}),
        ("client.reset_secret", of_client),
        ("client.delete", of_client),
    ]


def test_disabled_client_says_so(app: App) -> None:
    created = create(app)
    disable(app, created["id"])
    assert app.client.get(f"{CLIENTS}/{created['id']}", headers=app.bearer).json()["status"] == "disabled"
