"""The page that an application sends somebody to: what it shows, what is agreed to by it, and by whom."""

import json
import re
import sqlite3
from contextlib import closing
from functools import partial
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import App
from tests.oauth_making import CHALLENGE, REDIRECT_URI, VERIFIER, add_client
from tests.pages.parts import APPLICATIONS, OVERVIEW, PUBLIC_URL, Visitor, hidden, sign_in_as, visitor
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.codes import PresentedCode
from tokenry.domain.oauth import OAuthError
from tokenry.pages.paths import AUTHORIZE, TARGET_LENGTH_MAX, sign_in_path
from tokenry.service.grants.issuing import Issued
from tokenry.wiring import open_installation

GIVEN = ("authorization_codes", "oauth_grants", "apps")
LOOPBACK = "http://127.0.0.1/cb"


def client_at(app: App, **columns: Any) -> Client:
    installation = open_installation(app.settings, app.clock)
    try:
        return add_client(installation.database, **columns)
    finally:
        installation.database.close()


def ask(client: Client, **changed: str | None) -> str:
    """The address of a good request, but for these parameters; one that is None is left out."""
    sent = {
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": client.redirect_uris[0],
        "scope": "linodes:read_only domains:read_write",
        "state": "a b&c",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changed,
    }
    return f"{AUTHORIZE}?{urlencode({name: value for name, value in sent.items() if value is not None})}"


def decide(ada: Visitor, address: str, decision: str = "agree", **form: str) -> httpx2.Response:
    """Open a request, and send its form."""
    page = ada.get(address)
    assert page.status_code == 200, page.text
    return ada.post(address_of_form(page), {**fields(page), "decision": decision, **form})


def fields(page: httpx2.Response) -> dict[str, str]:
    """The hidden fields of the form that decides."""
    return hidden(page.text.partition('action="/oauth/authorize')[2].partition("</form>")[0])


def address_of_form(page: httpx2.Response) -> str:
    [action] = re.findall(r'<form method="post" action="(/oauth/authorize[^"]*)">', page.text)
    return str(action).replace("&amp;", "&")


def told(answer: httpx2.Response) -> dict[str, str]:
    """What a client is told in the query of its address."""
    assert answer.status_code == 303, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def exchange(app: App, client: Client, code: str) -> Issued:
    installation = open_installation(app.settings, app.clock)
    try:
        presented = PresentedCode(code, client.redirect_uris[0], VERIFIER)
        return installation.authorization_codes.exchange_code(Origin("client:x"), client, presented)
    finally:
        installation.database.close()


def rows(app: App, *tables: str) -> int:
    """How many codes, grants and apps there are."""
    with closing(sqlite3.connect(app.settings.data_dir / "tokenry.db")) as connection:
        counts = [f"SELECT count(*) FROM {table}" for table in tables or GIVEN]
        return sum(connection.execute(count).fetchone()[0] for count in counts)


@pytest.fixture
def admin(site: App, ada: Visitor) -> Visitor:
    """Somebody who is signed in."""
    sign_in_as(site, ada)
    return ada


def test_who_is_not_signed_in_signs_in_and_comes_back_with_all_that_was_asked(site: App, ada: Visitor) -> None:
    state = '{|}^`"<>\\ä💥' + "s" * 1000
    answer = ada.get(ask(client_at(site), state=state))
    assert answer.status_code == 303
    path, query = answer.headers["location"].split("?")
    [target] = parse_qs(query)["next"]
    assert path == "/sign-in"
    sign_in_as(site, ada)
    assert told(decide(ada, target))["state"] == state


def test_somebody_else_can_sign_in_and_go_on(site: App, admin: Visitor) -> None:
    page = admin.get(ask(client_at(site)))
    answer = admin.post("/sign-out", hidden(page.text))
    assert answer.headers["location"] == sign_in_path(address_of_form(page))
    assert not admin.is_signed_in()
    answer = admin.post("/sign-out", {**hidden(admin.get("/sign-in").text), "next": "https://evil.example"})
    assert answer.headers["location"] == "/sign-in"


