"""Page tokens: a user's own browser changes that user's tokens by one, from listed origins, and can do nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import update

from tests.api.managing import MANAGES, at, backend_of, verify
from tests.api.parts import actions, faults, installation_of, new_bearer, rotate, routes
from tests.conftest import App, Clock, make_app
from tests.making import OPERATOR
from tokenry.api.managed.browser import BrowserResource
from tokenry.domain.callers import Callers
from tokenry.domain.policy import Policy, UserKind
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import PAGE, Secret
from tokenry.domain.tokens import NewToken
from tokenry.moments import write_moment
from tokenry.service.page_tokens import PageTokens
from tokenry.storage.audit import list_events
from tokenry.storage.schema import users
from tokenry.storage.uses import Use, record_uses
from tokenry.web.resource import Operation, Resource

ORIGIN = "https://app.example.com"
TOKENS = "/v4/tokenry/page/tokens"
SCOPES = "/v4/tokenry/page/scopes"
MINUTES = 60


@dataclass
class Page:
    """A page of the product, in the browser of one of its users."""

    app: App
    token: str

    def ask(self, method: str, path: str = TOKENS, *, body: object = None, **headers: str) -> Response:
        sent = {"Authorization": f"Bearer {self.token}", "Origin": ORIGIN, **headers}
        return self.app.client.request(method, path, json=body, headers=sent)

    def create(self, **body: object) -> dict[str, Any]:
        answer = self.ask("POST", body={"scopes": "linodes:read_only", **body})
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made


def page_of(app: App, backend: dict[str, str], user: str = "alice") -> Page:
    assert app.client.put(at(user), headers=backend).status_code == 200
    answer = app.client.post(f"{at(user)}/page-token", headers=backend)
    assert answer.status_code == 200, answer.text
    return Page(app, answer.json()["token"])


@pytest.fixture
def listing(tmp_path: Path, clock: Clock, migrated_url: str | None) -> Iterator[App]:
    """The application, whose operator has listed an origin; on both engines."""
    app = make_app(tmp_path / "data", clock, migrated_url, allowed_origins=ORIGIN)
    with app.client:
        yield app


@pytest.fixture
def page(tmp_path: Path, clock: Clock) -> Iterator[Page]:
    app = make_app(tmp_path / "data", clock, allowed_origins=ORIGIN)
    with app.client:
        yield page_of(app, backend_of(app))


def test_user_lists_makes_renames_rotates_and_revokes_tokens(listing: App) -> None:
    page = page_of(listing, backend_of(listing))
    made = page.create(label="laptop")
    assert verify(page.app, made["token"]) == 200
    assert [token["label"] for token in page.ask("GET").json()["data"]] == ["laptop"]
    one = f"{TOKENS}/{made['id']}"
    assert page.ask("PUT", one, body={"label": "phone"}).json()["label"] == "phone"
    rotated = page.ask("POST", f"{one}/rotate", body={"activate": "now", "grace": 0}).json()
    assert (verify(page.app, made["token"]), verify(page.app, rotated["token"])) == (401, 200)
    assert page.ask("DELETE", one).json() == {}
    assert verify(page.app, rotated["token"]) == 401


def test_list_has_what_has_not_ended_with_its_last_use(listing: App) -> None:
    backend = backend_of(listing)
    page = page_of(listing, backend)
    soon = write_moment(datetime.fromtimestamp(page.app.clock.seconds + 5 * MINUTES, UTC))
    expired, revoked, disabled, used = (
        page.create(label=label, expiry=soon if label == "expired" else None)
        for label in ("expired", "revoked", "disabled", "used")
    )
    page.app.clock.seconds += 5 * MINUTES
    page.ask("DELETE", f"{TOKENS}/{revoked['id']}")
    at_details = f"{at('alice')}/tokens/{disabled['id']}/details"
    assert page.app.client.put(at_details, headers=backend, json={"disabled": True}).status_code == 200
    installation = installation_of(page.app)
    with installation.database.write() as connection:
        record_uses(connection, [Use(used["id"], used["token"][:16], int(page.app.clock.seconds), None, None)])
    installation.database.close()
    newest_first = {"X-Filter": '{"+order_by": "last_used", "+order": "desc"}'}
    shown = page.ask("GET", **newest_first).json()["data"]
    assert expired["id"] not in {token["id"] for token in shown}
    assert [(token["label"], token["disabled"], token["last_used"]) for token in shown] == [
        ("used", False, soon),
        ("disabled", True, None),
    ]


def test_page_is_told_what_a_new_token_may_have(page: Page) -> None:
    """What whoever made the page token may give, within the policy: nothing more is taken, and all of that is."""
    scopes = [each["scope"] for each in page.ask("GET", SCOPES).json()["data"]]
    assert scopes == ["domains:read_only", "linodes:read_only", "linodes:read_write"]
    policy = Policy(
        lifetime_max=timedelta(days=9), scopes={UserKind.USER: Scopes.parse("linodes:read_only account:read_only")}
    )
    installation = installation_of(page.app)
    installation.policies.set_policy(OPERATOR, lambda _: policy)
    installation.database.close()
    told = page.ask("GET", f"{TOKENS}/policy").json()
    assert (told["scopes"], told["max_lifetime_seconds"], told["tokens"]) == ("linodes:read_only", 9 * 24 * 3600, 0)
    (only,) = page.ask("GET", SCOPES).json()["data"]
    assert only["scope"] == page.create(scopes=only["scope"])["scopes"] == "linodes:read_only"


def test_audit_says_who_acted_for_whom_and_by_what(page: Page) -> None:
    page.ask("DELETE", f"{TOKENS}/{page.create()['id']}")
    done = [(action, details) for action, details in actions(page.app) if details.get("page_token")]
    assert {action for action, _ in done} == {"page_token.create", "token.create", "token.revoke"}
    assert {details["page_token"] for _, details in done} == {page.token[:16]}
    assert {details["on_behalf_of"] for action, details in done if action.startswith("token.")} == {"alice"}
    installation = installation_of(page.app)
    with installation.database.read() as connection:
        actors = {event.actor for event in list_events(connection, limit=2)}
    installation.database.close()
    assert actors == {"backend"}


def test_it_makes_no_token_that_exceeds_the_ceiling_or_the_policy(page: Page) -> None:
    for scopes in ("domains:read_write", "account:read_only", "tokenry_tokens:read_write"):
        assert [field for _, field in faults(page.ask("POST", body={"scopes": scopes}))] == ["scopes"]
    assert page.create(scopes="*")["scopes"] == "linodes:read_write domains:read_only"
    installation = installation_of(page.app)
    wide, _ = installation.tokens.create_token_for(OPERATOR, "alice", NewToken(scopes="account:read_only"))
    installation.database.close()
    assert page.ask("POST", f"{TOKENS}/{wide.id}/rotate", body={}).status_code == 400


def test_it_neither_sets_metadata_nor_sees_it(page: Page) -> None:
    """That is the product's word about its user, by which services go."""
    made = page.create()
    for method, path in (
        ("POST", TOKENS),
        ("PUT", f"{TOKENS}/{made['id']}"),
        ("POST", f"{TOKENS}/{made['id']}/rotate"),
    ):
        assert [field for _, field in faults(page.ask(method, path, body={"metadata": {"plan": "pro"}}))] == [
            "metadata"
        ]
    assert "metadata" not in page.ask("GET").json()["data"][0]
    guessed = page.ask("GET", **{"X-Filter": '{"metadata.plan": "pro"}'})
    assert faults(guessed) == [("Cannot filter on metadata.plan", "X-Filter")]


