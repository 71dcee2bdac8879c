"""Who has to have a second factor, and is led to set one up; and the operator's way back for who lost one."""

from dataclasses import replace

import pytest

from tests.api.parts import routes
from tests.conftest import App
from tests.factors import SET_UP, begin, events_of, new_device, register, set_up, use_passkey
from tests.making import OPERATOR
from tests.pages.parts import OVERVIEW, Visitor, give_password, hidden, sign_in_as, visitor
from tests.passwords import PASSWORD
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import NotFound
from tokenry.domain.policy import Concerned
from tokenry.pages.page import Page
from tokenry.service.installation import Installation

SECURITY = "/sign-in/security"
OPEN = {"/sign-in/again", "/sign-in/second", "/sign-in/passkey", "/sign-out", "/link", "/link/link"}


@pytest.fixture
def eve(site: App, do: Installation) -> Visitor:
    do.users.create_user(OPERATOR, username="eve")
    return give_password(site, do, "eve")


def want(do: Installation, concerned: Concerned) -> None:
    do.policies.set_policy(OPERATOR, lambda policy: replace(policy, second_factor=concerned))


@pytest.mark.parametrize(
    ("concerned", "open_to_admin", "open_to_eve"),
    [
        (Concerned.NOBODY, True, True),
        (Concerned.ADMINISTRATORS, False, True),
        (Concerned.EVERYBODY, False, False),
    ],
)
def test_who_lacks_a_second_factor_is_led_to_set_one_up(
    site: App,
    do: Installation,
    admin: Visitor,
    eve: Visitor,
    concerned: Concerned,
    *,
    open_to_admin: bool,
    open_to_eve: bool,
) -> None:
    want(do, concerned)
    assert (admin.is_signed_in(), eve.is_signed_in()) == (open_to_admin, open_to_eve)
    for ada, is_open in ((admin, open_to_admin), (eve, open_to_eve)):
        if not is_open:
            for path in ("/", OVERVIEW, "/password"):
                assert ada.get(path).headers["location"] == SECURITY
            page = ada.get(SECURITY)
            assert (page.status_code, "Before you do anything else" in page.text) == (200, True)
            assert ada.post(OVERVIEW, {**hidden(page.text), "session_id": "1"}).headers["location"] == SECURITY


def test_setting_one_up_opens_the_rest(site: App, do: Installation, admin: Visitor) -> None:
    want(do, Concerned.EVERYBODY)
    assert admin.get("/oauth/authorize?scope=a;b&client_id=c").headers["location"] == SECURITY
    set_up(site, admin)
    assert admin.is_signed_in()
    page = admin.get(SECURITY).text
    assert "Before you do anything else" not in page
    assert '<a href="/oauth/authorize?scope=a;b&amp;client_id=c">Go on to where you were</a>' in page
    assert "Go on to where you were" not in admin.get(SECURITY).text


def test_no_page_but_those_of_setting_up_opens_to_who_lacks_one(site: App, do: Installation, admin: Visitor) -> None:
    want(do, Concerned.EVERYBODY)
    for route in [route for route in routes(site) if isinstance(route.app, Page)]:
        path = route.path.replace("{", "").replace("}", "")
        for answer in (admin.get(path), admin.post(path, {})):
            closed = answer.status_code == 405 or answer.headers.get("location") == SECURITY
            assert closed or path.startswith(SECURITY) or path in OPEN, path


def test_address_to_go_on_to_is_one_of_ours(site: App, do: Installation, admin: Visitor) -> None:
    set_up(site, admin)
    for target in (
        "https://evil.example",
        "//evil.example",
        "/%5cevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
    ):
        admin.client.cookies.set("__Host-tokenry-next", target, domain="tokens.example.com", path="/")
        assert "evil.example" not in admin.get(SECURITY).text


def test_who_is_led_there_may_show_anew_who_it_is_and_sign_out(site: App, do: Installation, admin: Visitor) -> None:
    want(do, Concerned.EVERYBODY)
    site.clock.seconds += 400
    assert admin.get(SET_UP).headers["location"] == f"/sign-in/again?next={SET_UP}"
    assert admin.submit("/sign-in/again", at=f"/sign-in/again?next={SET_UP}", password=PASSWORD).status_code == 303
    assert admin.get(SET_UP).status_code == 200
    assert admin.submit("/sign-out").headers["location"] == "/sign-in"


def test_passkey_is_enough_and_its_removal_is_led_back(site: App, do: Installation, admin: Visitor) -> None:
    want(do, Concerned.EVERYBODY)
    device = new_device()
    register(admin, device)
    assert admin.is_signed_in()
    bob = visitor(site)
    assert use_passkey(bob, device).status_code == 303
    assert bob.is_signed_in()
    assert bob.submit("/sign-in/security/passkeys/1", do="remove").status_code == 303
    assert bob.get("/").headers["location"] == SECURITY


def test_session_of_a_provider_is_the_providers_business(site: App, do: Installation, admin: Visitor) -> None:
    want(do, Concerned.EVERYBODY)
    with do.transactions.change(Origin("test")) as change:
        secret = do.sessions.begin_session(change, 1, method="https://company.example", address=None, agent=None)
    bob = visitor(site)
    sign_in_as(site, bob, cookie=secret.reveal())
    assert bob.is_signed_in()


def test_operator_lets_somebody_begin_anew(site: App, do: Installation, admin: Visitor) -> None:
    set_up(site, admin)
    device = new_device()
    register(admin, device)
    pending = begin(site)
    do.factors.reset_factors(OPERATOR, "admin")
    assert not admin.is_signed_in()
    assert use_passkey(visitor(site), device).status_code == 400
    assert pending.get("/sign-in/second").headers["location"] == "/sign-in"
    assert visitor(site).submit("/sign-in", name="admin", password=PASSWORD).headers["location"] == "/"
    assert ("factors.reset", {"username": "admin"}) in events_of(do, "user:1")
    with pytest.raises(NotFound):
        do.factors.reset_factors(OPERATOR, "nobody")


def test_wire_format_tells_who_has_a_second_factor(site: App, do: Installation, admin: Visitor) -> None:
    for has in (False, True):
        profile = site.client.get("/v4/profile", headers=site.bearer).json()
        user = site.client.get("/v4/account/users/admin", headers=site.bearer).json()
        assert (profile["two_factor_auth"], user["tfa_enabled"]) == (has, has)
        again = site.client.put("/v4/profile", headers=site.bearer, json={"two_factor_auth": has})
        other = site.client.put("/v4/profile", headers=site.bearer, json={"two_factor_auth": not has})
        assert (again.status_code, other.status_code) == (200, 400)
        set_up(site, admin)
