"""What holds for every page: its headers, its cookies, whose forms are taken, and how it says no."""

from pathlib import Path

import httpx2
import pytest

from tests.conftest import App, Clock, make_app
from tests.pages.parts import PUBLIC_URL, Visitor, hidden, pages, sign_in_as, visitor
from tokenry.pages.cookies import form_token
from tokenry.pages.paths import own_path, sign_in_path
from tokenry.pages.visits import Cookie, Redirect, Shown
from tokenry.service.passkeys import PasskeyRequest, PasskeyResponse

HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
}


SCRIPTED = {"/sign-in/passkey", "/sign-in/second", "/sign-in/security/passkeys"}
"""Where a browser is asked for a passkey, which takes a script: our own, by its hash. The console has another."""


def is_file(answer: httpx2.Response) -> bool:
    return "content-disposition" in answer.headers


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
def test_every_answer_of_every_page_keeps_to_itself(site: App, ada: Visitor, method: str) -> None:
    assert len(pages(site)) > 1
    for signed_in in (False, True):
        for route in pages(site):
            answer = ada.client.request(method, route.path.replace("{", "").replace("}", ""))
            file = {"content-type": "text/csv; charset=utf-8"} if is_file(answer) else {}
            assert {**HEADERS, **file}.items() <= answer.headers.items(), (route.path, answer.status_code)
            policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
            assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
            assert policy["style-src"].startswith("'sha256-")
            assert ("script-src" in policy) <= (route.path in SCRIPTED or route.path.startswith("/console"))
            assert policy.get("script-src", "'sha256-").startswith("'sha256-")
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert policy["form-action"].startswith("'self'")
        if not signed_in:
            sign_in_as(site, ada)


def test_pages_whose_get_does_something_have_no_head(site: App) -> None:
    """They make a code, or a sign-in; ask a provider; or count a guess."""
    without = {route.path for route in pages(site) if "HEAD" not in route.app.methods}  # type: ignore[attr-defined]
    providers = {"/sign-in/with/{provider}", "/sign-in/callback/{provider}"}
    assert without == {"/oauth/authorize", "/device", *providers}


def test_page_of_a_method_that_is_not_there_says_so(ada: Visitor) -> None:
    answer = ada.client.put("/sign-out")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert "<h1>This cannot be done here</h1>" in answer.text


def test_somebody_who_is_not_signed_in_is_sent_to_sign_in(ada: Visitor) -> None:
    answer = ada.get("/password")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/password")


def test_cookies_are_for_this_host_and_no_script(site: App, ada: Visitor) -> None:
    sign_in_as(site, ada)
    answer = ada.submit("/sign-out")
    cookies = answer.headers.get_list("set-cookie")
    assert cookies == [
        "__Host-tokenry=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0",
        "__Host-tokenry-flash=signed-out; Path=/; HttpOnly; SameSite=Lax; Secure",
    ]


def test_on_loopback_cookies_need_no_https(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, public_url="http://127.0.0.1:8470")
    with app.client:
        answer = visitor(app).get("/sign-in/nothing/here")
        assert answer.status_code == 404
        assert visitor(app).get("/sign-in/security").status_code == 303


def test_page_without_an_address_for_browsers_names_the_setting(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock)
    with app.client:
        answer = visitor(app).get("/sign-in")
    assert answer.status_code == 503
    assert "TOKENRY_PUBLIC_URL" in answer.text


def test_sign_out_ends_the_session_and_is_said_once(site: App, ada: Visitor) -> None:
    cookie = sign_in_as(site, ada)
    assert ada.is_signed_in()
    assert ada.submit("/sign-out").headers["location"] == "/sign-in"
    ada.client.cookies.set("__Host-tokenry", cookie, domain="tokens.example.com", path="/")
    assert not ada.is_signed_in()