def test_tokens_of_others_are_not_there(page: Page) -> None:
    other = page_of(page.app, backend_of(page.app, name="second"), "bob")
    mine = page.create()
    for method, path, body in (("PUT", "", {"label": "x"}), ("DELETE", "", None), ("POST", "/rotate", {})):
        assert other.ask(method, f"{TOKENS}/{mine['id']}{path}", body=body).status_code == 404
    assert other.ask("GET").json()["data"] == []


def test_keys_of_two_users_of_one_backend_are_two(page: Page) -> None:
    """Otherwise one user's page would be given the token of another's."""
    installation = installation_of(page.app)
    _, backend = installation.tokens.create_token_for(OPERATOR, "backend", NewToken(scopes=MANAGES))
    installation.database.close()
    other = page_of(page.app, {"Authorization": f"Bearer {backend.reveal()}"}, "bob")
    key = {"Idempotency-Key": "1"}
    mine, theirs = (each.ask("POST", body={"scopes": "linodes:read_only"}, **key).json() for each in (page, other))
    assert mine["id"] != theirs["id"]
    again = page.ask("POST", body={"scopes": "linodes:read_only"}, **key).json()
    assert again["id"] == mine["id"]


# --- what it cannot do -----------------------------------------------------------------------------------------------


def every_operation(app: App) -> Iterator[tuple[str, str, Resource | None, Operation | None]]:
    for route in routes(app):
        path = route.path.replace("{token_id}", "1").replace("{", "").replace("}", "")
        if isinstance(route.app, Resource):
            for method, operation in route.app.operations.items():
                yield method, path, route.app, operation
        else:
            for method in ("GET", "POST"):
                yield method, path, None, None