def test_request_that_could_not_be_gone_on_with_is_a_page_that_says_so(site: App, ada: Visitor) -> None:
    answer = ada.get(ask(client_at(site)) + "&x=" + "a" * TARGET_LENGTH_MAX)
    assert (answer.status_code, answer.headers.get("location")) == (400, None)


def test_page_says_who_asks_for_what_and_for_how_long(site: App, admin: Visitor) -> None:
    client = client_at(site, label="Nice <b>App</b>\u202e", website="https://nice.example", narrowing=True)
    page = admin.get(ask(client, resource="https://mcp.example/a"))
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text))
    for words in (
        "Let Nice &lt;b&gt;App&lt;/b&gt;\ufffd in?",
        "You are signed in as admin",
        "From here you go to the website app.example",
        "It says that its website is https://nice.example",
        "Registered here 15 Jun 2025",
        "For use at https://mcp.example/a",
        "until you end it, and at most 365 days",
        "Nobody has verified this application",
        "See and change : Domains and their records domains:read_write",
        "See: Compute instances linodes:read_only",
    ):
        assert words in shown, words
    assert "script" not in page.text
    assert page.text.count('type="checkbox"') == 2


def test_verified_client_and_short_access_are_told_as_such(site: App, admin: Visitor) -> None:
    page = admin.get(ask(client_at(site, verified=True, grant_types="authorization_code")))
    assert "Nobody has verified" not in page.text
    assert "The operator of this service knows this application" in page.text
    assert "<dd>2 hours</dd>" in page.text


def test_everything_stands_out(site: App, admin: Visitor) -> None:
    assert "<strong>Everything that you may do</strong>" in admin.get(ask(client_at(site), scope="*")).text
    assert "<strong>tokens of its own</strong>" in admin.get(ask(client_at(site), scope="account:read_write")).text


DESTINATIONS = [
    (REDIRECT_URI, "the website app.example", "https:"),
    ("https://app.example:8443/cb?a=1", "the website app.example", "https:"),
    ("http://127.0.0.1:49152/cb", "a program on this device (127.0.0.1)", "http: https:"),
    ("http://localhost:5000", "a program on this device (localhost)", "http: https:"),
    ("http://[::1]:5000/cb", "a program on this device (::1)", "http: https:"),
    ("https://192.0.2.1/cb", "the website 192.0.2.1", "https:"),
    ("com.example.app:/cb", "an app on this device (which opens com.example.app: addresses)", "com.example.app:"),
]


def test_form_may_lead_to_where_the_client_is_and_on_from_there(site: App, admin: Visitor) -> None:
    for redirect_uri, described, source in DESTINATIONS:
        client = client_at(site, redirect_uris=json.dumps([redirect_uri]))
        page = admin.get(ask(client))
        assert f"<dd>{described}</dd>" in page.text
        assert f"; form-action 'self' {source};" in page.headers["content-security-policy"]
        answer = decide(admin, ask(client))
        assert answer.headers["location"].startswith(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}code=")


def test_agreeing_sends_a_code_and_who_answers(site: App, admin: Visitor) -> None:
    client = client_at(site)
    answer = decide(admin, ask(client))
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}?")
    sent = told(answer)
    assert list(sent) == ["code", "state", "iss"]
    assert (sent["state"], sent["iss"]) == ("a b&c", PUBLIC_URL)
    grant = exchange(site, client, sent["code"]).grant
    assert str(grant.scopes) == "linodes:read_only domains:read_write"


def test_cancelling_tells_the_client_and_gives_nothing(site: App, admin: Visitor) -> None:
    answer = told(decide(admin, ask(client_at(site)), "cancel"))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "a b&c", PUBLIC_URL)
    assert rows(site) == 0


