"""`/device`: whoever types the code of a device sees who asks, and answers for it, once."""

import pytest

from tests.conftest import App
from tests.oauth_making import add_client
from tests.pages.parts import OVERVIEW, Visitor, hidden, sign_in_as, visitor
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.device_codes import DeviceCode
from tokenry.domain.errors import Unauthorized
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.domain.scopes import Scopes
from tokenry.service.installation import Installation

TELEVISION = Origin("client:tv", address="192.0.2.7")
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def user(site: App, ada: Visitor) -> Visitor:
    """Somebody who is signed in."""
    sign_in_as(site, ada)
    return ada


@pytest.fixture
def television(do: Installation) -> Client:
    """A client without a browser."""
    return add_client(do.database, label="Tele<b>vision", grant_types=DEVICE)


def begin(do: Installation, client: Client, scopes: str = "linodes:read_write") -> DeviceCode:
    return do.device_codes.begin(TELEVISION, client, Scopes.parse(scopes), ())


def poll(do: Installation, client: Client, code: DeviceCode) -> str:
    """The scopes that a device gets, or the error that it is told."""
    try:
        return str(do.device_codes.exchange(TELEVISION, client, code.secret.reveal()).scopes)
    except OAuthRefusal as refusal:
        return refusal.code


def typed(code: DeviceCode) -> str:
    return f"{code.user_code[:4]}-{code.user_code[4:]}".lower()


def answer(user: Visitor, code: DeviceCode, decision: str) -> str:
    """Type a code and answer; what is said then."""
    path = f"/device?user_code={typed(code)}"
    assert user.submit("/device", at=path, decision=decision).headers["location"] == "/"
    return user.get(OVERVIEW).text


def test_user_sees_who_asks_and_from_where_and_lets_the_device_in(
    do: Installation, user: Visitor, television: Client
) -> None:
    code = begin(do, television)
    assert "The code that the device shows" in user.get("/device").text
    page = user.get(f"/device?user_code={typed(code)}").text
    for words in ("Tele&lt;b&gt;vision", "192.0.2.7", "nobody has verified", "<code>linodes:read_write</code>"):
        assert words in page
    assert f"{code.user_code[:4]}-{code.user_code[4:]}" in page
    assert poll(do, television, code) == OAuthError.AUTHORIZATION_PENDING, "an address with the code agrees to nothing"
    assert "Your device is let in" in answer(user, code, "agree")


def test_device_gets_its_tokens_when_its_user_has_agreed(do: Installation, user: Visitor, television: Client) -> None:
    code = begin(do, television)
    answer(user, code, "agree")
    assert poll(do, television, code) == "linodes:read_write"


def test_device_that_is_turned_away_is_told_so(do: Installation, user: Visitor, television: Client) -> None:
    code = begin(do, television)
    assert "That device is turned away" in answer(user, code, "cancel")
    assert poll(do, television, code) == OAuthError.ACCESS_DENIED


def test_code_that_does_not_wait_is_told_alike(do: Installation, user: Visitor, television: Client) -> None:
    code = begin(do, television)
    answer(user, code, "cancel")
    for text in (typed(code), "BCDF-GHJK", "B" * 500):
        page = user.get(f"/device?user_code={text}")
        assert (page.status_code, "No device waits with this code" in page.text) == (400, True)


def test_who_is_not_signed_in_signs_in_and_comes_back_to_the_code(ada: Visitor) -> None:
    assert ada.get("/device?user_code=BCDF-GHJK").headers["location"] == (
        "/sign-in?next=/device%3Fuser_code%3DBCDF-GHJK"
    )


def test_form_that_another_site_sends_counts_for_nothing(
    site: App, do: Installation, user: Visitor, television: Client
) -> None:
    code, eve = begin(do, television), visitor(site)
    sign_in_as(site, eve)
    form = {**hidden(user.get(f"/device?user_code={typed(code)}").text), "decision": "agree"}
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert user.post("/device", form, **evil).status_code == 403
    assert user.post("/device", {**form, "form_token": ""}).status_code == 403
    assert eve.post("/device", form).status_code == 403
    assert poll(do, television, code) == OAuthError.AUTHORIZATION_PENDING


def test_whoever_guesses_codes_is_stopped(user: Visitor) -> None:
    """By user, however many addresses there are: the site lets five a minute."""
    statuses = [user.get(f"/device?user_code=BCDF-GHJ{letter}").status_code for letter in "BCDFGH"]
    assert statuses == [400] * 5 + [429]


def test_more_sessions_give_a_user_no_more_guesses(site: App, user: Visitor) -> None:
    other = visitor(site, "198.51.100.7")
    sign_in_as(site, other)
    statuses = [each.get("/device?user_code=BBBB-BBBB").status_code for each in [user, other] * 3]
    assert statuses == [400] * 5 + [429]


def test_device_that_could_make_tokens_of_its_own_needs_the_password_again(
    site: App, do: Installation, user: Visitor, television: Client
) -> None:
    code = begin(do, television, "*")
    page = user.get(f"/device?user_code={typed(code)}")
    assert "<strong>Everything that you may do</strong>" in page.text
    site.clock.seconds += 301
    for reply in (
        user.get(f"/device?user_code={typed(code)}"),
        user.post("/device", {**hidden(page.text), "decision": "agree"}),
    ):
        assert reply.headers["location"].startswith("/sign-in/again?next=/device")
    assert poll(do, television, code) == OAuthError.AUTHORIZATION_PENDING


def test_session_that_has_ended_lets_no_device_in(
    site: App, do: Installation, user: Visitor, television: Client
) -> None:
    code = begin(do, television)
    session = do.sessions.find_session(user.client.cookies["__Host-tokenry"])
    assert session is not None
    do.sessions.end_session(TELEVISION, session)
    with pytest.raises(Unauthorized):
        do.device_codes.approve(TELEVISION, 1, code.user_code, session=session)
    assert poll(do, television, code) == OAuthError.AUTHORIZATION_PENDING
