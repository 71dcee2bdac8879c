"""The policy in the administration: what a change would do is shown before it is made."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.conftest import App
from tests.making import OPERATOR
from tests.pages.console.administering import ADMIN
from tests.pages.console.parts import make_token
from tests.pages.parts import Visitor, fields_of, give_password, hidden
from tokenry.domain.policy import Concerned, Policy, UserKind
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NewToken
from tokenry.service.installation import Installation

POLICY = f"{ADMIN}/policy"
CHANGE = f"{POLICY}/change"
DAY = timedelta(days=1)
FORM = {"max_lifetime": "", "max_tokens": "", "second_factor": "nobody"}


def review(admin: Visitor, **typed: str) -> str:
    """What the form comes to, as it is shown."""
    answer = admin.submit(CHANGE, **{**FORM, **typed})
    assert answer.status_code == 200, answer.text
    assert "Set this policy?" in answer.text
    return answer.text


def facts(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", page))


def test_change_is_reviewed_set_and_shown(do: Installation, admin: Visitor) -> None:
    do.users.create_user(OPERATOR, username="ada")
    do.tokens.create_token_for(OPERATOR, "ada", NewToken(label="deploy"))
    page = review(admin, max_lifetime="1d", shorten_existing="yes", scopes_user="linodes:read_only", max_tokens="1")
    assert facts(page) == {
        "Tokens": "2",
        "Past it already": "0",
        "Users who have them": "2",
        "Users with as many as that, or more": "2",
    }
    assert "Nobody can undo it" in page
    assert re.findall(r'<tr><td>([^<]+)</td><td data-label="Past', page) == ["ada", "admin"]
    assert do.policies.get_policy() == Policy()
    [listed] = re.findall(rf'href="({POLICY}/tokens[^"]+)"', page)
    assert "deploy" in admin.get(listed).text
    answer = admin.post(CHANGE, {**hidden(page), "step": "set"})
    assert answer.headers["location"] == POLICY
    assert do.policies.get_policy() == Policy(
        DAY, tokens_per_user_max=1, scopes={UserKind.USER: Scopes.parse("linodes:read_only")}
    )
    assert facts(admin.get(POLICY).text)["Done"] == "not yet: open this page again to see more"
    assert do.shortenings.shorten_tokens() == 2
    shown = facts(admin.get(POLICY).text)
    assert (shown["Asked for by"], shown["Expire sooner than they did"]) == ("admin", "2")
    assert "2025" in shown["Done"]


def test_stale_review_is_shown_anew_and_changes_nothing(do: Installation, admin: Visitor) -> None:
    page = review(admin, max_lifetime="1d")
    do.policies.set_policy(OPERATOR, lambda policy: replace(policy, expiry_required=True))
    answer = admin.post(CHANGE, {**hidden(page), "step": "set"})
    assert (answer.status_code, "The policy was changed meanwhile" in answer.text) == (409, True)
    assert do.policies.get_policy() == Policy(expiry_required=True)
    assert "An expiry has to be given" in answer.text  # which the form, as it was typed, would take back
    admin.post(CHANGE, {**hidden(answer.text), "step": "set"})
    assert do.policies.get_policy() == Policy(DAY)


def test_form_that_was_never_reviewed_changes_nothing(do: Installation, admin: Visitor) -> None:
    for version, status in (({}, 403), ({"version": ""}, 409), ({"version": "0" * 16}, 409)):
        answer = admin.submit(CHANGE, **FORM, expiry_required="yes", step="set", **version)
        assert answer.status_code == status
    assert do.policies.get_policy() == Policy()


def test_what_was_typed_comes_back_with_what_is_wrong(do: Installation, admin: Visitor) -> None:
    odd = {"max_lifetime": "soon", "max_tokens": "9" * 40, "scopes_user": "no:such", "requests_per_minute_user": "-1"}
    answer = admin.submit(CHANGE, **{**FORM, **odd, "second_factor": "root"})
    assert answer.status_code == 400
    assert set(re.findall(r'id="fault-(\w+)"', answer.text)) == {*odd, "second_factor"}
    assert 'value="soon"' in answer.text
    answer = admin.submit(CHANGE, **FORM, shorten_existing="yes")
    assert (answer.status_code, "Must have a maximum lifetime" in answer.text) == (400, True)


def test_what_stands_there_as_it_did_is_not_judged_again(do: Installation, admin: Visitor) -> None:
    """A scope that the catalogue has lost, and a span that is longer than one can be typed."""
    odd = Policy(timedelta(weeks=99_999), scopes={UserKind.USER: Scopes.parse("lost:read_only")})
    do.policies.set_policy(OPERATOR, lambda _policy: odd)
    form = {**FORM, "max_lifetime": "699993d", "scopes_user": "lost:read_only", "expiry_required": "yes"}
    page = review(admin, **form)
    admin.post(CHANGE, {**hidden(page), "step": "set"})
    assert do.policies.get_policy() == replace(odd, expiry_required=True)


def test_who_needs_a_second_factor_and_has_none_is_told_and_not_locked_out(do: Installation, admin: Visitor) -> None:
    page = review(admin, second_factor="administrators")
    assert "You are one of them:" in page
    admin.post(CHANGE, {**hidden(page), "step": "set"})
    assert do.policies.get_policy().second_factor is Concerned.ADMINISTRATORS
    answer = admin.get(POLICY)
    assert answer.headers["location"] == "/sign-in/security"
    assert admin.get("/sign-in/security").status_code == 200


@pytest.mark.parametrize("username", ["ada", "eve"])
def test_nobody_else_changes_it_or_sees_all_of_it(site: App, do: Installation, admin: Visitor, username: str) -> None:
    """A user of this account, and an administrator of another."""
    do.users.create_user(OPERATOR, username="ada")
    do.accounts.create_account(OPERATOR, company="Other", admin="eve")
    make_token(do, "victim")
    visitor = give_password(site, do, username)
    form = {**fields_of(admin.get(CHANGE).text), **hidden(visitor.get("/sign-out").text), **FORM}
    form |= {"expiry_required": "yes", "step": "set"}
    assert [visitor.get(path).status_code for path in (CHANGE, f"{POLICY}/tokens")] == [403, 403]
    assert visitor.post(CHANGE, {**form, "version": Policy().version}).status_code == 403
    assert CHANGE not in visitor.get(POLICY).text
    assert do.policies.get_policy() == Policy()