def test_form_without_a_decision_is_shown_again(site: App, admin: Visitor) -> None:
    assert decide(admin, ask(client_at(site)), "whatever").status_code == 200
    assert rows(site) == 0


def test_command_line_of_the_wire_format_finds_its_token_in_the_fragment(site: App, admin: Visitor) -> None:
    """Its page takes what follows `access_token=` in the fragment."""
    client = client_at(site, grant_types="implicit", pkce_required=False, redirect_uris='["http://localhost"]')
    address = ask(client, response_type="token", scope=None, scopes="*", redirect_uri="http://localhost:49152")
    answer = decide(admin, address.replace("&code_challenge_method=S256", ""))
    base, fragment = answer.headers["location"].split("#")
    assert (answer.status_code, base) == (303, "http://localhost:49152")
    [token] = re.findall("access_token=([a-z0-9]+)&", fragment)
    assert re.fullmatch(
        r"access_token=[a-z0-9]{54}&token_type=bearer&expires_in=7200&scope=%2A&state=a\+b%26c&iss=.*", fragment
    )
    asked = site.client.get("/verify?scope=linodes:read_write", headers={"Authorization": f"Bearer {token}"})
    assert asked.status_code == 200


def test_what_is_unticked_is_not_given(site: App, admin: Visitor) -> None:
    client = client_at(site, narrowing=True)
    sent = told(decide(admin, ask(client), scope="linodes:read_only"))
    assert str(exchange(site, client, sent["code"]).grant.scopes) == "linodes:read_only"


def test_who_unticks_all_is_asked_to_choose(site: App, admin: Visitor) -> None:
    answer = decide(admin, ask(client_at(site, narrowing=True)))
    assert (answer.status_code, "Choose what the application may do" in answer.text) == (400, True)
    assert rows(site) == 0


def test_form_that_was_changed_gives_nothing_more(site: App, admin: Visitor) -> None:
    address = ask(client_at(site, narrowing=True))
    for scope in ("*", "linodes:read_write", "images:read_only", "nonsense", "domains:read_write *"):
        answer = decide(admin, address, scope=scope)
        assert (answer.status_code, rows(site)) == (400, 0), scope


def test_form_of_a_client_whose_users_cannot_untick_has_no_say_in_scopes(site: App, admin: Visitor) -> None:
    client = client_at(site)
    sent = told(decide(admin, ask(client), scope="*"))
    assert str(exchange(site, client, sent["code"]).grant.scopes) == "linodes:read_only domains:read_write"


def test_agreement_sent_to_another_request_is_asked_for_again(site: App, admin: Visitor) -> None:
    client, other = client_at(site), client_at(site, label="Another App")
    form = {**fields(admin.get(ask(client))), "decision": "agree"}
    for change in (
        {"scope": "*"},
        {"state": "of the attacker"},
        {"code_challenge": "a" * 43},
        {"resource": "https://evil.example"},
        {"client_id": other.client_id},
    ):
        answer = admin.post(ask(client, **change), form)
        assert (answer.status_code, rows(site)) == (409, 0), change
        assert "has changed meanwhile" in answer.text


def test_two_tabs_are_decided_each_for_itself(site: App, admin: Visitor) -> None:
    client = client_at(site)
    first, second = (admin.get(ask(client, scope=scope)) for scope in ("linodes:read_only", "domains:read_only"))
    for page, scopes in ((second, "domains:read_only"), (first, "linodes:read_only")):
        sent = told(admin.post(address_of_form(page), {**fields(page), "decision": "agree"}))
        assert str(exchange(site, client, sent["code"]).grant.scopes) == scopes


FORGERIES: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, {}),
    ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, {}),
    ({"Origin": "", "Sec-Fetch-Site": "same-site"}, {}),
    ({}, {"form_token": ""}),
    ({}, {"form_token": "x" * 43}),
]
"""What another site's form comes with, and what it cannot have."""