OURS = {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OURS, 303),
        ({"Origin": PUBLIC_URL, "Sec-Fetch-Site": ""}, 303),
        ({"Origin": "", "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "", "Sec-Fetch-Site": ""}, 303),
        ({"Origin": "null", "Sec-Fetch-Site": ""}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": ""}, 403),
        ({"Origin": "http://tokens.example.com", "Sec-Fetch-Site": ""}, 403),
        ({"Origin": f"{PUBLIC_URL}:8443", "Sec-Fetch-Site": ""}, 403),
        ({"Origin": f"{PUBLIC_URL}.evil.example", "Sec-Fetch-Site": ""}, 403),
        ({"Origin": PUBLIC_URL, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_form_of_another_site_is_refused_although_it_has_the_token(
    site: App, ada: Visitor, headers: dict[str, str], status: int
) -> None:
    sign_in_as(site, ada)
    form = hidden(ada.get("/sign-out").text)
    answer = ada.post("/sign-out", form, **headers)
    assert answer.status_code == status
    assert (f"not sent from {PUBLIC_URL}." in answer.text) == (status == 403)
    assert ada.is_signed_in() == (status == 403)


def test_form_without_the_token_of_its_session_is_refused(site: App, ada: Visitor) -> None:
    eve = visitor(site)
    sign_in_as(site, eve)
    token_of_eve = hidden(eve.get("/sign-out").text)["form_token"]
    sign_in_as(site, ada)
    for form in ({}, {"form_token": ""}, {"form_token": "x"}, {"form_token": "ä"}, {"form_token": token_of_eve}):
        answer = ada.post("/sign-out", form)
        assert (answer.status_code, "keeps no cookies" in answer.text) == (403, True)
    assert ada.is_signed_in()


def test_form_of_somebody_who_was_not_signed_in_is_refused_while_somebody_is(site: App, ada: Visitor) -> None:
    """Else who can set a cookie of somebody's could have the form of a visit of their own sent."""
    sign_in_as(site, ada)
    ada.client.cookies.set("__Host-tokenry-visit", "x" * 43, domain="tokens.example.com", path="/")
    assert ada.post("/sign-out", {"form_token": form_token("x" * 43)}).status_code == 403


def test_cookie_that_comes_twice_is_none(site: App, ada: Visitor) -> None:
    cookie = sign_in_as(site, ada)
    ada.client.cookies.clear()
    assert ada.get("/sign-in/security", Cookie=f"__Host-tokenry={cookie}").status_code == 200
    assert ada.get("/sign-in/security", Cookie=f"__Host-tokenry={cookie}; __Host-tokenry={cookie}").status_code == 303
    assert ada.get("/sign-in/security", Cookie=f"tokenry={cookie}").status_code == 303


@pytest.mark.parametrize("before", [b"\xa0", b"\x85", b"\x1c", b"\x0c"])
def test_cookie_whose_name_begins_with_more_than_a_blank_is_another(site: App, ada: Visitor, before: bytes) -> None:
    """Browsers let any host of the site set one, since its name does not begin with __Host-."""
    cookie = f"__Host-tokenry={sign_in_as(site, ada)}".encode()
    ada.client.cookies.clear()
    assert ada.client.get("/sign-in/security", headers={b"Cookie": b"a=b; \t " + cookie}).status_code == 200
    assert ada.client.get("/sign-in/security", headers={b"Cookie": b"a=b; " + before + cookie}).status_code == 303


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"a" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded", 400),
    ],
)
def test_form_that_cannot_be_read_is_a_page_that_says_so(
    ada: Visitor, content: bytes, media_type: str, status: int
) -> None:
    answer = ada.client.post("/sign-out", content=content, headers={**OURS, "Content-Type": media_type})
    assert answer.status_code == status
    assert "<h1>This " in answer.text


def test_address_that_asks_too_often_is_told_so(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, public_url=PUBLIC_URL, rate_limit=2)
    with app.client:
        answers = [visitor(app).get("/sign-in") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "60"


def test_defect_is_a_page_that_tells_nothing(site: App, ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenry.service.sessions.stored.find_session", None)
    sign_in_as(site, ada)
    answer = ada.get("/")
    assert (answer.status_code, "<h1>Something went wrong</h1>" in answer.text) == (500, True)


@pytest.mark.parametrize("path", ["/", "/sign-out", "/oauth/authorize?a=b&c=%2Fd", "/a-b/c_d.e?f=g+h", "/a//b"])
def test_path_of_ours_is_gone_on_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "https:evil.example",
        "https://evil.example/",
        "HTTPS://evil.example",
        "javascript:alert(1)",
        "/a\\b",
        "/a b",
        "/ä",
        '/"',
        "/" + "a" * 9000,
    ],
)
def test_whatever_may_lead_elsewhere_leads_home(text: str) -> None:
    assert own_path(text) == "/"
    assert sign_in_path(text) == "/sign-in"


@pytest.mark.parametrize(
    "holder",
    [
        Cookie("tokenry", "opens sesame"),
        Shown("recovery_codes.html", {"codes": ["opens sesame"]}),
        Redirect("https://client.example/?code=opens+sesame", [Cookie("tokenry", "opens sesame")]),
        PasskeyRequest("{}", "opens sesame"),
        PasskeyResponse("{}", "opens sesame", "opens sesame"),
    ],
)
def test_what_opens_something_is_not_shown_by_what_carries_it(holder: object) -> None:
    assert "opens" not in repr(holder)
