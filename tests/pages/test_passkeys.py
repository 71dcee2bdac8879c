"""Passkeys: who can sign in by one, and by what it cannot be done."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import App, Clock, make_app
from tests.devices import PRESENT, Device
from tests.factors import (
    PASSKEYS,
    SECOND,
    answer_with,
    asked,
    begin,
    events_of,
    new_device,
    read_codes,
    read_options,
    register,
    use_passkey,
)
from tests.making import OPERATOR
from tests.pages.parts import OVERVIEW, Visitor, give_password, hidden, visitor
from tests.passwords import CHEAP, PASSWORD
from tokenry.domain.passkeys import PASSKEYS_MAX
from tokenry.service.installation import Installation

SIGN_IN = "/sign-in/passkey"


@pytest.fixture
def device() -> Device:
    return new_device()


def test_passkey_signs_in_by_itself(owner: tuple[App, Installation, Visitor], device: Device) -> None:
    app, do, admin = owner
    answer = register(admin, device)
    assert len(read_codes(answer.text)) == 10
    bob = visitor(app)
    answer = use_passkey(bob, device, f"{SIGN_IN}?next=/password")
    assert (answer.status_code, answer.headers["location"]) == (303, "/password")
    assert "<strong>admin</strong>" in bob.get(OVERVIEW).text
    assert use_passkey(visitor(app), device).status_code == 303
    added, *begun = [event for event in events_of(do, "user:1") if event[0] in {"passkey.add", "session.begin"}][1:]
    assert added == ("passkey.add", {"passkey_id": 1, "label": "phone", "session": 1})
    assert [details["method"] for _, details in begun] == ["passkey"] * 2


def test_passkey_is_a_second_step(site: App, admin: Visitor, device: Device) -> None:
    register(admin, device)
    bob = begin(site)
    page = bob.get(f"{SECOND}?next=/password").text
    assert [known["id"] for known in asked(page)["allowCredentials"]] == [
        json.loads(device.sign(read_options(page)))["id"]
    ]
    assert answer_with(bob, SIGN_IN, device.sign(read_options(page)), page).headers["location"] == "/password"
    assert bob.is_signed_in()


def test_challenge_is_answered_once(site: App, admin: Visitor, device: Device) -> None:
    register(admin, device)
    bob = visitor(site)
    page = bob.get(SIGN_IN).text
    answer = device.sign(read_options(page))
    assert answer_with(bob, SIGN_IN, answer, page).status_code == 303
    bob.submit("/sign-out")
    assert answer_with(bob, SIGN_IN, answer, page).status_code == 400
    assert not bob.is_signed_in()


def test_challenge_of_another_browser_and_of_long_ago_is_refused(site: App, admin: Visitor, device: Device) -> None:
    register(admin, device)
    bob, eve = visitor(site), visitor(site)
    page, theirs = bob.get(SIGN_IN).text, eve.get(SIGN_IN).text
    answer = device.sign(read_options(page))
    swapped = {**hidden(theirs), "ticket": hidden(page)["ticket"], "answer": answer}
    assert eve.post(SIGN_IN, swapped).status_code == 400
    swapped = {**hidden(page), "answer": device.sign(read_options(theirs))}
    assert bob.post(SIGN_IN, swapped).status_code == 400
    site.clock.seconds += 600
    assert bob.post(SIGN_IN, {**hidden(page), "answer": answer}).status_code == 400
    assert not bob.is_signed_in()
    assert not eve.is_signed_in()


def test_challenge_of_a_registration_is_none_of_a_sign_in(site: App, admin: Visitor, device: Device) -> None:
    register(admin, device)
    page = admin.get(PASSKEYS).text
    answer = device.sign(read_options(page))
    assert answer_with(admin, SIGN_IN, answer, page).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
        {"told": {"crossOrigin": True}},
    ],
)
def test_device_at_another_place_neither_registers_nor_signs_in(
    site: App, admin: Visitor, device: Device, wrong: dict[str, object]
) -> None:
    elsewhere = replace(device, **wrong)  # type: ignore[arg-type]
    assert register(admin, elsewhere).status_code == 400
    register(admin, device)
    bob = visitor(site)
    answer = use_passkey(bob, replace(elsewhere, handle=device.handle))
    assert (answer.status_code, "could not be used" in answer.text) == (400, True)
    assert not bob.is_signed_in()


def test_copy_of_a_device_is_noticed_and_written_down(owner: tuple[App, Installation, Visitor], device: Device) -> None:
    app, do, admin = owner
    register(admin, device)
    copy = replace(device)
    for _ in range(3):
        assert use_passkey(visitor(app), device).status_code == 303
    bob = visitor(app)
    assert use_passkey(bob, copy).status_code == 400
    assert not bob.is_signed_in()
    assert ("passkey.clone", {"passkey_id": 1, "label": "phone"}) in events_of(do, "user:1")
    assert use_passkey(visitor(app), device).status_code == 303


def test_device_that_counts_nothing_goes_on_signing(site: App, admin: Visitor, device: Device) -> None:
    device.count = None
    register(admin, device)
    assert [use_passkey(visitor(site), device).status_code for _ in range(2)] == [303, 303]


def test_passkey_of_a_disabled_or_deleted_user_opens_nothing(
    site: App, do: Installation, admin: Visitor, device: Device
) -> None:
    do.users.create_user(OPERATOR, username="eve")
    eve = give_password(site, do, "eve")
    register(eve, device)
    do.users.disable_user(OPERATOR, "eve")
    assert use_passkey(visitor(site), device).status_code == 400
    do.users.enable_user(OPERATOR, "eve")
    assert use_passkey(visitor(site), device).status_code == 303
    do.users.delete_user(OPERATOR, "eve")
    assert use_passkey(visitor(site), device).status_code == 400


def test_passkey_of_another_user_proves_nothing(site: App, do: Installation, admin: Visitor, device: Device) -> None:
    register(admin, device)
    do.users.create_user(OPERATOR, username="eve")
    eve = give_password(site, do, "eve")
    other = new_device()
    register(eve, other)
    page = admin.get(SIGN_IN).text
    assert answer_with(admin, SIGN_IN, other.sign(read_options(page)), page).status_code == 400
    bob = begin(site)
    page = bob.get(SECOND).text
    assert answer_with(bob, SIGN_IN, other.sign(read_options(page)), page).status_code == 400
    assert not bob.is_signed_in()


def test_passkey_proves_anew_who_is_signed_in(site: App, admin: Visitor, device: Device) -> None:
    register(admin, device)
    site.clock.seconds += 400
    assert admin.get(PASSKEYS).headers["location"] == f"/sign-in/again?next={PASSKEYS}"
    assert f'href="/sign-in/passkey?next={PASSKEYS}"' in admin.get(f"/sign-in/again?next={PASSKEYS}").text
    before = admin.client.cookies["__Host-tokenry"]
    assert use_passkey(admin, device, f"{SIGN_IN}?next={PASSKEYS}").headers["location"] == PASSKEYS
    assert admin.get(PASSKEYS).status_code == 200
    assert admin.client.cookies["__Host-tokenry"] != before


def test_passkeys_have_names_and_can_be_removed(site: App, do: Installation, admin: Visitor, device: Device) -> None:
    other = new_device()
    register(admin, device)
    assert read_codes(register(admin, other, " <key> ").text) == []
    page = admin.get("/sign-in/security").text
    assert ("phone" in page, "&lt;key&gt;" in page, "<key>" in page) == (True, True, False)
    assert admin.submit(f"{PASSKEYS}/1", label="old phone", do="rename").status_code == 303
    assert admin.submit(f"{PASSKEYS}/1", label=" ", do="rename").status_code == 400
    assert admin.submit(f"{PASSKEYS}/1", do="remove").headers["location"] == "/sign-in/security"
    assert use_passkey(visitor(site), device).status_code == 400
    assert use_passkey(visitor(site), other).status_code == 303
    assert admin.submit(f"{PASSKEYS}/2", do="remove").status_code == 303
    assert visitor(site).submit("/sign-in", name="admin", password=PASSWORD).headers["location"] == "/"
    actions = [action for action, _ in events_of(do, "user:1") if action.startswith("passkey.")]
    assert actions == ["passkey.add", "passkey.add", "passkey.rename", "passkey.remove", "passkey.remove"]


def test_passkeys_of_others_are_not_there(site: App, do: Installation, admin: Visitor, device: Device) -> None:
    register(admin, device)
    do.users.create_user(OPERATOR, username="eve")
    eve = give_password(site, do, "eve")
    form = hidden(eve.get(PASSKEYS).text)
    for path in (f"{PASSKEYS}/1", f"{PASSKEYS}/7", f"{PASSKEYS}/x", f"{PASSKEYS}/{'9' * 30}", f"{PASSKEYS}/%D9%A1"):
        assert eve.get(path).status_code == 404
        for do_what in ("rename", "remove"):
            assert eve.post(path, {**form, "label": "mine", "do": do_what}).status_code == 404
    assert use_passkey(visitor(site), device).status_code == 303


def test_passkey_is_registered_once_and_there_is_an_end_of_them(site: App, admin: Visitor, device: Device) -> None:
    register(admin, device)
    assert "registered already" in register(admin, device).text
    for number in range(1, PASSKEYS_MAX):
        assert register(admin, new_device(), f"key {number}").status_code == 303
    assert "remove one first" in register(admin, new_device()).text


@pytest.mark.parametrize("answer", ["", "null", "{}", "x" * 20_000, "\0", "[" * 9000])
def test_what_no_browser_answers_is_refused(site: App, admin: Visitor, answer: str) -> None:
    for path in (SIGN_IN, PASSKEYS):
        assert admin.submit(path, answer=answer, label="x").status_code == 400
        assert admin.submit(path, answer=answer, label="x", ticket="x").status_code == 400
    assert visitor(site).submit(SIGN_IN, answer=answer).status_code == 400


def test_attempts_from_an_address_are_bounded(site: App, admin: Visitor) -> None:
    bob = visitor(site)
    form = hidden(bob.get(SIGN_IN).text)
    assert {bob.post(SIGN_IN, form).status_code for _ in range(20)} == {400, 429}


def test_service_without_a_name_says_that_it_has_no_passkeys(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, public_url="http://127.0.0.1:8470", **CHEAP)
    with app.client:
        bob = visitor(app)
        assert "passkey" not in bob.get("/sign-in").text
        answer = bob.get(SIGN_IN)
        assert (answer.status_code, "There are no passkeys here" in answer.text) == (200, True)
        assert "script-src" not in answer.headers["content-security-policy"]
        form = {**hidden(answer.text), "form_token": ""}
        assert bob.post(SIGN_IN, form, Origin="http://127.0.0.1:8470").status_code in {400, 403}


def test_page_says_without_scripts_what_needs_them(site: App, admin: Visitor) -> None:
    for path in (SIGN_IN, PASSKEYS):
        page = admin.get(path).text
        assert ">Passkeys need scripts, and none runs here." in page
        assert page.count("<script>") == 1