def test_agreement_that_another_site_sends_counts_for_nothing(site: App, admin: Visitor) -> None:
    page = admin.get(ask(client_at(site)))
    for headers, changed in FORGERIES:
        answer = admin.post(address_of_form(page), {**fields(page), "decision": "agree", **changed}, **headers)
        assert (answer.status_code, answer.headers.get("location"), rows(site)) == (403, None, 0)


def test_agreement_of_another_session_counts_for_nothing(site: App, admin: Visitor) -> None:
    eve, address = visitor(site), ask(client_at(site))
    sign_in_as(site, eve)
    form = {**fields(eve.get(address)), "decision": "agree"}
    assert (admin.post(address, form).status_code, rows(site)) == (403, 0)


def test_agreement_after_signing_out_is_none_and_asks_to_sign_in(site: App, admin: Visitor) -> None:
    page = admin.get(ask(client_at(site)))
    cookie = admin.client.cookies["__Host-tokenry"]
    admin.submit("/sign-out")
    admin.client.cookies.set("__Host-tokenry", cookie, domain="tokens.example.com", path="/")
    answer = admin.post(address_of_form(page), {**fields(page), "decision": "agree"})
    assert answer.headers["location"].startswith("/sign-in?next=/oauth/authorize")
    assert rows(site) == 0


PAGES: list[dict[str, str | None]] = [
    {"client_id": None},
    {"client_id": "unknown"},
    {"client_id": "\0"},
    {"redirect_uri": "https://evil.example/callback"},
    {"redirect_uri": f"{REDIRECT_URI}/../x"},
    {"redirect_uri": f"{REDIRECT_URI}#x"},
    {"redirect_uri": "https://app.example@evil.example/callback"},
    {"redirect_uri": "https://app.example.evil.example/callback", "response_type": "nonsense"},
    {"redirect_uri": "https://evil.example/callback", "prompt": "none"},
    {"request_uri": "https://evil.example/request"},
    {"request_uri": "urn:ietf:params:oauth:request_uri:opr_"},
]


def test_nobody_is_sent_anywhere_before_it_is_known_who_asks(site: App, ada: Visitor) -> None:
    """Whoever is signed in or not, and whatever else is wrong: this service redirects to no stranger."""
    client, disabled = client_at(site), client_at(site, disabled_at=1)
    for _ in range(2):
        for change in PAGES:
            answer = ada.get(ask(client, **change))
            assert (answer.status_code, answer.headers.get("location")) == (400, None), change
            assert "This application cannot be let in" in answer.text
        assert ada.get(ask(disabled)).status_code == 400
        sign_in_as(site, ada)


TOLD: list[tuple[dict[str, str | None], OAuthError]] = [
    ({"response_type": None}, OAuthError.INVALID_REQUEST),
    ({"response_type": "id_token"}, OAuthError.UNSUPPORTED_RESPONSE_TYPE),
    ({"response_mode": "fragment"}, OAuthError.INVALID_REQUEST),
    ({"scope": "nonsense"}, OAuthError.INVALID_SCOPE),
    ({"scope": None}, OAuthError.INVALID_SCOPE),
    ({"scopes": "*"}, OAuthError.INVALID_REQUEST),
    ({"code_challenge": None, "code_challenge_method": None}, OAuthError.INVALID_REQUEST),
    ({"code_challenge_method": "plain"}, OAuthError.INVALID_REQUEST),
    ({"code_challenge_method": None}, OAuthError.INVALID_REQUEST),
    ({"resource": "mcp"}, OAuthError.INVALID_TARGET),
    ({"request": "e.e."}, OAuthError.REQUEST_NOT_SUPPORTED),
    ({"prompt": "none"}, OAuthError.CONSENT_REQUIRED),
]


def test_client_is_told_what_is_wrong_with_its_request(site: App, admin: Visitor) -> None:
    client = client_at(site)
    for change, code in TOLD:
        answer = admin.get(ask(client, **change))
        assert answer.headers["location"].startswith(f"{REDIRECT_URI}?error="), change
        sent = told(answer)
        assert (sent["error"], sent["state"], sent["iss"]) == (code, "a b&c", PUBLIC_URL)
    assert rows(site) == 0


