"""What administrators do with users: invite, change, keep out, let in again, delete."""

import re

import pytest

from tests.conftest import App
from tests.pages.console.administering import ADMIN, make_firm
from tests.pages.console.parts import session_of
from tests.pages.parts import Visitor, give_password, sign_in_as, visitor
from tests.passwords import PASSWORD
from tokenry.service.installation import Installation

USERS = f"{ADMIN}/users"
LINK = re.compile(r'value="https://tokens\.example\.com(/link/[^"]+)"')


def names(page: str) -> list[str]:
    return re.findall(rf'<td><a href="{USERS}/([^"]+)">', page)


def test_invited_user_chooses_a_password_by_the_link_that_is_shown_once(
    site: App, do: Installation, admin: Visitor
) -> None:
    answer = admin.submit(f"{ADMIN}/new-user", username="bob", email="bob@example.org", language="de", admin="yes")
    found = LINK.search(answer.text)
    assert answer.status_code == 200
    assert found is not None
    bob = visitor(site)
    assert bob.get(found[1]).headers["location"] == "/link"
    assert bob.submit("/link", password=PASSWORD, again=PASSWORD).status_code == 303
    assert '<html lang="de">' in bob.get("/console").text
    assert LINK.search(admin.get(f"{USERS}/bob").text) is None
    assert do.account_users.get_user(session_of(do, bob).actor, "bob").admin


def test_fault_is_beside_its_field_and_keeps_what_was_typed(admin: Visitor) -> None:
    answer = admin.submit(f"{ADMIN}/new-user", username="admin", email="no address")
    assert answer.status_code == 400
    assert "<title>Error: Invite a user" in answer.text
    assert 'value="no address"' in answer.text
    assert 'href="#email"' in answer.text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["shop-backend", "ada", "admin"]),
        ("search=AD", ["ada", "admin"]),
        ("search=example.org", ["ada"]),
        ("sort=username", ["ada", "admin", "shop-backend"]),
        ("search=nobody", []),
        ("search=%00", []),
    ],
)
def test_list_is_searched_and_sorted_by_the_address(
    do: Installation, admin: Visitor, query: str, shown: list[str]
) -> None:
    make_firm(do)
    assert names(admin.get(f"{USERS}?{query}").text) == shown


def test_user_is_renamed_and_made_an_administrator(do: Installation, admin: Visitor) -> None:
    make_firm(do)
    form = {"username": "ada.l", "email": "ada@example.net", "admin": "yes"}
    answer = admin.submit(f"{USERS}/ada/change", **form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{USERS}/ada.l")
    page = admin.get(f"{USERS}/ada.l").text
    assert "The user is changed." in page
    assert "Administrator" in page
    assert "ada@example.net" in page


def test_restricted_user_of_a_parent_account_is_let_into_its_children(
    site: App, do: Installation, admin: Visitor
) -> None:
    make_firm(do)
    ada = give_password(site, do, "ada")
    assert ada.get("/console/child-accounts").status_code == 403
    form = {"username": "ada", "email": "ada@example.org"}
    admin.submit(f"{USERS}/ada/change", **form, children="yes")
    assert "Acme" in ada.get("/console/child-accounts").text
    admin.submit(f"{USERS}/ada/change", **form)
    assert ada.get("/console/child-accounts").status_code == 403


def test_disabled_user_is_out_at_once_until_enabled(site: App, do: Installation, admin: Visitor) -> None:
    firm = make_firm(do)
    ada = visitor(site)
    sign_in_as(site, ada, "ada")
    bearer = {"Authorization": f"Bearer {firm.secret}"}
    assert admin.submit(f"{USERS}/ada/disable").headers["location"] == f"{USERS}/ada"
    assert not ada.is_signed_in()
    assert site.client.get("/verify", headers=bearer).status_code == 401
    admin.submit(f"{USERS}/ada/enable")
    assert site.client.get("/verify", headers=bearer).status_code == 200


def test_deleting_takes_the_name(do: Installation, admin: Visitor) -> None:
    make_firm(do)
    answer = admin.submit(f"{USERS}/ada/delete", typed="Ada")
    assert (answer.status_code, "This is not the name" in answer.text) == (400, True)
    assert admin.submit(f"{USERS}/ada/delete", typed="ada").headers["location"] == USERS
    assert admin.get(f"{USERS}/ada").status_code == 404


@pytest.mark.parametrize("action", ["disable", "delete", "link"])
def test_nobody_does_it_to_themselves(admin: Visitor, action: str) -> None:
    answer = admin.submit(f"{USERS}/admin/{action}", typed="admin")
    assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
    assert admin.is_signed_in()
