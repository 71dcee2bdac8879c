"""Signing in by a password: who can, who cannot, and that nobody can tell why not."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from tests.conftest import App
from tests.making import OPERATOR
from tests.pages.parts import OVERVIEW, Visitor, choose_password, give_password, hidden, sign_in_as, visitor
from tests.passwords import PASSWORD
from tokenry.application import build_app
from tokenry.domain.errors import Invalid
from tokenry.domain.users import UserChange
from tokenry.service.installation import Installation
from tokenry.storage.database import Database

WRONG = "The name or the password is wrong."


@pytest.fixture
def known(site: App, do: Installation) -> App:
    """A site whose administrator has a password."""
    give_password(site, do)
    return site


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that are compared with."""
    seen: list[str] = []
    verify = PasswordHasher.verify

    def noted(self: PasswordHasher, hash: str, password: str) -> bool:
        seen.append(hash)
        return verify(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    return seen


def rows(app: App, statement: str) -> list[Any]:
    with closing(sqlite3.connect(app.settings.data_dir / "tokenry.db")) as connection:
        return connection.execute(statement).fetchall()


def enter(ada: Visitor, name: str = "admin", password: str = PASSWORD, **more: str) -> int:
    return ada.submit("/sign-in", name=name, password=password, **more).status_code


def test_name_and_password_sign_in(known: App) -> None:
    ada = visitor(known)
    answer = ada.submit("/sign-in", name="admin", password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    [cookie] = [each for each in answer.headers.get_list("set-cookie") if each.startswith("__Host-tokenry=")]
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=1209600")
    assert "You are signed in as <strong>admin</strong>" in ada.get(OVERVIEW).text
    assert ada.get("/sign-in").headers["location"] == "/"


@pytest.mark.parametrize("name", ["admin", "ADMIN", " admin ", "ada@example.org", "Ada@Example.org"])
def test_name_in_any_case_or_address_says_who_it_is(known: App, do: Installation, name: str) -> None:
    do.users.update_user(OPERATOR, "admin", UserChange(email="ada@example.org"))
    assert enter(visitor(known), name) == 303


def test_address_of_two_users_is_nobodys(known: App, do: Installation) -> None:
    do.users.update_user(OPERATOR, "admin", UserChange(email="ada@example.org"))
    do.users.create_user(OPERATOR, username="eve", email="ada@example.org")
    assert enter(visitor(known), "ada@example.org") == 400


def test_same_password_may_be_typed_in_several_ways(known: App, do: Installation) -> None:
    choose_password(known, do, "admin", "Å correct horse ﬁts")
    assert enter(visitor(known), password="Å correct horse fits") == 303


def make_those_who_cannot(app: App, do: Installation) -> None:
    for name in ("without", "disabled", "deleted"):
        do.users.create_user(OPERATOR, username=name)
    give_password(app, do, "disabled")
    give_password(app, do, "deleted")
    do.users.disable_user(OPERATOR, "disabled")
    do.users.delete_user(OPERATOR, "deleted")


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("admin", "wr0ng"),
        ("nobody", PASSWORD),
        ("without", PASSWORD),
        ("disabled", PASSWORD),
        ("deleted", PASSWORD),
        ("admin", "x" * 60_000),
        ("\0", PASSWORD),
        ("x" * 60_000, PASSWORD),
    ],
)
def test_every_wrong_answer_is_the_same_after_one_comparison_of_the_same_work(
    known: App, do: Installation, verifications: list[str], name: str, password: str
) -> None:
    make_those_who_cannot(known, do)
    ada = visitor(known)
    answer = ada.submit("/sign-in", name=name, password=password)
    assert answer.status_code == 400
    assert "<title>Error: Sign in" in answer.text
    assert answer.text.count(WRONG) == 1
    assert password not in answer.text
    assert len(verifications) == 1
    settings = known.settings
    assert (
        f"$m={settings.password_memory},t={settings.password_rounds},p={settings.password_lanes}$" in verifications[0]
    )
    assert "set-cookie" in answer.headers
    assert not ada.is_signed_in()


