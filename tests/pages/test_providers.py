"""Signing in by a provider: with a real one, by its own redirects, and with one that lies."""

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from tests.conftest import App, Clock, make_app
from tests.making import OPERATOR
from tests.openid.fake import FakeProvider, fake_provider
from tests.openid.real import CLIENT_ID, CLIENT_SECRET, RealProvider, Somebody, real_provider
from tests.pages.parts import OVERVIEW, PUBLIC_URL, Visitor, visitor
from tests.servers import wait_until
from tokenry.domain.users import UserChange
from tokenry.openid.attempts import LIFETIME
from tokenry.openid.relying_party import KEYS_PAUSE
from tokenry.service.installation import Installation
from tokenry.wiring import open_installation

PEOPLE: dict[str, dict[str, Any]] = {
    "ada": {"preferred_username": "ada", "email": "ada@acme.example", "email_verified": True, "groups": ["dev"]},
    "grace": {"preferred_username": "grace", "email": "grace@acme.example", "email_verified": True, "groups": ["ops"]},
    "mallory": {"preferred_username": "admin", "email": "boss@acme.example", "email_verified": False},
    "nobody": {},
    "cee": {"preferred_username": "cee", "organisation": "Child"},
}
CALLBACK = f"{PUBLIC_URL}/sign-in/callback/acme"


@pytest.fixture(scope="session")
def provider() -> Iterator[RealProvider]:
    """A real provider for all tests."""
    with real_provider(PEOPLE, CALLBACK) as provider:
        yield provider