def test_it_opens_no_other_path(page: Page) -> None:
    """Every route of the table: it is refused, or means as much as a token that is none."""
    tried = 0
    page.app.client.event_hooks = {}  # pages for people are not described
    junk = {"Authorization": f"Bearer {Secret.generate(kind=PAGE).reveal()}", "Origin": ORIGIN}
    held = {**junk, "Authorization": f"Bearer {page.token}"}
    for method, path, resource, operation in every_operation(page.app):
        if isinstance(resource, BrowserResource):
            continue
        answers = [page.app.client.request(method, path, headers=each, follow_redirects=False) for each in (held, junk)]
        assert answers[0].status_code == answers[1].status_code, (method, path)
        if operation is not None and operation.who is not Callers.ANYBODY:
            assert answers[0].status_code in {401, 429}, (method, path)
            tried += 1
    assert tried > 100
    assert page.ask("GET").status_code == 200, "it was good all along"


def test_it_is_none_of_the_tokens_that_are_asked_about(page: Page) -> None:
    asked = page.app.client.post("/oauth/introspect", headers=page.app.bearer, data={"token": page.token})
    assert asked.json() == {"active": False}


def test_its_paths_take_nothing_else(page: Page) -> None:
    """Neither the user's own token nor that of who made it, nor an administrator's."""
    made = page.create(scopes="*")
    other = backend_of(page.app, name="second")["Authorization"]
    tried = 0
    for authorization in (f"Bearer {made['token']}", other, page.app.bearer["Authorization"], "Bearer x", "Basic eDp4"):
        for method, path, resource, _ in every_operation(page.app):
            if isinstance(resource, BrowserResource):
                answer = page.ask(method, path, Authorization=authorization)
                assert answer.status_code in {401, 429}, (method, path)
                tried += 1
    assert tried > 20


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "https://evil.example",
        f"{ORIGIN}.evil.example",
        f"{ORIGIN}/",
        f"{ORIGIN}:444",
        "http://app.example.com",
        "HTTPS://APP.EXAMPLE.COM",
        f"{ORIGIN} {ORIGIN}",
        "*",
    ],
)
def test_origin_that_is_not_listed_is_refused_on_every_path(page: Page, origin: str | None) -> None:
    headers = {"Authorization": f"Bearer {page.token}"} | ({} if origin is None else {"Origin": origin})
    tried = 0
    for method, path, resource, _ in every_operation(page.app):
        if isinstance(resource, BrowserResource):
            for each in (method, "OPTIONS"):
                answer = page.app.client.request(each, path, headers=headers)
                assert answer.status_code == 403
                assert "access-control-allow-origin" not in answer.headers
                assert answer.headers["vary"] == "Origin"
                tried += 1
    assert tried > 10
    assert page.ask("GET").json()["data"] == []


def test_doubled_origin_is_refused(page: Page) -> None:
    headers = [("Authorization", f"Bearer {page.token}"), ("Origin", ORIGIN), ("Origin", ORIGIN)]
    assert page.app.client.get(TOKENS, headers=headers).status_code == 403


# --- who may read ----------------------------------------------------------------------------------------------------


def test_page_of_a_listed_origin_may_read_every_answer(page: Page) -> None:
    for answer in (
        page.ask("GET"),
        page.ask("GET", f"{TOKENS}?page=0"),
        page.ask("GET", Authorization="Bearer x"),
        page.ask("PATCH"),
        page.ask("DELETE", f"{TOKENS}/999"),
    ):
        assert answer.headers.get_list("access-control-allow-origin") == [ORIGIN]
        assert answer.headers.get_list("vary") == ["Origin"]
        assert "access-control-allow-credentials" not in answer.headers
        assert "x-ratelimit-remaining" in answer.headers["access-control-expose-headers"].lower()
        assert answer.headers["cache-control"].endswith("no-store")


def test_failure_is_told_to_the_page(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PageTokens, "on_behalf", None)
    page.app.client._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
    answer = page.ask("GET")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (500, ORIGIN)


def test_preflight_says_what_a_page_may_send(page: Page) -> None:
    asks = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = page.app.client.options(f"{TOKENS}/1/rotate", headers=asks)
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert "Idempotency-Key" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers


# --- when it ends ----------------------------------------------------------------------------------------------------


