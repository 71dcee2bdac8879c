"""Proving anew who is signed in: it takes what signing in takes, and is bounded alike."""

from collections.abc import Callable

import pytest

from tests.conftest import App
from tests.devices import Device
from tests.factors import SECOND, answer_with, begin, code_of, events_of, new_device, read_options, register, set_up
from tests.pages.parts import Visitor, hidden, sign_in_as, visitor
from tests.passwords import PASSWORD
from tokenry.service.installation import Installation

AGAIN = "/sign-in/again?next=/password"


def is_recent(ada: Visitor) -> bool:
    """Whether what is dangerous is open."""
    answer = ada.get("/password")
    assert answer.status_code == 200 or answer.headers["location"] == AGAIN
    return answer.status_code == 200


def prove_password(ada: Visitor, password: str = PASSWORD) -> str:
    """Enter the password once more; where it leads."""
    return ada.submit("/sign-in/again", at=AGAIN, password=password).headers.get("location", "nowhere")


def test_password_is_only_half_for_who_has_a_second_factor(owner: tuple[App, Installation, Visitor]) -> None:
    app, do, ada = owner
    key, codes = set_up(app, ada)
    for recovery in (False, True):
        app.clock.seconds += 301
        assert not is_recent(ada)
        before = ada.client.cookies["__Host-tokenry"]
        assert prove_password(ada) == f"{SECOND}?next=/password"
        assert not is_recent(ada)
        answer = ada.submit(SECOND, at=f"{SECOND}?next=/password", code=codes[0] if recovery else code_of(app, key))
        assert (answer.status_code, answer.headers["location"]) == (303, "/password")
        assert is_recent(ada)
        assert ada.client.cookies["__Host-tokenry"] != before
    begun = [details for action, details in events_of(do, "user:1") if action.startswith("session.")]
    assert len(begun) == 1, "it is the same session"
    thief = visitor(app)
    sign_in_as(app, thief, cookie=before)
    assert not thief.is_signed_in()


def test_wrong_password_and_wrong_code_prove_nothing(site: App, admin: Visitor) -> None:
    key, _ = set_up(site, admin)
    site.clock.seconds += 301
    answer = admin.submit("/sign-in/again", at=AGAIN, password="wrong")
    assert (answer.status_code, "The password is wrong." in answer.text) == (400, True)
    assert admin.get(SECOND).headers["location"] == "/sign-in/again"
    prove_password(admin)
    answer = admin.submit(SECOND, code=f"{(int(code_of(site, key)) + 1) % 1_000_000:06}")
    assert (answer.status_code, "wrong, or was used already" in answer.text) == (400, True)
    assert not is_recent(admin)


def test_passkey_is_the_other_half_too(site: App, admin: Visitor) -> None:
    device: Device = new_device()
    register(admin, device)
    site.clock.seconds += 301
    page = admin.get(prove_password(admin)).text
    assert not is_recent(admin)
    answer = answer_with(admin, "/sign-in/passkey", device.sign(read_options(page)), page)
    assert answer.headers["location"] == "/password"
    assert is_recent(admin)


def test_ticket_of_the_password_renews_the_session_that_it_was_given_to_alone(site: App, admin: Visitor) -> None:
    key, _ = set_up(site, admin)
    other = begin(site)
    assert other.submit(SECOND, code=code_of(site, key)).status_code == 303
    site.clock.seconds += 301
    prove_password(admin)
    ticket = admin.client.cookies["__Host-tokenry-second-step"]
    other.client.cookies.set("__Host-tokenry-second-step", ticket, domain="tokens.example.com", path="/")
    assert other.get(SECOND).headers["location"] == "/sign-in/again"
    form = hidden(admin.get(SECOND).text)
    admin.submit("/sign-out")
    admin.client.cookies.set("__Host-tokenry-second-step", ticket, domain="tokens.example.com", path="/")
    answer = admin.post(SECOND, {**form, "code": code_of(site, key)})
    assert (answer.status_code, admin.is_signed_in()) == (403, False)


def test_stolen_session_has_no_more_guesses_from_more_addresses(site: App, admin: Visitor) -> None:
    """Of the password, by whoever has the cookie; signing in, and other users, are counted by themselves."""
    cookie, statuses = admin.client.cookies["__Host-tokenry"], []
    for number in range(6):
        thief = visitor(site, f"192.0.2.{number}")
        sign_in_as(site, thief, cookie=cookie)
        statuses.append(thief.submit("/sign-in/again", password="wrong").status_code)
    assert statuses == [400] * 5 + [429]
    assert visitor(site).submit("/sign-in", name="admin", password=PASSWORD).status_code == 303


@pytest.mark.parametrize("factor", [set_up, lambda site, ada: register(ada, new_device())], ids=["codes", "passkey"])
def test_page_offers_what_somebody_has(site: App, admin: Visitor, factor: Callable[[App, Visitor], object]) -> None:
    assert "Use a passkey" not in admin.get(AGAIN).text
    factor(site, admin)
    page = admin.get(AGAIN).text
    assert 'type="password"' in page
    assert ("Use a passkey" in page) == ("phone" in admin.get("/sign-in/security").text)
