"""Choosing a password: by a link, which works once, and by who is signed in."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from hashlib import sha256

import pytest

from tests.conftest import App
from tests.making import OPERATOR
from tests.pages.parts import OVERVIEW, PUBLIC_URL, Visitor, choose_password, hidden, sign_in_as, visitor
from tests.passwords import PASSWORD
from tokenry.domain.errors import Invalid, NotFound
from tokenry.service.installation import Installation
from tokenry.wiring import open_installation

ANOTHER = "several other words"


def open_link(ada: Visitor, do: Installation, username: str = "admin") -> str:
    """Open a new link; its secret."""
    secret = do.links.make_link(OPERATOR, username).reveal()
    assert ada.get(f"/link/{secret}").status_code == 303
    return secret


def choose(ada: Visitor, password: str = PASSWORD) -> int:
    return ada.submit("/link", password=password, again=password).status_code


def test_link_is_in_no_address_that_its_page_tells(ada: Visitor, do: Installation) -> None:
    secret = do.links.make_link(OPERATOR, "admin").reveal()
    answer = ada.get(f"/link/{secret}")
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, "/link", "")
    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie == f"__Host-tokenry-link={secret}; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=1800"
    page = ada.get("/link").text
    assert "<strong>admin</strong>" in page
    assert secret[16:] not in page


def test_looking_at_a_link_uses_nothing_up_and_setting_the_password_does(ada: Visitor, do: Installation) -> None:
    open_link(ada, do)
    for _ in range(3):
        assert ada.get("/link").status_code == 200
    form = hidden(ada.get("/link").text)
    assert choose(ada) == 303
    assert ada.is_signed_in()
    assert ada.get("/link").status_code == 404
    assert ada.post("/link", form).status_code == 403  # of somebody who was not signed in


def test_link_that_was_used_leads_nowhere(site: App, ada: Visitor, do: Installation) -> None:
    secret = open_link(ada, do)
    choose(ada)
    eve = visitor(site)
    assert eve.get(f"/link/{secret}").status_code == 303
    answer = eve.get("/link")
    assert answer.status_code == 404
    assert "leads nowhere any more" in answer.text
    assert not eve.is_signed_in()


def test_browser_that_keeps_no_cookies_is_told_so(ada: Visitor, do: Installation) -> None:
    secret = do.links.make_link(OPERATOR, "admin").reveal()
    assert ada.get(f"/link/{secret}").status_code == 303
    ada.client.cookies.clear()
    assert "allow cookies from here" in ada.get("/link").text


@pytest.mark.parametrize("text", ["x", "lnk_x", "pat_" + "a" * 50, "lnk_" + "a" * 50, "%00", "a" * 3000])
def test_what_is_no_link_leads_nowhere(ada: Visitor, text: str) -> None:
    assert ada.get(f"/link/{text}").status_code == 404
    assert ada.get("/link").status_code == 404


def test_link_ends_with_its_time(site: App, ada: Visitor, do: Installation) -> None:
    open_link(ada, do)
    site.clock.seconds += 1799
    assert ada.get("/link").status_code == 200
    site.clock.seconds += 1
    assert ada.get("/link").status_code == 404
    assert ada.get(f"/link/{do.links.make_link(OPERATOR, 'admin', timedelta(days=1)).reveal()}").status_code == 303
    site.clock.seconds += 86_399
    assert ada.get("/link").status_code == 200


def test_link_of_a_user_who_was_disabled_leads_nowhere(ada: Visitor, do: Installation) -> None:
    do.users.create_user(OPERATOR, username="ada")
    open_link(ada, do, "ada")
    do.users.disable_user(OPERATOR, "ada")
    assert ada.get("/link").status_code == 404
    do.users.enable_user(OPERATOR, "ada")
    assert ada.get("/link").status_code == 404


def test_link_is_made_for_nobody_who_may_not_sign_in(do: Installation) -> None:
    do.users.create_user(OPERATOR, username="ada")
    do.users.disable_user(OPERATOR, "ada")
    with pytest.raises(Invalid, match="enable it first"):
        do.links.make_link(OPERATOR, "ada")
    with pytest.raises(NotFound):
        do.links.make_link(OPERATOR, "nobody")


def test_password_by_a_link_ends_all_sessions_and_other_links(site: App, ada: Visitor, do: Installation) -> None:
    eve, other = visitor(site), visitor(site)
    sign_in_as(site, eve)
    open_link(other, do)
    open_link(ada, do)
    assert choose(ada) == 303
    assert not eve.is_signed_in()
    assert other.get("/link").status_code == 404


@pytest.fixture
def do_on_each_engine(site_on_each_engine: App) -> Iterator[Installation]:
    installation = open_installation(site_on_each_engine.settings, site_on_each_engine.clock)
    yield installation
    installation.database.close()


def test_of_many_who_use_a_link_at_once_one_does(do_on_each_engine: Installation) -> None:
    do = do_on_each_engine
    text = do.links.make_link(OPERATOR, "admin").reveal()
    together, told = threading.Barrier(4), list[object]()

    def use(number: int) -> None:
        together.wait()
        try:
            told.append(do.links.use_link(text, f"hash {number}", address=None, agent=None))
        except NotFound as refusal:
            told.append(refusal)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [isinstance(each, NotFound) for each in told].count(False) == 1
    with do.transactions.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar_one() == 1


@pytest.mark.parametrize(
    ("password", "again", "reason"),
    [
        ("", "", "Use at least 12 characters"),
        ("short words", "short words", "Use at least 12 characters"),
        (PASSWORD, "", "Type the same password twice"),
        (PASSWORD, f"{PASSWORD}x", "Type the same password twice"),
        ("x" * 257, "x" * 257, "Use at most 256 characters"),
        ("administrator", "administrator", "would not try first"),
        ("PasswordPassword123!", "PasswordPassword123!", "would not try first"),
        ("password1234", "password1234", "would not try first"),
        ("Tokenry12345!", "Tokenry12345!", "would not try first"),
        ("123456789012", "123456789012", "would not try first"),
        ("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "would not try first"),
        ("Ada.Lovelace-of-London", "Ada.Lovelace-of-London", "your own name"),
        ("a null \0 in between", "a null \0 in between", "can be typed"),
    ],
)
def test_password_that_will_not_do_says_why_at_its_field(
    ada: Visitor, do: Installation, password: str, again: str, reason: str
) -> None:
    do.users.create_user(OPERATOR, username="ada.lovelace-of-london")
    open_link(ada, do, "ada.lovelace-of-london")
    answer = ada.submit("/link", password=password, again=again)
    assert answer.status_code == 400
    assert reason in answer.text
    assert "<title>Error: Choose a password" in answer.text
    assert not password or password not in answer.text
    assert choose(ada) == 303


def test_nothing_that_opens_is_in_the_log_or_the_database(
    site: App, ada: Visitor, do: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    link = open_link(ada, do)
    choose(ada)
    ada.submit("/sign-out")
    ada.submit("/sign-in", name=PASSWORD, password=PASSWORD)  # typed into the wrong field
    ada.submit("/sign-in", name="admin", password=PASSWORD)
    session = ada.client.cookies["__Host-tokenry"]
    form = hidden(ada.get("/sign-out").text)["form_token"]
    ada.get(f"/{session}?{session}", Referer=f"{PUBLIC_URL}/link/{link}")
    out = capsys.readouterr()
    assert "path=/link/…" in out.out
    assert "path=/…" in out.out
    files = [path.read_bytes() for path in site.settings.data_dir.glob("tokenry.db*")]
    for content in [(out.out + out.err).encode(), *files]:
        for secret in (link[16:], session[16:], PASSWORD, form):
            assert secret.encode() not in content
            assert sha256(secret.encode()).digest() not in content


def test_password_is_changed_by_who_showed_not_long_ago_who_it_is(site: App, ada: Visitor, do: Installation) -> None:
    other = choose_password(site, do, "admin", PASSWORD)
    ada.submit("/sign-in", name="admin", password=PASSWORD)
    site.clock.seconds += 300
    assert ada.get("/password").status_code == 200
    site.clock.seconds += 1
    for answer in (ada.get("/password"), ada.submit("/password", at="/sign-out", password=ANOTHER, again=ANOTHER)):
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/again?next=/password")
    wrong = ada.submit("/sign-in/again", at="/sign-in/again?next=/password", password="wrong")
    assert (wrong.status_code, "The password is wrong." in wrong.text) == (400, True)
    assert ada.get("/password").status_code == 303
    before = ada.client.cookies["__Host-tokenry"]
    answer = ada.submit("/sign-in/again", at="/sign-in/again?next=/password", password=PASSWORD)
    assert answer.headers["location"] == "/password"
    assert ada.client.cookies["__Host-tokenry"] != before
    renewed = ada.client.cookies["__Host-tokenry"]
    answer = ada.submit("/password", password=ANOTHER, again=ANOTHER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Your password is set." in ada.get(OVERVIEW).text
    assert not other.is_signed_in()
    for stale in (before, renewed):
        eve = visitor(site)
        sign_in_as(site, eve, cookie=stale)
        assert not eve.is_signed_in()
    assert visitor(site).submit("/sign-in", name="admin", password=PASSWORD).status_code == 400
    assert visitor(site).submit("/sign-in", name="admin", password=ANOTHER).status_code == 303


def test_password_page_says_what_is_wrong(site: App, do: Installation) -> None:
    ada = choose_password(site, do, "admin", PASSWORD)
    answer = ada.submit("/password", password="short", again="short")
    assert (answer.status_code, "Use at least 12 characters" in answer.text) == (400, True)


def test_attempts_to_show_again_who_it_is_are_counted(site: App, do: Installation) -> None:
    ada = choose_password(site, do, "admin", PASSWORD)
    answers = [ada.submit("/sign-in/again", password="wrong").status_code for _ in range(6)]
    assert answers == [400] * 5 + [429]
    assert ada.submit("/sign-in/again", password="").status_code == 400


def test_what_expired_is_deleted(site: App, do: Installation) -> None:
    ada = choose_password(site, do, "admin", PASSWORD)
    open_link(ada, do)
    tables = ("sessions", "links", "logins")

    def counts() -> list[int]:
        with closing(sqlite3.connect(site.settings.data_dir / "tokenry.db")) as connection:
            return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]

    assert counts() == [1, 1, 1]
    do.pruning.prune()
    assert counts() == [1, 1, 1]
    site.clock.seconds += 86_400
    do.pruning.prune()
    assert counts() == [0, 0, 1]
    site.clock.seconds += 365 * 86_400
    do.pruning.prune()
    assert counts() == [0, 0, 0]
