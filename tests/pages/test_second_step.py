"""The second step: no session without it, each code once, and no end of guesses."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import App
from tests.factors import SECOND, SET_UP, begin, code_of, events_of, read_codes, read_key, set_up
from tests.making import OPERATOR
from tests.pages.parts import Visitor, choose_password, give_password, hidden, visitor
from tests.passwords import PASSWORD
from tokenry.domain.one_time_passwords import GUESSES_MAX
from tokenry.service.installation import Installation

CODES = "/sign-in/security/recovery-codes"


def test_code_follows_the_password_and_is_taken_once(owner: tuple[App, Installation, Visitor]) -> None:
    app, do, ada = owner
    key, codes = set_up(app, ada)
    assert len(set(codes)) == 10
    bob = begin(app, next="/sign-out")
    assert not bob.is_signed_in()
    answer = bob.submit(
        SECOND, at=f"{SECOND}?next=/sign-out", code=f" {code_of(app, key)[:3]} {code_of(app, key)[3:]} "
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-out")
    assert bob.is_signed_in()
    again = begin(app)
    answer = again.submit(SECOND, code=code_of(app, key))
    assert answer.status_code == 400
    assert "wrong, or was used already" in answer.text
    assert not again.is_signed_in()
    app.clock.seconds += 30
    assert again.submit(SECOND, code=code_of(app, key)).status_code == 303
    methods = [details["method"] for action, details in events_of(do, "user:1") if action == "session.begin"]
    assert methods == ["password", *["password, one-time password"] * 2]


def test_code_that_confirmed_the_key_signs_nobody_in(site: App, admin: Visitor) -> None:
    key, _ = set_up(site, admin)
    bob = begin(site)
    assert bob.submit(SECOND, code=code_of(site, key, -1)).status_code == 400
    assert bob.submit(SECOND, code=code_of(site, key, 2)).status_code == 400
    assert bob.submit(SECOND, code=code_of(site, key, 1)).status_code == 303


def test_ticket_of_the_password_is_of_one_browser_and_one_password_and_brings_one_session(
    site: App, do: Installation, admin: Visitor
) -> None:
    key, codes = set_up(site, admin)
    bob = begin(site)
    eve = visitor(site)
    eve.get("/sign-in")
    ticket = bob.client.cookies["__Host-tokenry-second-step"]
    eve.client.cookies.set("__Host-tokenry-second-step", ticket, domain="tokens.example.com", path="/")
    assert eve.get(SECOND).headers["location"] == "/sign-in"
    form = hidden(bob.get(SECOND).text)
    assert bob.post(SECOND, {**form, "code": code_of(site, key)}).status_code == 303
    bob.submit("/sign-out")
    bob.client.cookies.set("__Host-tokenry-second-step", ticket, domain="tokens.example.com", path="/")
    assert bob.post(SECOND, {**form, "code": codes[0]}).headers["location"] == "/sign-in"
    assert not bob.is_signed_in()
    other = begin(site)
    choose_password(site, do, "admin", f"{PASSWORD}!")
    assert other.get(SECOND).headers["location"] == "/sign-in"


def test_ticket_of_the_password_expires(site: App, admin: Visitor) -> None:
    set_up(site, admin)
    bob = begin(site)
    site.clock.seconds += 600
    assert bob.get(SECOND).headers["location"] == "/sign-in"


def test_link_for_a_new_password_leads_to_the_second_step_too(site: App, do: Installation, admin: Visitor) -> None:
    key, _ = set_up(site, admin)
    bob = choose_password(site, do, "admin", f"{PASSWORD}!")
    assert not bob.is_signed_in()
    assert bob.submit(SECOND, code=code_of(site, key)).status_code == 303
    assert bob.is_signed_in()


def test_recovery_code_signs_in_once(site: App, do: Installation, admin: Visitor) -> None:
    _, codes = set_up(site, admin)
    assert begin(site).submit(SECOND, code=codes[0].upper()).status_code == 303
    assert begin(site).submit(SECOND, code=codes[0]).status_code == 400
    assert begin(site).submit(SECOND, code="zzzz-zzzz-zzzz").status_code == 400
    assert ("recovery_codes.use", {"left": 9}) in events_of(do, "user:1")


def test_new_recovery_codes_end_those_before(site: App, admin: Visitor) -> None:
    _, codes = set_up(site, admin)
    answer = admin.submit(CODES)
    new = read_codes(answer.text)
    assert (len(new), set(new) & set(codes)) == (10, set())
    assert begin(site).submit(SECOND, code=codes[0]).status_code == 400
    assert begin(site).submit(SECOND, code=new[0]).status_code == 303


def test_recovery_codes_are_made_once_by_a_form_that_is_sent_twice_at_once_and_again(
    owner: tuple[App, Installation, Visitor],
) -> None:
    app, do, ada = owner
    set_up(app, ada)
    form = hidden(ada.get(CODES).text)
    with ThreadPoolExecutor(2) as pool:
        answers = [*pool.map(lambda _: ada.post(CODES, form), range(2)), ada.post(CODES, form)]
    told = sorted((answer.status_code, len(read_codes(answer.text))) for answer in answers)
    assert told == [(200, 10), (303, 0), (303, 0)]
    assert [action for action, _ in events_of(do, "user:1")].count("recovery_codes.make") == 2
    assert "was sent before" in ada.get(answers[-1].headers["location"]).text


def test_guesses_are_bounded_whatever_the_code_and_others_ways_stay_open(site: App, admin: Visitor) -> None:
    key, codes = set_up(site, admin)
    wrong = f"{(int(code_of(site, key)) + 1) % 1_000_000:06}"
    for guess in range(GUESSES_MAX):
        assert begin(site, visitor(site, f"192.0.2.{guess}")).submit(SECOND, code=wrong).status_code == 400
        site.clock.seconds += 60
    refused = begin(site, visitor(site, "198.51.100.1")).submit(SECOND, code=code_of(site, key))
    assert refused.status_code == 429
    assert "Wait an hour" in refused.text
    assert begin(site, visitor(site, "198.51.100.2")).submit(SECOND, code=codes[0]).status_code == 303
    site.clock.seconds += 3600
    assert begin(site, visitor(site, "198.51.100.3")).submit(SECOND, code=code_of(site, key)).status_code == 303


def test_attempts_from_an_address_are_bounded(site: App, admin: Visitor) -> None:
    set_up(site, admin)
    bob = begin(site)
    form = hidden(bob.get(SECOND).text)
    statuses = {bob.post(SECOND, {**form, "code": "zzzz"}).status_code for _ in range(16)}
    assert statuses == {400, 429}


@pytest.mark.parametrize("code", ["", " ", "x", "123456789", "\0", "ä" * 1000, "٠١٢٣٤٥"])
def test_what_is_no_code_is_refused(site: App, admin: Visitor, code: str) -> None:
    set_up(site, admin)
    assert begin(site).submit(SECOND, code=code).status_code == 400


@pytest.mark.parametrize("path", ["/password", "/sign-in/security", SET_UP, CODES, "/sign-in/again"])
def test_no_page_opens_between_the_two_steps(site: App, admin: Visitor, path: str) -> None:
    set_up(site, admin)
    bob = begin(site)
    assert bob.get(path).headers["location"].startswith("/sign-in?next=")
    assert not bob.is_signed_in()
    assert bob.post(path, hidden(bob.get(SECOND).text)).status_code in {303, 405}
    assert not bob.is_signed_in()


def test_key_is_set_up_by_a_code_alone_and_shown_again_until_then(site: App, admin: Visitor) -> None:
    page = admin.get(SET_UP).text
    key = read_key(page)
    assert "<svg" in page
    answer = admin.post(SET_UP, {**hidden(page), "code": "000000"})
    assert (answer.status_code, read_key(answer.text)) == (400, key)
    assert "Set up one-time passwords" in admin.get("/sign-in/security").text
    assert admin.post(SET_UP, {**hidden(answer.text), "code": code_of(site, key)}).status_code == 200
    assert admin.post(SET_UP, {**hidden(answer.text), "code": code_of(site, key)}).status_code == 403


def test_setting_up_ends_other_sessions_and_renews_this_one(site: App, admin: Visitor) -> None:
    other = visitor(site)
    assert other.submit("/sign-in", name="admin", password=PASSWORD).status_code == 303
    before = admin.client.cookies["__Host-tokenry"]
    set_up(site, admin)
    assert not other.is_signed_in()
    assert admin.client.cookies["__Host-tokenry"] != before
    assert admin.is_signed_in()


def test_old_session_changes_no_factor(site: App, admin: Visitor) -> None:
    """One that was stolen, such as by who sat down at a browser that was left."""
    page = admin.get(SET_UP).text
    paths = [SET_UP, f"{SET_UP}/remove", CODES, "/sign-in/security/passkeys"]
    site.clock.seconds += 301
    for path in (*paths, "/sign-in/security/passkeys/1"):
        assert admin.get(path).headers["location"] == f"/sign-in/again?next={path}"
    for path in paths[1:]:
        assert admin.post(path, hidden(page)).headers["location"] == f"/sign-in/again?next={path}"
    assert admin.get("/sign-in/security").status_code == 200


def test_key_of_another_or_of_long_ago_is_not_set_up(site: App, do: Installation, admin: Visitor) -> None:
    do.users.create_user(OPERATOR, username="eve")
    eve = give_password(site, do, "eve")
    theirs = eve.get(SET_UP).text
    own = hidden(admin.get(SET_UP).text)
    forged = {**own, "ticket": hidden(theirs)["ticket"], "code": code_of(site, read_key(theirs))}
    assert admin.post(SET_UP, forged).headers["location"] == SET_UP
    key = read_key(admin.get(SET_UP).text)
    site.clock.seconds += 600
    assert admin.post(SET_UP, {**own, "code": code_of(site, key)}).headers["location"] == SET_UP
    assert "Set up one-time passwords" in admin.get("/sign-in/security").text


def test_doing_without_leaves_the_password_alone_and_forgets_recovery_codes(site: App, admin: Visitor) -> None:
    set_up(site, admin)
    assert admin.submit(f"{SET_UP}/remove").headers["location"] == "/sign-in/security"
    assert visitor(site).submit("/sign-in", name="admin", password=PASSWORD).headers["location"] == "/"
    _, codes = set_up(site, admin)
    assert len(codes) == 10
    assert set_up(site, admin)[1] == []


def test_key_is_not_at_rest_in_clear(site: App, admin: Visitor) -> None:
    key, codes = set_up(site, admin)
    content = b"".join(path.read_bytes() for path in site.settings.data_dir.iterdir() if "tokenry.db" in path.name)
    assert b"authenticators" in content
    for text in (key, *codes, *(code.replace("-", "") for code in codes)):
        assert text.encode() not in content