@pytest.mark.parametrize("how", [{"registration_preview": "ora_0123456789ab"}, {"document_until": 1 << 40}])
def test_nobody_is_sent_by_an_error_to_where_a_stranger_registered(
    site: App, admin: Visitor, how: dict[str, Any]
) -> None:
    """Else an address of ours would lead anywhere. The user may go on; who has decided on our page does."""
    client = client_at(site, **how)
    for change, code in TOLD:
        page = admin.get(ask(client, **change))
        assert (page.status_code, "location" in page.headers) == (400, False), change
        assert f'href="{REDIRECT_URI}?error={code}&amp;' in page.text, change
    assert visitor(site).get(ask(client, prompt="none")).status_code == 400
    assert told(decide(admin, ask(client), "cancel"))["error"] == "access_denied"
    exchange(site, client, told(decide(admin, ask(client)))["code"])
    assert "code" in told(admin.get(ask(client, prompt="none")))
    faces: list[dict[str, Any]] = [{"verified": True}, {"redirect_uris": json.dumps([LOOPBACK])}]
    for number, face in enumerate(faces):
        trusted = client_at(site, registration_preview=f"ora_{number}", **face)
        assert told(admin.get(ask(trusted, scope="nonsense")))["error"] == "invalid_scope"


def test_implicit_client_is_told_in_the_fragment_and_its_token_goes_into_no_query(site: App, admin: Visitor) -> None:
    client = client_at(site, grant_types="implicit", pkce_required=False)
    for change in ({"response_mode": "query"}, {"scope": "nonsense"}, {"prompt": "none"}):
        location = admin.get(ask(client, response_type="token", **change)).headers["location"]
        assert location.startswith(f"{REDIRECT_URI}#error=")
        assert "?" not in location


def test_user_who_agreed_before_is_not_asked_again_unless_the_client_wants_it(site: App, admin: Visitor) -> None:
    client = client_at(site)
    exchange(site, client, told(decide(admin, ask(client)))["code"])
    for prompt in (None, "none"):
        again = told(admin.get(ask(client, prompt=prompt)))
        assert exchange(site, client, again["code"]).grant.user_id == 1
    for prompt in ("consent", "select_account"):
        assert admin.get(ask(client, prompt=prompt)).status_code == 200
    assert admin.get(ask(client, scope="images:read_only")).status_code == 200
    assert told(admin.get(ask(client, scope="images:read_only", prompt="none")))["error"] == "consent_required"


def test_head_gives_nothing_also_where_the_user_agreed_before(site: App, admin: Visitor) -> None:
    client = client_at(site)
    exchange(site, client, told(decide(admin, ask(client)))["code"])
    before = rows(site)
    answer = admin.client.head(ask(client))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert rows(site) == before
    assert "code" in told(admin.get(ask(client)))


def test_application_that_was_let_in_is_shown_at_home_and_ended_there(site: App, admin: Visitor) -> None:
    client = client_at(site, label="Report <Maker>")
    access = exchange(site, client, told(decide(admin, ask(client)))["code"]).access
    asked = partial(site.client.get, "/verify", headers={"Authorization": f"Bearer {access.reveal()}"})
    assert asked().status_code == 200
    page = admin.get(APPLICATIONS).text
    assert "Report &lt;Maker&gt;" in page
    form = hidden(page)
    eve = visitor(site)
    sign_in_as(site, eve)
    assert eve.post(APPLICATIONS, form).status_code == 403
    assert asked().status_code == 200
    assert admin.post(APPLICATIONS, form).headers["location"] == APPLICATIONS
    assert "That application is not let in any more." in admin.get(OVERVIEW).text
    assert "Report" not in admin.get(OVERVIEW).text
    assert asked().status_code == 401


