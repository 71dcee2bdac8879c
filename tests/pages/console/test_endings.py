"""Revoking in the console: one token, some, or all; and what has to be typed first."""

import pytest

from tests.conftest import App, Clock
from tests.pages.console.parts import labels, make_token, use
from tests.pages.parts import Visitor, hidden, sign_in_as
from tokenry.domain.details import State
from tokenry.domain.tokens import Token
from tokenry.service.installation import Installation

SOME = "/console/tokens/revoke"
ALL = "/console/tokens/revoke-all"
DAY = 24 * 60 * 60


def state_of(do: Installation, token: Token) -> State:
    return do.details.get_details(1, token.id).state


def revoke(admin: Visitor, token: Token, **form: str) -> int:
    """Revoke a token on its page; the status of the answer."""
    status: int = admin.submit(f"/console/tokens/{token.id}/revoke", **form).status_code
    return status


def test_unused_token_is_revoked_by_one_click_and_again_by_another(do: Installation, admin: Visitor) -> None:
    token = make_token(do, "old")
    page = admin.get(f"/console/tokens/{token.id}/revoke").text
    assert "Revoke old?" in page
    fields = hidden(page)
    for _ in range(2):
        assert admin.post(f"/console/tokens/{token.id}/revoke", fields).headers["location"] == "/console"
    assert "The token is revoked" in admin.get("/console").text
    assert state_of(do, token) is State.REVOKED


@pytest.mark.parametrize(("days", "typed"), [(6, True), (8, False)])
def test_label_of_a_token_that_was_used_lately_has_to_be_typed(
    site: App, do: Installation, ada: Visitor, clock: Clock, days: int, *, typed: bool
) -> None:
    token = make_token(do, "deploy")
    use(do, token)
    clock.seconds += days * DAY
    sign_in_as(site, ada)
    page = ada.get(f"/console/tokens/{token.id}/revoke").text
    assert f"{days} days ago" in page
    assert "from 192.0.2.7, by curl/8.5.0" in page
    assert revoke(ada, token, label="Deploy") == (400 if typed else 303)
    assert ("Type its label" in page) == typed
    if typed:
        assert revoke(ada, token, label=" deploy ") == 303
    assert state_of(do, token) is State.REVOKED


def test_label_of_a_token_that_opens_everything_has_to_be_typed(do: Installation, admin: Visitor) -> None:
    token = make_token(do, "all", "*")
    assert revoke(admin, token) == 400
    assert state_of(do, token) is State.ACTIVE


def test_chosen_tokens_are_revoked_together_after_a_question(do: Installation, admin: Visitor) -> None:
    tokens = [make_token(do, label) for label in ("one", "two", "three")]
    fields: dict[str, str | list[str]] = {**hidden(admin.get("/console").text)}
    fields["id"] = [str(token.id) for token in tokens[:2]] + ["99", "x", ""]
    page = admin.post(SOME, fields)
    assert "Revoke these 2 tokens?" in page.text
    assert labels(admin.get("/console").text)[:3] == ["three", "two", "one"]
    assert admin.post(SOME, {**fields, "confirmed": "yes"}).headers["location"] == "/console"
    assert labels(admin.get("/console").text) == ["three", "first token"]


def test_number_of_tokens_has_to_be_typed_where_one_is_in_use(do: Installation, admin: Visitor) -> None:
    tokens = [make_token(do, label) for label in ("one", "two")]
    use(do, tokens[0])
    fields: dict[str, str | list[str]] = {**hidden(admin.get("/console").text)}
    fields["id"] = [str(token.id) for token in tokens]
    fields["confirmed"] = "yes"
    for number in ("", "3", "two"):
        assert admin.post(SOME, {**fields, "number": number}).status_code == 400
    assert state_of(do, tokens[1]) is State.ACTIVE
    assert admin.post(SOME, {**fields, "number": "2"}).status_code == 303
    assert {state_of(do, token) for token in tokens} == {State.REVOKED}


def test_form_in_which_nothing_is_chosen_says_so(admin: Visitor) -> None:
    assert admin.submit(SOME, at="/console").headers["location"] == "/console"
    assert "Choose some tokens first." in admin.get("/console").text
    assert admin.get(SOME).headers["location"] == "/console"


def test_all_tokens_are_revoked_by_who_has_just_shown_who_it_is(
    site: App, do: Installation, admin: Visitor, clock: Clock
) -> None:
    tokens = [make_token(do, "one"), make_token(do, "two")]
    fields = hidden(admin.get(ALL).text)
    clock.seconds += 600
    assert "/sign-in/again" in admin.get(ALL).headers["location"]
    assert admin.post(ALL, fields).status_code == 403
    assert state_of(do, tokens[0]) is State.ACTIVE
    clock.seconds -= 600
    assert admin.post(ALL, fields).headers["location"] == "/console"
    assert {state_of(do, token) for token in tokens} == {State.REVOKED}
    assert site.client.get("/verify", headers=site.bearer).status_code == 401
