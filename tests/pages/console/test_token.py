"""The page of a token: what it tells, what can be changed there, and giving it another secret."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import App, Clock
from tests.making import OPERATOR
from tests.pages.console.parts import make_token, session_of, use
from tests.pages.parts import Visitor, hidden, sign_in_as
from tokenry.domain.details import NewDetails, State
from tokenry.domain.tokens import Token
from tokenry.service.installation import Installation
from tokenry.storage.schema import users

SECRET = re.compile(r"pat_[0-9A-Za-z]{20,}")


@pytest.fixture
def token(do: Installation, admin: Visitor) -> Token:
    return make_token(do, "deploy", "linodes:read_write")


def path_of(token: Token, *further: str) -> str:
    return "/".join(["/console/tokens", str(token.id), *further])


def notice_at(admin: Visitor, path: str) -> str:
    """What a page says that was done before it."""
    found = re.search(r'<p class="notice" role="status">([^<]*)', admin.get(path).text)
    return found[1] if found else ""


def make_proxy(do: Installation) -> None:
    """Let the administrator be a parent account's hand."""
    with do.transactions.change(OPERATOR) as change:
        change.connection.execute(users.update().values(proxy=True))


def test_page_tells_all_that_is_known(do: Installation, admin: Visitor, token: Token) -> None:
    use(do, token, agent="Mozilla/5.0 (X11)")
    page = admin.get(path_of(token)).text
    for words in ("See and change: Compute instances", "linodes:read_write", token.preview, "192.0.2.7"):
        assert words in page
    for words in ("Mozilla/5.0 (X11)", "in 12 months", "15 Jun 2026, 15:06 UTC", "by operator", "anywhere"):
        assert words in page
    assert "<title>deploy \u2013 Tokens \u2013 tokenry</title>" in page


@pytest.mark.parametrize("token_id", ["99", "0", "x", "1" * 30, "-1", "%00"])
def test_token_that_is_not_there_is_no_page(admin: Visitor, token_id: str) -> None:
    for page in ("", "/revoke", "/rotate"):
        path = f"/console/tokens/{token_id}{page}"
        assert admin.get(path).status_code == 404
        assert admin.submit(path, at="/console", action="save", grace="0").status_code == 404


def test_label_description_and_networks_are_changed_together(do: Installation, admin: Visitor, token: Token) -> None:
    form = {"action": "save", "label": " ci ", "description": "Tests", "networks": "192.0.2.0/24, 192.0.2.0/24"}
    answer = admin.submit(path_of(token), **form)
    assert (answer.status_code, answer.headers["location"]) == (303, path_of(token))
    assert notice_at(admin, path_of(token)) == "It is saved."
    details = do.details.get_details(1, token.id)
    networks = list(map(str, details.networks or ()))
    assert (details.token.label, details.description, networks) == ("ci", "Tests", ["192.0.2.0/24"])


def test_change_with_a_fault_changes_nothing_and_loses_nothing(do: Installation, admin: Visitor, token: Token) -> None:
    answer = admin.submit(path_of(token), action="save", label="other", description="x" * 501, networks="here")
    assert answer.status_code == 400
    assert "Length must be 0-500 characters" in answer.text
    assert "here is no address" in answer.text
    assert 'value="other"' in answer.text
    assert do.details.get_details(1, token.id).token.label == "deploy"


def test_token_is_disabled_and_enabled_again(do: Installation, admin: Visitor, token: Token) -> None:
    for action, state in (("disable", State.DISABLED), ("enable", State.ACTIVE), ("enable", State.ACTIVE)):
        assert admin.submit(path_of(token), action=action).status_code == 303
        assert do.details.get_details(1, token.id).state is state
    assert admin.submit(path_of(token), action="unheard of").status_code == 303
    assert admin.submit(path_of(token)).status_code == 303


def test_what_somebody_else_disabled_is_not_enabled(do: Installation, admin: Visitor, token: Token) -> None:
    do.inventory.turn_any_token(OPERATOR, token.id, disabled=True)
    answer = admin.submit(path_of(token), action="enable")
    assert answer.status_code == 409
    assert "<title>Error:" in answer.text