def test_proxy_user_never_signs_in(known: App, do: Installation) -> None:
    parent = do.accounts.list_accounts()[0]
    child = do.accounts.create_account(OPERATOR, company="child", parent=parent.euuid)
    answer = known.client.post(f"/v4/account/child-accounts/{child.euuid}/token", headers=known.bearer)
    assert answer.status_code == 200
    [(proxy,)] = rows(known, "SELECT username FROM users WHERE proxy")
    with pytest.raises(Invalid, match="proxy user"):
        do.links.make_link(OPERATOR, proxy)
    hash = do.passwords.find_signing_in("admin", None).hash
    with closing(sqlite3.connect(known.settings.data_dir / "tokenry.db")) as connection, connection:
        connection.execute("INSERT INTO passwords SELECT id, ?, 0 FROM users WHERE proxy", (hash,))
    assert enter(visitor(known), proxy) == 400


def test_what_is_missing_is_said_at_its_field(known: App) -> None:
    answer = visitor(known).submit("/sign-in", name="", password="")
    assert answer.status_code == 400
    assert '<a href="#name">Enter your username or email address.</a>' in answer.text
    assert 'id="password" name="password" value=""' in answer.text
    assert 'aria-invalid="true" aria-describedby="fault-password"' in answer.text


def test_session_that_somebody_else_began_is_not_taken_over(known: App) -> None:
    """Who could plant the cookie of a session of their own knows nothing of the one that begins in its place."""
    ada, eve = visitor(known), visitor(known)
    planted = sign_in_as(known, ada)
    sign_in_as(known, eve, cookie=planted)
    answer = ada.post("/sign-in", {"form_token": token_of(ada), "name": "admin", "password": PASSWORD})
    assert answer.status_code == 303
    assert planted not in "".join(answer.headers.get_list("set-cookie"))
    assert ada.is_signed_in()
    assert not eve.is_signed_in()


def token_of(ada: Visitor) -> str:
    return hidden(ada.get("/sign-out").text)["form_token"]


def test_sign_in_of_another_site_is_refused(known: App) -> None:
    """Else somebody could be signed in as somebody else without noticing (login CSRF)."""
    ada, eve = visitor(known), visitor(known)
    form = {"form_token": token_of_visit(eve), "name": "admin", "password": PASSWORD}
    assert ada.post("/sign-in", form).status_code == 403
    ada.get("/sign-in")
    assert ada.post("/sign-in", form).status_code == 403
    assert ada.post("/sign-in", {"name": "admin", "password": PASSWORD}).status_code == 403
    assert ada.post("/sign-in", {**form, "form_token": token_of_visit(ada)}).status_code == 303


def token_of_visit(ada: Visitor) -> str:
    return hidden(ada.get("/sign-in").text)["form_token"]


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"])
def test_sign_in_leads_to_no_other_site(known: App, target: str) -> None:
    answer = visitor(known).submit("/sign-in", name="admin", password=PASSWORD, next=target)
    assert answer.headers["location"] == "/"


def test_sign_in_leads_back_to_where_somebody_wanted_to_go(known: App) -> None:
    ada = visitor(known)
    wanted = ada.get("/password?a=b%26c").headers["location"]
    assert wanted == "/sign-in?next=/password%3Fa%3Db%2526c"
    answer = ada.submit(wanted, at=wanted, name="admin", password=PASSWORD)
    assert answer.headers["location"] == "/password?a=b%26c"


def test_on_to_oauth_leads_a_page_that_refreshes_itself(known: App) -> None:
    """A redirect would be held to the policy of the form's page, as far as to the client's address."""
    answer = visitor(known).submit("/sign-in", name="admin", password=PASSWORD, next="/oauth/authorize?a=b&c=d")
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/oauth/authorize?a=b&amp;c=d">' in answer.text


def test_hash_is_renewed_when_it_is_to_be_more_work(known: App) -> None:
    [(before,)] = rows(known, "SELECT hash FROM passwords")
    more = known.settings.model_copy(update={"password_rounds": 2})
    again = replace(known, client=TestClient(build_app(more, known.clock)), settings=more)
    with again.client:
        assert enter(visitor(again)) == 303
        [(after,)] = rows(again, "SELECT hash FROM passwords")
        assert (before != after, ",t=2," in after) == (True, True)
        assert enter(visitor(again)) == 303
        assert rows(again, "SELECT hash FROM passwords") == [(after,)]