class Site:
    """A site with providers, and its database."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.do: Installation = open_installation(app.settings, app.clock)

    def visitor(self, address: str = "testclient") -> Visitor:
        return visitor(self.app, address)

    def rows(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.app.settings.data_dir / "tokenry.db")) as connection:
            return connection.execute(statement).fetchall()

    @property
    def users(self) -> list[str]:
        return [user.username for user, _ in self.do.users.list_users()]


def make_site(tmp_path: Path, clock: Clock, tables: dict[str, dict[str, object]], **settings: Any) -> App:
    """A site with these providers."""
    file = tmp_path / "providers.toml"
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    ]
    file.write_text("\n".join(lines))
    file.chmod(0o600)
    return make_app(tmp_path / "data", clock, public_url=PUBLIC_URL, providers_file=file, **settings)


def acme(provider: RealProvider, **more: object) -> dict[str, dict[str, object]]:
    """The real provider as its operator describes it."""
    table = {"label": "Acme & Co", "issuer": provider.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return {"acme": {**table, "scopes": ["openid", "profile", "email", "work"], "create_users": True, **more}}


@pytest.fixture
def options() -> dict[str, object]:
    """What a test wants to be different about the provider."""
    return {}


@pytest.fixture
def site(tmp_path: Path, clock: Clock, provider: RealProvider, options: dict[str, object]) -> Iterator[Site]:
    """A site whose clock is that of the real provider, which nobody moves."""
    app = make_site(tmp_path, clock, acme(provider, **options))
    clock.seconds = time.time()
    with app.client:
        site = Site(app)
        yield site
        site.do.database.close()


def sign_in(ada: Visitor, somebody: Somebody | None = None, path: str = "/sign-in/with/acme") -> httpx2.Response:
    """Sign in by the real provider; the answer to coming back."""
    there = ada.get(path)
    assert there.status_code == 303, there.text
    return ada.get(own(somebody.let_in(there.headers["location"])) if somebody else "/")


def own(address: str) -> str:
    """The path and the query of an address of ours."""
    assert address.startswith(f"{PUBLIC_URL}/")
    return address.removeprefix(PUBLIC_URL)


def test_somebody_signs_in_by_redirects_alone(site: Site) -> None:
    ada = site.visitor()
    page = ada.get("/sign-in?next=/sign-out").text
    assert '<a class="button" href="/sign-in/with/acme?next=/sign-out">Sign in with Acme &amp; Co</a>' in page
    answer = sign_in(ada, Somebody("ada"), "/sign-in/with/acme?next=/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-out")
    assert ada.is_signed_in()
    assert site.users == ["ada", "admin"]
    assert site.rows("SELECT method FROM sessions") == [("oidc:acme",)]
    assert site.rows("SELECT method, succeeded FROM logins") == [("oidc:acme", 1)]
    assert [row[0] for row in site.rows("SELECT action FROM audit_events ORDER BY id DESC LIMIT 3")] == [
        "session.begin",
        "identity.link",
        "user.create",
    ]


def test_second_sign_in_is_the_same_user_after_the_keys_were_rotated(site: Site, provider: RealProvider) -> None:
    somebody = Somebody("ada")
    sign_in(site.visitor(), somebody)
    provider.rotate()
    site.app.clock.seconds += KEYS_PAUSE.total_seconds()
    ada = site.visitor()
    sign_in(ada, somebody)
    assert ada.is_signed_in()
    assert site.users == ["ada", "admin"]


def test_name_that_is_taken_is_left_to_who_has_it(site: Site) -> None:
    mallory = site.visitor()
    sign_in(mallory, Somebody("mallory"))
    assert "admin-2" in mallory.get(OVERVIEW).text
    assert site.users == ["admin", "admin-2"]


def test_somebody_without_a_name_is_told(site: Site) -> None:
    answer = sign_in(site.visitor(), Somebody("nobody"))
    assert answer.status_code == 403
    assert "there is no user for you here" in answer.text


def test_who_cancels_is_told(site: Site) -> None:
    ada = site.visitor()
    back = Somebody("ada").cancel(ada.get("/sign-in/with/acme").headers["location"])
    answer = ada.get(own(back))
    assert (answer.status_code, "did not let you in, or you cancelled" in answer.text) == (403, True)


@pytest.mark.parametrize("options", [{"create_users": False}])
def test_nobody_is_made_a_user_unless_the_operator_says_so(site: Site) -> None:
    ada = site.visitor()
    answer = sign_in(ada, Somebody("ada"))
    assert (answer.status_code, ada.is_signed_in(), site.users) == (403, False, ["admin"])
    assert site.rows("SELECT count(*) FROM identities") == [(0,)]


LINKING = {"create_users": False, "link_by_verified_email": True}


@pytest.mark.parametrize(
    ("options", "login", "linked"),
    [
        (LINKING, "ada", True),
        (LINKING, "mallory", False),
        ({"create_users": False}, "ada", False),
    ],
    ids=["verified", "unverified", "not allowed"],
)
def test_user_is_linked_by_a_verified_address_alone(site: Site, login: str, linked: bool) -> None:  # noqa: FBT001
    site.do.users.create_user(OPERATOR, username="countess", email=str(PEOPLE[login]["email"]))
    ada = site.visitor()
    sign_in(ada, Somebody(login))
    assert ada.is_signed_in() is linked
    assert ("countess" in ada.get(OVERVIEW).text) is linked


@pytest.mark.parametrize("options", [LINKING])
def test_address_that_two_users_have_links_neither(site: Site) -> None:
    for name in ("countess", "lovelace"):
        site.do.users.create_user(OPERATOR, username=name, email="ada@acme.example")
    assert sign_in(site.visitor(), Somebody("ada")).status_code == 403


@pytest.mark.parametrize("options", [{"admin_claim": "groups", "admin_value": "ops"}])
def test_administrators_are_those_of_the_mapping_each_time(site: Site) -> None:
    grace, ada = Somebody("grace"), Somebody("ada")
    admins = "SELECT username FROM users WHERE admin ORDER BY username"
    for _ in range(2):
        sign_in(site.visitor(), grace)
        sign_in(site.visitor(), ada)
        assert site.rows(admins) == [("admin",), ("grace",)]
        site.do.users.update_user(OPERATOR, "ada", UserChange(restricted=False))
        site.do.users.update_user(OPERATOR, "grace", UserChange(restricted=True))


@pytest.mark.parametrize("options", [{**LINKING, "admin_claim": "groups", "admin_value": "ops"}])
def test_last_administrator_stays_one(site: Site) -> None:
    site.do.users.update_user(OPERATOR, "admin", UserChange(email="ada@acme.example"))
    ada = site.visitor()
    sign_in(ada, Somebody("ada"))
    assert ada.is_signed_in()
    assert site.rows("SELECT admin FROM users") == [(1,)]


def test_disabled_user_stays_out(site: Site) -> None:
    somebody = Somebody("ada")
    sign_in(site.visitor(), somebody)
    site.do.users.disable_user(OPERATOR, "ada")
    ada = site.visitor()
    answer = sign_in(ada, somebody)
    assert (answer.status_code, "Your user is disabled" in answer.text) == (403, True)
    assert not ada.is_signed_in()
    assert site.rows("SELECT succeeded FROM logins ORDER BY id") == [(1,), (0,)]


def test_deleted_user_is_not_who_comes_back(site: Site) -> None:
    somebody = Somebody("ada")
    sign_in(site.visitor(), somebody)
    site.do.users.delete_user(OPERATOR, "ada")
    sign_in(site.visitor(), somebody)
    assert site.users == ["ada-2", "admin"]


@pytest.mark.parametrize("options", [{"account_claim": "organisation"}])
def test_account_is_that_of_the_claim(site: Site) -> None:
    child = site.do.accounts.create_account(OPERATOR, company="Child")
    sign_in(site.visitor(), Somebody("cee"))
    assert site.rows("SELECT account_id FROM users WHERE username = 'cee'") == [(child.id,)]
    assert sign_in(site.visitor(), Somebody("ada")).status_code == 403


def test_answer_is_taken_once(site: Site) -> None:
    ada = site.visitor()
    back = own(Somebody("ada").let_in(ada.get("/sign-in/with/acme").headers["location"]))
    cookie = dict(ada.client.cookies)
    assert ada.get(back).status_code == 303
    ada.client.cookies.clear()
    for name, value in cookie.items():
        ada.client.cookies.set(name, value, domain="tokens.example.com", path="/")
    answer = ada.get(back)
    assert (answer.status_code, ada.is_signed_in()) == (400, False)
    assert "or it is done" in answer.text


def test_answer_of_another_browser_signs_nobody_in(site: Site) -> None:
    ada, eve = site.visitor(), site.visitor()
    back = own(Somebody("ada").let_in(ada.get("/sign-in/with/acme").headers["location"]))
    assert eve.get(back).status_code == 400
    eve.get("/sign-in/with/acme")
    assert (eve.get(back).status_code, eve.is_signed_in()) == (400, False)
    assert ada.get(back).status_code == 303  # nobody else has used it up


def test_answer_to_a_sign_in_of_long_ago_signs_nobody_in(site: Site) -> None:
    ada = site.visitor()
    back = own(Somebody("ada").let_in(ada.get("/sign-in/with/acme").headers["location"]))
    site.app.clock.seconds += LIFETIME.total_seconds()
    assert ada.get(back).status_code == 400


def test_code_of_another_sign_in_is_not_taken(site: Site) -> None:
    """Somebody else's code, put into an answer to one's own sign-in, has another verifier and another nonce."""
    ada, eve = site.visitor(), site.visitor()
    stolen = parse_qs(urlsplit(Somebody("ada").let_in(ada.get("/sign-in/with/acme").headers["location"])).query)
    back = own(Somebody("mallory").let_in(eve.get("/sign-in/with/acme").headers["location"]))
    answer = eve.get(
        back.partition("?")[0] + "?" + urlencode({**dict(parse_qsl(urlsplit(back).query)), "code": stolen["code"][0]})
    )
    assert (answer.status_code, eve.is_signed_in()) == (400, False)


def test_address_to_go_on_to_is_one_of_ours(site: Site) -> None:
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        answer = sign_in(site.visitor(), Somebody("ada"), f"/sign-in/with/acme?{urlencode({'next': target})}")
        assert answer.headers["location"] == "/"


def test_long_address_to_go_on_to_is_left_out(site: Site) -> None:
    answer = sign_in(site.visitor(), Somebody("ada"), f"/sign-in/with/acme?next=/{'a' * 3000}")
    assert answer.headers["location"] == "/"


def test_who_is_signed_in_goes_on(site: Site) -> None:
    ada = site.visitor()
    sign_in(ada, Somebody("ada"))
    assert ada.get("/sign-in/with/acme?next=/sign-out").headers["location"] == "/sign-out"


def test_unknown_provider_is_not_there(site: Site) -> None:
    ada = site.visitor()
    assert ada.get("/sign-in/with/other").status_code == 404
    assert ada.get("/sign-in/callback/other?code=a&state=b").status_code == 404


def test_who_proves_anew_is_asked_by_the_provider_again(site: Site) -> None:
    ada, somebody, grace = site.visitor(), Somebody("ada"), Somebody("grace")
    sign_in(site.visitor(), grace)
    sign_in(ada, somebody)
    assert 'href="/sign-in/with/acme?again&amp;next=/"' in ada.get("/sign-in/again").text
    of_ada = "SELECT preview FROM sessions JOIN users ON users.id = user_id WHERE username = 'ada'"
    before = site.rows(of_ada)
    there = ada.get("/sign-in/with/acme?again&next=/sign-out").headers["location"]
    assert "prompt=login" in there
    assert sign_in(ada, grace, "/sign-in/with/acme?again").status_code == 403  # no proof of who it is
    assert site.rows(of_ada) == before
    answer = sign_in(ada, somebody, "/sign-in/with/acme?again&next=/sign-out")
    assert answer.headers["location"] == "/sign-out"
    after = site.rows(of_ada)
    assert len(after) == 1
    assert after != before
    assert ada.is_signed_in()


# --- a provider that lies ---------------------------------------------------------------------------------------------


@pytest.fixture
def fake(clock: Clock) -> Iterator[FakeProvider]:
    with fake_provider(clock) as fake:
        yield fake


@pytest.fixture
def two(tmp_path: Path, clock: Clock, fake: FakeProvider) -> Iterator[tuple[Site, FakeProvider, FakeProvider]]:
    """A site with two providers, an honest one and one that is not."""
    with fake_provider(clock) as evil:
        tables: dict[str, dict[str, object]] = {
            "acme": {"issuer": fake.url, "client_id": CLIENT_ID, "create_users": True},
            "evil": {"issuer": evil.url, "client_id": CLIENT_ID, "create_users": True},
        }
        app = make_site(tmp_path, clock, tables, rate_limit_sign_in=0)
        with app.client:
            site = Site(app)
            yield site, fake, evil
            site.do.database.close()


def begin(ada: Visitor, fake: FakeProvider, name: str = "acme") -> dict[str, str]:
    """What comes back from a provider that lets somebody in."""
    return fake.follow(ada.get(f"/sign-in/with/{name}").headers["location"])


def back(ada: Visitor, brought: dict[str, str], name: str = "acme") -> int:
    return ada.get(f"/sign-in/callback/{name}?{urlencode(brought)}").status_code


def test_answer_of_one_provider_is_not_taken_for_that_of_another(
    two: tuple[Site, FakeProvider, FakeProvider],
) -> None:
    """The evil one has sent somebody on to the honest one, to be given the code that comes back (RFC 9207)."""
    site, honest, evil = two
    ada = site.visitor()
    brought = begin(ada, evil, "evil")
    honest.nonce = evil.nonce
    assert back(ada, {**brought, "code": "of the honest one"}, "acme") == 400
    assert "/token" not in evil.asked + honest.asked
    assert back(ada, {**brought, "iss": honest.url}, "evil") == 400
    assert "/token" not in evil.asked


def test_answer_is_taken_once_also_by_a_provider_that_takes_its_code_again(
    two: tuple[Site, FakeProvider, FakeProvider],
) -> None:
    site, honest, _ = two
    ada, eve = site.visitor(), site.visitor()
    brought = begin(ada, honest)
    cookie = ada.client.cookies["__Host-tokenry-provider"]
    assert back(ada, brought) == 303
    eve.client.cookies.set("__Host-tokenry-provider", cookie, domain="tokens.example.com", path="/")
    assert (back(eve, brought), eve.is_signed_in()) == (400, False)


def test_same_subject_at_two_providers_is_two_people(two: tuple[Site, FakeProvider, FakeProvider]) -> None:
    site, honest, evil = two
    for fake, name in ((honest, "acme"), (evil, "evil")):
        ada = site.visitor()
        assert back(ada, begin(ada, fake, name), name) == 303
    assert site.users == ["ada", "ada-2", "admin"]


@pytest.mark.parametrize(
    "wrong", [{"state": "other"}, {"state": ""}, {"code": "a&code=b"}, {"iss": "https://other.example"}]
)
def test_answer_that_was_changed_signs_nobody_in(
    two: tuple[Site, FakeProvider, FakeProvider], wrong: dict[str, str]
) -> None:
    site, honest, _ = two
    ada = site.visitor()
    brought = {**begin(ada, honest), **wrong}
    raw = "&".join(f"{name}={value}" for name, value in brought.items())
    assert ada.get(f"/sign-in/callback/acme?{raw}").status_code == 400
    assert not ada.is_signed_in()


def test_nothing_of_a_stranger_is_on_the_page(two: tuple[Site, FakeProvider, FakeProvider]) -> None:
    site, honest, _ = two
    ada = site.visitor()
    brought = {**begin(ada, honest), "error": "<b>call", "error_description": "555-1234"}
    page = ada.get(f"/sign-in/callback/acme?{urlencode(brought)}")
    assert page.status_code == 403
    assert "call" not in page.text
    assert "555" not in page.text


def test_provider_that_is_down_is_said_and_the_other_signs_in(
    two: tuple[Site, FakeProvider, FakeProvider], caplog: pytest.LogCaptureFixture
) -> None:
    site, honest, evil = two
    evil.answers["/.well-known/openid-configuration"] = (500, [], b"<html>")
    ada = site.visitor()
    page = ada.get("/sign-in/with/evil")
    assert (page.status_code, "evil does not answer as it should" in page.text) == (503, True)
    assert back(ada, begin(ada, honest)) == 303


def test_slow_provider_holds_up_neither_the_other_nor_tokens(two: tuple[Site, FakeProvider, FakeProvider]) -> None:
    site, _, evil = two
    evil.drip_seconds = 0.02
    site.app.client.event_hooks = {}  # pages are not described
    client = site.app.client  # whose requests, from whatever thread, are all in one event loop
    with ThreadPoolExecutor(10) as threads:
        waiting = [threads.submit(client.get, "/sign-in/with/evil", follow_redirects=False) for _ in range(10)]
        wait_until(lambda: evil.asked, seconds=5)
        began = time.monotonic()
        there = client.get("/sign-in/with/acme", follow_redirects=False)
        assert client.get("/v4/profile", headers=site.app.bearer).status_code == 200
        assert (there.status_code, client.get("/sign-in").status_code) == (303, 200)
        assert time.monotonic() - began < 1
        assert not any(each.done() for each in waiting)
        evil.drip_seconds = 0
        assert {each.result().status_code for each in waiting} == {303}


def test_sign_ins_are_counted_by_address(tmp_path: Path, clock: Clock, fake: FakeProvider) -> None:
    tables: dict[str, dict[str, object]] = {"acme": {"issuer": fake.url, "client_id": CLIENT_ID, "create_users": True}}
    app = make_site(tmp_path, clock, tables, rate_limit_sign_in=1)
    with app.client:
        for _ in range(5):  # what was not begun here counts for nothing
            assert visitor(app, "192.0.2.1").get("/sign-in/callback/acme?code=a&state=b").status_code == 400
        statuses = []
        for _ in range(4):
            eve = visitor(app, "192.0.2.1")
            statuses.append(back(eve, begin(eve, fake)))
        assert statuses == [303, 303, 303, 429]
        eve = visitor(app, "192.0.2.2")
        assert back(eve, begin(eve, fake)) == 303