def test_user_of_a_program_on_the_device_is_asked_each_time(site: App, admin: Visitor) -> None:
    client = client_at(site, redirect_uris=json.dumps([LOOPBACK]))
    exchange(site, client, told(decide(admin, ask(client)))["code"])
    assert admin.get(ask(client)).status_code == 200


def test_nobody_is_asked_to_sign_in_silently(site: App, ada: Visitor) -> None:
    assert told(ada.get(ask(client_at(site), prompt="none")))["error"] == "login_required"


def test_client_can_have_its_user_sign_in_anew(site: App, admin: Visitor) -> None:
    answer = admin.get(ask(client_at(site), prompt="login consent"))
    path, _, query = answer.headers["location"].partition("?next=")
    assert (answer.status_code, path) == (303, "/sign-in/again")
    assert parse_qs(urlsplit(unquote(query)).query)["prompt"] == ["consent"]
    assert admin.get(unquote(query)).status_code == 200


def test_who_lets_in_what_could_make_tokens_of_its_own_proves_who_that_is(site: App, admin: Visitor) -> None:
    client = client_at(site)
    page = admin.get(ask(client, scope="*"))
    site.clock.seconds += 301
    assert admin.get(ask(client)).status_code == 200
    for answer in (
        admin.get(ask(client, scope="*")),
        admin.get(ask(client, scope="account:read_write")),
        admin.post(address_of_form(page), {**fields(page), "decision": "agree"}),
    ):
        assert answer.headers["location"].startswith("/sign-in/again?next=/oauth/authorize")
    assert rows(site) == 0


def test_pushed_request_goes_on_after_signing_in_and_is_decided_once(site: App, ada: Visitor) -> None:
    client = client_at(site, par_required=True)
    installation = open_installation(site.settings, site.clock)
    pushed = {name: [value] for name, value in parse_qsl(urlsplit(ask(client, prompt="login")).query)}
    uri = installation.pushed_requests.push_request(client, pushed)
    installation.database.close()
    address = f"{AUTHORIZE}?{urlencode({'client_id': client.client_id, 'request_uri': uri})}"
    assert ada.get(address).headers["location"].startswith("/sign-in?next=")
    site.clock.seconds += 100
    sign_in_as(site, ada)
    assert told(decide(ada, address))["state"] == "a b&c"
    assert ada.get(address).status_code == 400
    assert told(ada.get(ask(client)))["error"] == "invalid_request"


def test_what_is_asked_and_sent_is_not_in_the_log(site: App, admin: Visitor, capfd: pytest.CaptureFixture[str]) -> None:
    code = told(decide(admin, ask(client_at(site), state="secret-state")))["code"]
    logged = "".join(capfd.readouterr())
    assert AUTHORIZE in logged
    assert code[16:] not in logged
    assert "secret-state" not in logged


NAMES = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "scopes",
    "state",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "resource",
    "dpop_jkt",
    "request_uri",
]
VALUES = ["*", "code", "token", "none", "S256", CHALLENGE, REDIRECT_URI, "linodes:read_only"]


@pytest.fixture
def asks(site: App) -> Client:
    """An application."""
    return client_at(site)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    pairs=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES) | st.text(max_size=20)), max_size=8),
    known=st.booleans(),
)
def test_whatever_is_asked_is_a_page_or_told_to_the_client(
    site: App,
    admin: Visitor,
    asks: Client,
    *,
    pairs: list[tuple[str, str]],
    known: bool,
) -> None:
    good = [("client_id", asks.client_id), ("redirect_uri", REDIRECT_URI)] if known else []
    answer = admin.get(f"{AUTHORIZE}?{urlencode(good + pairs, errors='surrogatepass')}")
    assert answer.status_code in {200, 303, 400}
    assert answer.headers.get("location", REDIRECT_URI).startswith((REDIRECT_URI, "/sign-in"))
    assert rows(site) == 0