def test_attempts_on_a_user_are_counted_whatever_the_name(known: App) -> None:
    """Also for nobody: else the limit would tell who there is. The clock's next minute lets in again."""
    for name in ("admin", "nobody"):
        answers = [enter(visitor(known), name, "wrong") for _ in range(6)]
        assert answers == [400] * 5 + [429], name
    assert enter(visitor(known)) == 429
    known.clock.seconds += 60
    assert enter(visitor(known)) == 303


@pytest.mark.parametrize("name", ["admin", "nobody", "\0"])
def test_as_much_is_written_after_every_wrong_answer(known: App, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Else whoever has something written right behind it could tell, by waiting, whom there is."""
    committed: list[int] = []
    write = Database.write

    @contextmanager
    def counted(self: Database) -> Iterator[Any]:
        with write(self) as connection:
            before = connection.connection.dbapi_connection.total_changes  # type: ignore[union-attr]
            yield connection
            committed.append(connection.connection.dbapi_connection.total_changes - before)  # type: ignore[union-attr]

    monkeypatch.setattr(Database, "write", counted)
    assert enter(visitor(known), name, "wr0ng") == 400
    assert committed == [1]


def test_limit_does_not_tell_that_a_name_and_an_address_are_one_users(known: App, do: Installation) -> None:
    do.users.update_user(OPERATOR, "admin", UserChange(email="ada@example.com"))
    for name, address in (("admin", "ada@example.com"), ("nobody", "nobody@example.com")):
        answers = [enter(visitor(known), name, "wrong") for _ in range(6)]
        assert answers == [400] * 5 + [429], name
        assert enter(visitor(known), address, "wrong") == 400, name


def test_name_that_looks_like_anothers_at_an_address_does_not_keep_anybody_out(known: App) -> None:
    assert enter(visitor(known, "192.0.2.1")) == 303
    for name in ("admin:192.0.2.1", "192.0.2.1:admin", "known:192.0.2.1:admin"):
        assert enter(visitor(known, "198.51.100.1"), name, "wrong") == 400
    assert enter(visitor(known, "192.0.2.1")) == 303


def test_answer_to_too_many_attempts_says_when_to_come_again(known: App) -> None:
    for _ in range(6):
        answer = visitor(known).submit("/sign-in", name="admin", password="wrong")
    assert answer.headers["retry-after"] == "60"
    assert "Wait a minute" in answer.text


def test_stranger_keeps_nobody_out_at_an_address_of_their_own(known: App) -> None:
    assert enter(visitor(known, "192.0.2.1")) == 303
    for _ in range(6):
        assert enter(visitor(known, "198.51.100.1"), password="wrong") in {400, 429}
    assert enter(visitor(known, "198.51.100.1")) == 429
    assert enter(visitor(known, "192.0.2.1")) == 303


def test_address_that_tries_many_names_is_stopped(known: App) -> None:
    answers = [enter(visitor(known), f"user-{number}", "wrong") for number in range(16)]
    assert answers == [400] * 15 + [429]


def test_logins_of_known_users_are_written_down(known: App) -> None:
    enter(visitor(known, "192.0.2.1"))
    enter(visitor(known, "192.0.2.2"), password="wrong")
    enter(visitor(known, "192.0.2.3"), "nobody")
    found = rows(known, "SELECT address, succeeded, method FROM logins WHERE address LIKE '192.%' ORDER BY id")
    assert found == [("192.0.2.1", 1, "password"), ("192.0.2.2", 0, "password")]


@pytest.mark.parametrize("end", ["disable", "delete"])
def test_whatever_ends_a_user_ends_the_sessions_at_once(known: App, do: Installation, end: str) -> None:
    do.users.create_user(OPERATOR, username="ada", admin=True)
    ada = give_password(known, do, "ada")
    assert ada.is_signed_in()
    if end == "delete":
        do.users.delete_user(OPERATOR, "ada")
        assert rows(known, "SELECT user_id FROM passwords") == [(1,)]
    else:
        do.users.disable_user(OPERATOR, "ada")
        assert ada.get(OVERVIEW).status_code == 303
        do.users.enable_user(OPERATOR, "ada")
    assert ada.get(OVERVIEW).status_code == 303


def test_session_ends_when_it_is_not_used_and_at_the_latest_after_its_days(known: App) -> None:
    ada = visitor(known)
    enter(ada)
    for _ in range(27):
        known.clock.seconds += 12 * 3600 - 1
        assert ada.is_signed_in()
    known.clock.seconds += 12 * 3600
    assert not ada.is_signed_in()
    enter(ada)
    for _ in range(28):
        known.clock.seconds += 12 * 3600 - 1
        ada.get(OVERVIEW)
    assert ada.is_signed_in()
    known.clock.seconds += 60
    assert not ada.is_signed_in()


def test_use_of_a_session_is_written_down_once_a_minute(known: App) -> None:
    ada = visitor(known)
    enter(ada)
    start = int(known.clock.seconds)
    seen = []
    for _ in range(4):
        known.clock.seconds += 30
        ada.get(OVERVIEW)
        seen += rows(known, "SELECT max(seen_at) FROM sessions")
    assert [at - start for (at,) in seen] == [0, 60, 60, 120]


def test_audit_says_who_signed_in_and_out(known: App) -> None:
    ada = visitor(known, "192.0.2.1")
    enter(ada)
    ada.submit("/sign-out")
    found = rows(
        known,
        "SELECT actor, actor_user_id, address, action, subject, details FROM audit_events "
        "WHERE action LIKE 'session.%' AND address LIKE '192.%' ORDER BY id",
    )
    assert [each[:5] for each in found] == [
        ("admin", 1, "192.0.2.1", "session.begin", "user:1"),
        ("admin", 1, "192.0.2.1", "session.end", "user:1"),
    ]
    assert json.loads(found[0][5])["method"] == "password"


def test_too_many_who_wait_are_told_to_come_again(known: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenry.service.hashing.WAITING_MAX", 0)
    answer = visitor(known).submit("/sign-in", name="admin", password=PASSWORD)
    assert answer.status_code == 503
    assert "<h1>Not now</h1>" in answer.text


def test_browsers_are_listed_and_ended_one_by_one(known: App) -> None:
    ada, other = visitor(known), visitor(known)
    enter(ada)
    enter(other)
    page = ada.get(OVERVIEW).text
    assert page.count("<time ") == 6
    for _ in range(2):
        assert ada.submit(OVERVIEW).status_code == 303
    assert not other.is_signed_in()
    assert "That browser is signed out." in ada.get(OVERVIEW).text
    assert "That browser is signed out." not in ada.get(OVERVIEW).text


@pytest.mark.parametrize("session_id", ["", "x", "²", "9" * 50, "-1", "999"])
def test_session_that_is_not_there_is_not_ended(known: App, session_id: str) -> None:
    ada = visitor(known)
    enter(ada)
    form = {"form_token": token_of(ada), "session_id": session_id}
    assert ada.post(OVERVIEW, form).status_code == 303
    assert ada.is_signed_in()


def test_session_of_somebody_else_is_not_ended(known: App, do: Installation) -> None:
    do.users.create_user(OPERATOR, username="eve")
    ada, eve = visitor(known), visitor(known)
    enter(ada)
    sign_in_as(known, eve, "eve")
    [(id,)] = rows(known, "SELECT max(id) FROM sessions WHERE user_id = 1")
    eve.post(OVERVIEW, {"form_token": token_of(eve), "session_id": str(id)})
    assert ada.is_signed_in()


def test_all_other_browsers_are_signed_out_at_once(known: App) -> None:
    ada, others = visitor(known), [visitor(known) for _ in range(2)]
    for each in (ada, *others):
        enter(each)
    assert ada.post(OVERVIEW, {"form_token": token_of(ada), "others": "yes"}).headers["location"] == OVERVIEW
    assert "All other browsers are signed out." in ada.get(OVERVIEW).text
    assert not any(each.is_signed_in() for each in others)
