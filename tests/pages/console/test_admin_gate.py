"""Who is let into the administration: administrators, and they into that of their own account alone."""

import pytest

from tests.conftest import App, Clock
from tests.making import OPERATOR
from tests.pages.console.administering import (
    ADMIN,
    CHILDREN,
    NAMES,
    admin_pages,
    fields_of_all,
    make_firm,
    methods_of,
)
from tests.pages.parts import Visitor, give_password, hidden, sign_in_as
from tokenry.domain.details import State
from tokenry.domain.sessions import RECENT_SECONDS
from tokenry.service.installation import Installation

UNASKED = {
    ADMIN,
    f"{ADMIN}/tokens",
    f"{ADMIN}/tokens.csv",
    f"{ADMIN}/tokens/chosen",
    f"{ADMIN}/tokens/{{token_id}}",
    f"{ADMIN}/tokens/{{token_id}}/watch",
    f"{ADMIN}/users",
    f"{ADMIN}/users/{{username}}",
    f"{ADMIN}/service-accounts",
    f"{ADMIN}/service-accounts/{{username}}",
    f"{ADMIN}/clients",
    f"{ADMIN}/clients/{{client_id}}",
    f"{ADMIN}/webhooks",
    f"{ADMIN}/webhooks/{{webhook_id}}",
    f"{ADMIN}/mail",
    f"{ADMIN}/audit",
    f"{ADMIN}/audit.csv",
    f"{ADMIN}/scopes",
    f"{ADMIN}/policy",
    f"{ADMIN}/policy/tokens",
    f"{ADMIN}/leaked",
    CHILDREN,
}
"""Pages that are shown however long ago somebody has proved who it is."""
HOSTILE = ("", "\0", "\xed\xa0\x80", "a" * 1000, "<script>", "../..", "%s%(x)s", "\N{FULLWIDTH DIGIT NINE}" * 30)
ASKED = ("search", "show", "user", "page", "sort", "actor", "subject", "since", "id")
WRONG = ("%00", "%ED%A0%80", "-1", "9" * 30, "%25s")


def test_restricted_user_is_shown_and_does_nothing(site: App, do: Installation, admin: Visitor) -> None:
    firm = make_firm(do)
    ada = give_password(site, do, "ada")
    form = {**fields_of_all(site, admin, firm), **hidden(ada.get("/sign-out").text)}
    assert len(admin_pages(site)) > 20
    for route in admin_pages(site):
        for method in methods_of(route) - {"HEAD"}:
            path = firm.path_of(route)
            answer = ada.get(path) if method == "GET" else ada.post(path, form)
            assert (path, answer.status_code) == (path, 403)
            assert "This is not allowed" in answer.text
    assert "Administration" not in ada.get("/console").text


def test_administrator_of_another_account_gets_nothing_of_this_one(site: App, do: Installation, admin: Visitor) -> None:
    firm = make_firm(do)
    do.accounts.create_account(OPERATOR, company="Other", admin="eve")
    eve = give_password(site, do, "eve")
    form = {**fields_of_all(site, admin, firm), "do": "test", **hidden(eve.get("/sign-out").text)}
    for route in admin_pages(site):
        path, of_something = firm.path_of(route), "{" in route.path
        answer = eve.get(path)
        if of_something or path.startswith(CHILDREN):
            refused = 403 if path.startswith(CHILDREN) else 404
            assert (path, answer.status_code) == (path, refused)
        assert (path, [name for name in NAMES if name in answer.text]) == (path, [])
        if "POST" in methods_of(route) and of_something:
            assert (path, eve.post(path, form).status_code) == (path, refused)
    eve.post(f"{ADMIN}/tokens/chosen", {**form, "do": "revoke", "id": str(firm.token.id)})
    assert do.details.get_details(firm.token.user_id, firm.token.id).state is State.ACTIVE


def test_who_is_not_signed_in_is_sent_to_sign_in(site: App, do: Installation, ada: Visitor) -> None:
    firm = make_firm(do)
    answers = [ada.get(firm.path_of(route)) for route in admin_pages(site)]
    assert {(answer.status_code, answer.headers["location"].partition("?")[0]) for answer in answers} == {
        (303, "/sign-in")
    }


def test_changes_ask_anew_who_it_is_and_reading_does_not(
    site: App, do: Installation, clock: Clock, ada: Visitor
) -> None:
    firm = make_firm(do)
    sign_in_as(site, ada)
    clock.seconds += RECENT_SECONDS + 1
    asked = {
        route.path
        for route in admin_pages(site)
        if ada.get(firm.path_of(route)).headers.get("location", "").startswith("/sign-in/again")
    }
    assert asked == {route.path for route in admin_pages(site)} - UNASKED


def test_every_form_asks_anew_who_it_is_but_for_what_anybody_may_do(
    site: App, do: Installation, clock: Clock, ada: Visitor
) -> None:
    firm = make_firm(do)
    sign_in_as(site, ada)
    form = hidden(ada.get("/sign-out").text)
    clock.seconds += RECENT_SECONDS + 1
    forms = {route.path: firm.path_of(route) for route in admin_pages(site) if "POST" in methods_of(route)}
    taken = {path for path, own in forms.items() if "Show that it is you" not in ada.post(own, form).text}
    assert taken == {f"{ADMIN}/leaked"}


@pytest.mark.parametrize("value", HOSTILE)
def test_no_form_and_no_address_makes_anything_fail(owner: tuple[App, Installation, Visitor], value: str) -> None:
    app, do, admin = owner
    firm = make_firm(do)
    form = hidden(admin.get("/sign-out").text)
    wrong = dict.fromkeys({*fields_of_all(app, admin, firm), "level.linodes", "id", "step"} - form.keys(), value)
    queries = ["&".join(f"{name}={wrong}" for name in ASKED) for wrong in WRONG]
    nothing = {"username": "%00", "client_id": "%00", "token_id": "9" * 40, "euuid": "%00", "webhook_id": "x"}
    for route in admin_pages(app):
        path = firm.path_of(route)
        answers = [admin.get(f"{path}?{query}") for query in queries]
        answers.append(admin.get(route.path.format(**nothing)))
        if "POST" in methods_of(route):
            answers += [admin.post(path, form), admin.post(path, {**form, **wrong}), admin.post(path, {})]
        assert {answer.status_code for answer in answers} <= {200, 303, 400, 403, 404}, path


def test_every_page_says_in_its_title_where_one_is(site: App, do: Installation, admin: Visitor) -> None:
    firm = make_firm(do)
    titles = {}
    for route in admin_pages(site):
        answer = admin.get(firm.path_of(route))
        if answer.status_code == 200 and "content-disposition" not in answer.headers:
            titles[route.path] = answer.text.partition("<title>")[2].partition("</title>")[0]
    assert len(set(titles.values())) == len(titles)
    assert all(
        title.endswith(("Administration \N{EN DASH} tokenry", "Child accounts \N{EN DASH} tokenry"))
        for title in titles.values()
    )