def test_it_ends_after_a_quarter_of_an_hour(page: Page) -> None:
    page.app.clock.seconds += 15 * MINUTES - 1
    assert page.ask("GET").status_code == 200
    page.app.clock.seconds += 1
    assert page.ask("GET").status_code == 401


def test_it_ends_with_its_user(listing: App) -> None:
    page = page_of(listing, backend_of(listing))
    backend = backend_of(page.app, name="second")
    page.app.client.patch(at("alice"), headers=backend, json={"disabled": True})
    assert page.ask("GET").status_code == 401
    page.app.client.patch(at("alice"), headers=backend, json={"disabled": False})
    assert page.ask("GET").status_code == 401, "it does not come back"
    assert page.app.client.post(f"{at('alice')}/page-token", headers=backend).status_code == 200
    again = page_of(page.app, backend)
    page.app.client.post(f"{at('alice')}/tokens/revoke-all", headers=backend)
    assert again.ask("GET").status_code == 401
    last = page_of(page.app, backend)
    page.app.client.delete(at("alice"), headers=backend)
    assert last.ask("GET").status_code == 401


def test_it_ends_when_its_user_becomes_an_administrator(page: Page) -> None:
    page.app.client.put("/v4/account/users/alice", headers=page.app.bearer, json={"restricted": False})
    for method, body in (("GET", None), ("POST", {})):
        assert page.ask(method, body=body).status_code == 401


@pytest.mark.parametrize("end", ["disable", "delete", "revoke", "demote"])
def test_it_ends_with_who_made_it(listing: App, end: str) -> None:
    app = listing
    backend = backend_of(app)
    page = page_of(app, backend)
    made = page.create()
    installation = installation_of(app)
    if end == "disable":
        installation.users.disable_user(OPERATOR, "backend")
    elif end == "delete":
        installation.users.delete_user(OPERATOR, "backend")
    elif end == "revoke":
        found = app.client.get("/verify", headers=backend).headers["x-auth-token-id"]
        installation.tokens.revoke_any_token(OPERATOR, int(found))
    else:
        with installation.database.write() as connection:
            connection.execute(update(users).where(users.c.username == "backend").values(service=False))
    installation.database.close()
    one = f"{TOKENS}/{made['id']}"
    for method, path, body in (
        ("GET", TOKENS, None),
        ("POST", TOKENS, {}),
        ("PUT", one, {"label": "x"}),
        ("DELETE", one, None),
    ):
        assert page.ask(method, path, body=body).status_code == 401
    assert verify(app, made["token"]) == 200


def test_it_outlives_a_rotation_of_the_token_that_made_it(listing: App) -> None:
    page = page_of(listing, listing.bearer)
    rotate(listing, 1, activate="now", grace=0)
    assert verify(listing, listing.token) == 401
    assert page.ask("GET").status_code == 200


def test_it_opens_nothing_while_the_token_that_made_it_is_disabled(page: Page) -> None:
    app = page.app
    of_admin, other = page_of(app, app.bearer, "bob"), new_bearer(app)
    for disabled, status in ((True, 401), (False, 200)):
        app.client.put("/v4/profile/tokens/1/details", headers=other, json={"disabled": disabled})
        assert of_admin.ask("GET").status_code == status
        assert of_admin.ask("POST", body={}).status_code == status


# --- who may make one ------------------------------------------------------------------------------------------------


def test_nobody_makes_one_where_no_origin_is_listed(app: App) -> None:
    backend = backend_of(app)
    app.client.put(at("alice"), headers=backend)
    answer = app.client.post(f"{at('alice')}/page-token", headers=backend)
    assert answer.status_code == 400
    assert "TOKENRY_ALLOWED_ORIGINS" in answer.text
    assert app.client.get(TOKENS, headers={"Origin": ORIGIN}).status_code == 403


def test_it_is_for_an_enabled_user_who_is_there(page: Page) -> None:
    backend = backend_of(page.app, name="second")
    assert page.app.client.post(f"{at('nobody')}/page-token", headers=backend).status_code == 404
    assert page.app.client.post(f"{at('alice')}/page-token", headers=backend, json={"minutes": 60}).status_code == 400
    page.app.client.patch(at("alice"), headers=backend, json={"disabled": True})
    assert page.app.client.post(f"{at('alice')}/page-token", headers=backend).status_code == 400
    reader = backend_of(page.app, name="reader", scopes="tokenry_users:read_write tokenry_tokens:read_only")
    assert page.app.client.post(f"{at('alice')}/page-token", headers=reader).status_code == 401