def test_another_secret_is_shown_once_and_the_old_one_goes_on(do: Installation, admin: Visitor, token: Token) -> None:
    form = {**hidden(admin.get(path_of(token, "rotate")).text), "grace": "3600", "begin": "now"}
    answer, again = (admin.post(path_of(token, "rotate"), form) for _ in range(2))
    assert SECRET.search(answer.text)
    assert (again.status_code, again.headers["location"]) == (303, path_of(token))
    page = admin.get(path_of(token)).text
    assert f"Its old secret, {token.preview}…, still opens. It ends:" in page
    assert "in 60 minutes" in page
    assert SECRET.search(page) is None


def test_grace_that_waits_for_the_new_secret_is_told(admin: Visitor, token: Token) -> None:
    form = {**hidden(admin.get(path_of(token, "rotate")).text), "grace": str(7 * 86400), "begin": "first_use"}
    admin.post(path_of(token, "rotate"), form)
    page = " ".join(admin.get(path_of(token)).text.split())
    assert "still opens: until the new one is used, and then for 7 days" in page


def test_of_two_rotations_that_race_one_alone_shows_a_secret(owner: tuple[App, Installation, Visitor]) -> None:
    _, do, admin = owner
    path = path_of(make_token(do, "deploy"), "rotate")
    form = {**hidden(admin.get(path).text), "grace": "0", "begin": "now"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: admin.post(path, form), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 303, 303, 303]


@pytest.mark.parametrize("grace", ["", "5", "x", "9" * 30])
def test_rotation_needs_a_grace(admin: Visitor, token: Token, grace: str) -> None:
    answer = admin.submit(path_of(token, "rotate"), grace=grace, begin="now")
    assert (answer.status_code, "Choose how long the old secret opens" in answer.text) == (400, True)


@pytest.mark.parametrize("scopes", ["*", "linodes:read_only account:read_write", "tokenry_tokens:read_only"])
def test_rotation_of_what_does_much_needs_a_recent_proof(
    do: Installation, admin: Visitor, clock: Clock, scopes: str
) -> None:
    clock.seconds += 600
    path = path_of(make_token(do, "much", scopes), "rotate")
    answer = admin.submit(path, grace="0", begin="now")
    assert (answer.status_code, "Show that it is you" in answer.text) == (403, True)


def test_disabled_token_is_given_no_other_secret(do: Installation, admin: Visitor, token: Token) -> None:
    do.details.update_details(session_of(do, admin).origin(None), token.id, NewDetails(disabled=True))
    answer = admin.submit(path_of(token, "rotate"), grace="0", begin="now")
    assert answer.status_code == 400
    assert "Error:" in answer.text


def test_token_that_ended_can_only_be_looked_at(do: Installation, admin: Visitor, token: Token) -> None:
    do.tokens.revoke_token(session_of(do, admin).origin(None), token.id)
    page = admin.get(path_of(token)).text
    assert "Revoked" in page
    assert 'name="action"' not in page
    for further in ("rotate", "revoke"):
        assert admin.get(path_of(token, further)).headers["location"] == path_of(token)
    assert admin.submit(path_of(token), action="save", label="other", description="", networks="").status_code == 404


def test_proxy_user_sees_and_revokes_and_is_told_why_no_more(
    site: App, do: Installation, admin: Visitor, token: Token
) -> None:
    make_proxy(do)
    for path in ("/console", "/console/tokens/new", path_of(token), path_of(token, "rotate")):
        page = admin.get(path).text
        assert "You act for a parent account" in page
        assert 'value="save"' not in page
    fields = hidden(admin.get("/console").text)
    assert admin.post(path_of(token), {**fields, "action": "disable"}).status_code == 403
    form = {**fields, "label": "x", "expires": "30", "level.linodes": "read_only", "step": "make"}
    assert admin.post("/console/tokens/new", form).status_code == 403
    assert admin.submit(path_of(token, "revoke")).headers["location"] == "/console"
    assert do.details.get_details(1, token.id).state is State.REVOKED


def test_token_of_somebody_else_is_not_there(site: App, do: Installation, ada: Visitor, token: Token) -> None:
    do.users.create_user(OPERATOR, username="eve")
    sign_in_as(site, ada, "eve")
    fields = hidden(ada.get("/console/settings").text)
    for further in ([], ["revoke"], ["rotate"]):
        assert ada.get(path_of(token, *further)).status_code == 404
        assert ada.post(path_of(token, *further), {**fields, "grace": "0", "action": "disable"}).status_code == 404
    assert ada.get(f"/console/tokens/new?from={token.id}").status_code == 404
    assert do.details.get_details(1, token.id).state is State.ACTIVE
