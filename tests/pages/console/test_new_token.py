"""Making a token in the console: what is asked for by its form, how often, and where its secret is shown."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.conftest import App, Clock
from tests.making import OPERATOR
from tests.pages.console.parts import labels, session_of
from tests.pages.parts import Visitor, fields_of, hidden, sign_in_as, visitor
from tokenry.domain.details import NOT_ENDED, Details
from tokenry.domain.filters import Filter
from tokenry.domain.paging import PageRequest
from tokenry.domain.policy import Policy, UserKind
from tokenry.domain.scopes import Scopes
from tokenry.domain.users import UserChange
from tokenry.service.installation import Installation

NEW = "/console/tokens/new"
FORM = {"label": "deploy", "expires": "90", "level.linodes": "read_write"}
SECRET = re.compile(r"pat_[0-9A-Za-z]{20,}")


def secret_in(page: str) -> str | None:
    found = SECRET.search(page)
    return None if found is None else found[0]


def make(ada: Visitor, **form: str) -> httpx2.Response:
    """Send the form as somebody does who is shown what it comes to, and has it made."""
    fields = {**fields_of(ada.get(NEW).text), **FORM, **form}
    review = ada.post(NEW, fields)
    assert review.status_code == 200, review.text
    return ada.post(NEW, {**hidden(review.text), "step": "make"})


def newest(do: Installation) -> Details:
    return do.details.list_details(1, PageRequest(), Filter(descending=True), NOT_ENDED).rows[0]


def set_policy(do: Installation, policy: Policy) -> None:
    do.policies.set_policy(OPERATOR, lambda _: policy)


def test_token_is_made_as_it_was_reviewed_and_opens(site: App, do: Installation, admin: Visitor) -> None:
    form = {
        **FORM,
        "description": "Deploys the shop",
        "level.vpc": "read_write",
        "networks": "192.0.2.0/24\n2001:db8::1",
    }
    review = admin.post(NEW, {**fields_of(admin.get(NEW).text), **form})
    for words in ("deploy", "Deploys the shop", "See and change: Compute instances", "192.0.2.0/24, 2001:db8::1/128"):
        assert words in review.text
    assert newest(do).token.label == "first token"
    answer = admin.post(NEW, {**hidden(review.text), "step": "make"})
    secret, made = secret_in(answer.text), newest(do)
    assert (made.token.label, made.description) == ("deploy", "Deploys the shop")
    assert str(made.token.scopes) == "linodes:read_write vpc:read_write"
    assert made.token.expiry - made.token.created == timedelta(days=90)
    assert list(map(str, made.networks or ())) == ["192.0.2.0/24", "2001:db8::1/128"]
    checked = site.client.get("/verify", headers={"Authorization": f"Bearer {secret}"})
    assert checked.status_code == 401  # from elsewhere than its networks
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "scopes"),
    [
        ({}, "linodes:read_write"),
        ({"access": "*"}, "*"),
        ({"level.linodes": "", "level.domains": "read_only"}, "domains:read_only"),
        ({"level.linodes": "", "more": "linodes:read_only, domains:read_only"}, "linodes:read_only domains:read_only"),
        ({"level.linodes": "", "level.tokenry_verify": "read_only"}, "tokenry_verify:read_only"),
    ],
)
def test_scopes_are_those_that_are_chosen(
    site: App, do: Installation, admin: Visitor, form: dict[str, str], scopes: str
) -> None:
    assert secret_in(make(admin, **form).text)
    assert str(newest(do).token.scopes) == scopes


def test_all_at_least_is_each_as_far_as_it_is_to_be_had(site: App, do: Installation, admin: Visitor) -> None:
    set_policy(do, Policy(scopes={UserKind.ADMIN: Scopes.parse("linodes:read_write domains:read_only")}))
    assert "Not allowed by the policy" in admin.get(NEW).text
    make(admin, base="read_write", **{"level.linodes": ""})
    assert str(newest(do).token.scopes) == "domains:read_only linodes:read_write"


@pytest.mark.parametrize(
    ("form", "end"),
    [
        ({"expires": "30"}, datetime(2025, 7, 15, 15, 6, 40, tzinfo=UTC)),
        ({"expires": "never"}, datetime(2999, 12, 12, 5, tzinfo=UTC)),
        ({"expires": "30", "day": "2025-06-20"}, datetime(2025, 6, 20, 21, 59, 59, tzinfo=UTC)),
        ({"expires": "day", "day": "2025-06-15"}, datetime(2025, 6, 15, 21, 59, 59, tzinfo=UTC)),
    ],
)
def test_expiry_is_what_is_chosen_in_the_zone_of_the_user(
    site: App, do: Installation, admin: Visitor, form: dict[str, str], end: datetime
) -> None:
    admin.submit("/console/settings", timezone="Europe/Berlin", email="a@example.com")
    make(admin, **form)
    assert newest(do).token.expiry == end


def test_expiry_is_within_what_the_policy_allows(site: App, do: Installation, admin: Visitor) -> None:
    set_policy(do, Policy(lifetime_max=timedelta(days=60)))
    page = admin.get(NEW).text
    assert 'value="longest" checked' in page
    assert 'value="90" disabled' in page
    assert "tokens live for at most 60 days" in page
    make(admin, expires="longest", label="longest")
    make(admin, expires="", day="2025-08-14", label="day")
    ends = {newest(do).token.expiry, do.details.get_details(1, newest(do).token.id - 1).token.expiry}
    assert ends == {datetime(2025, 8, 14, 15, 6, 40, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("form", "reason", "field"),
    [
        ({"label": ""}, "Length must be 1-100 characters", "label"),
        ({"label": "x" * 101}, "Length must be 1-100 characters", "label"),
        ({"label": "\0"}, "Must", "label"),
        ({"description": "x" * 501}, "Length must be 0-500 characters", "description"),
        ({"level.linodes": ""}, "Must contain at least one scope", "scopes"),
        ({"level.linodes": "", "more": "nothing:here"}, "Invalid scope: nothing:here", "scopes"),
        ({"more": "<b>"}, "Invalid scope: &lt;b&gt;", "scopes"),
        ({"expires": "8"}, "Choose when it expires", "expiry"),
        ({"day": "2025-06-14"}, "Must be in the future", "expiry"),
        ({"day": "9999-99-99"}, "Must be a day such as 2027-01-31", "expiry"),
        ({"day": "9999-12-31"}, "Must be before 12 Dec 2999, ", "expiry"),
        ({"starts": "9999-12-31"}, "Must be before the token expires", "not_before"),
        ({"networks": "10.0.0.1/8"}, "10.0.0.1/8 is no address", "networks"),
        ({"networks": ",".join(f"10.0.0.{n}" for n in range(51))}, "Must be at most 50 networks", "networks"),
    ],
)
def test_what_is_wrong_is_said_where_it_was_typed_and_nothing_else_is_lost(
    do: Installation, admin: Visitor, form: dict[str, str], reason: str, field: str
) -> None:
    answer = admin.post(NEW, {**fields_of(admin.get(NEW).text), **FORM, "step": "make", **form})
    assert answer.status_code == 400
    assert f'<a href="#{field}">{reason}' in answer.text
    assert f'id="{field}"' in answer.text
    assert 'name="level.linodes" value="read_write"' in answer.text
    assert newest(do).token.label == "first token"


def test_form_that_is_sent_again_makes_one_token_and_shows_its_secret_once(do: Installation, admin: Visitor) -> None:
    review = hidden(admin.post(NEW, {**fields_of(admin.get(NEW).text), **FORM}).text)
    first, again = (admin.post(NEW, {**review, "step": "make"}) for _ in range(2))
    made = newest(do).token
    assert secret_in(first.text)
    assert (again.status_code, again.headers["location"]) == (303, f"/console/tokens/{made.id}")
    page = admin.get(f"/console/tokens/{made.id}").text
    assert "A secret is shown once" in page
    assert made.preview in page
    assert secret_in(page) is None
    assert labels(admin.get("/console").text) == ["deploy", "first token"]


def test_form_that_is_changed_and_sent_again_asks_before_it_makes_another(do: Installation, admin: Visitor) -> None:
    review = hidden(admin.post(NEW, {**fields_of(admin.get(NEW).text), **FORM}).text)
    admin.post(NEW, {**review, "step": "make"})
    answer = admin.post(NEW, {**review, "label": "another", "step": "make"})
    assert (answer.status_code, "A token was made from this form before" in answer.text) == (400, True)
    fields = {**fields_of(answer.text), **FORM, "label": "another", "step": "make"}
    assert secret_in(admin.post(NEW, fields).text)
    assert newest(do).token.label == "another"


def test_of_two_that_race_one_alone_shows_a_secret(owner: tuple[App, Installation, Visitor]) -> None:
    admin = owner[2]
    fields = {**hidden(admin.post(NEW, {**fields_of(admin.get(NEW).text), **FORM}).text), "step": "make"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: admin.post(NEW, fields), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 303, 303, 303]
    assert [label for label in labels(admin.get("/console").text) if label == "deploy"] == ["deploy"]


def test_secret_is_on_that_page_alone(
    site: App, do: Installation, admin: Visitor, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = make(admin)
    secret = secret_in(answer.text)
    assert secret is not None
    assert secret not in str(answer.headers)
    made = newest(do).token
    told = capfd.readouterr()
    for page in (
        "/console",
        f"/console/tokens/{made.id}",
        f"/console/tokens/{made.id}/rotate",
        f"{NEW}?from={made.id}",
    ):
        assert secret not in admin.get(page).text
    assert secret[20:] not in told.out + told.err


def test_address_fills_the_form_in(admin: Visitor) -> None:
    query = (
        "label=ci&description=tests&scopes=linodes:read_only,domains:read_write,no:such&expires=30d&networks=192.0.2.7"
    )
    page = admin.get(f"{NEW}?{query}").text
    assert 'name="label" value="ci"' in page
    assert 'name="description" value="tests"' in page
    assert 'name="level.linodes" value="read_only" checked' in page
    assert 'name="level.domains" value="read_write" checked' in page
    assert 'name="more" value="no:such"' in page
    assert 'name="expires" value="30" checked' in page
    assert ">192.0.2.7</textarea>" in page


@pytest.mark.parametrize(("expires", "chosen"), [("2025-12-31", "day"), ("7d", "day"), ("never", "never"), ("x", "90")])
def test_address_chooses_an_expiry(admin: Visitor, expires: str, chosen: str) -> None:
    assert f'name="expires" value="{chosen}" checked' in admin.get(f"{NEW}?expires={expires}").text


def test_copy_begins_with_what_the_other_token_has(do: Installation, admin: Visitor) -> None:
    make(admin, description="Deploys", networks="192.0.2.7", access="*")
    page = admin.get(f"{NEW}?from={newest(do).token.id}").text
    for text in ('value="deploy"', 'value="Deploys"', 'name="access" value="*" checked', "192.0.2.7/32</textarea>"):
        assert text in page
    assert admin.get(f"{NEW}?from=99").status_code == 404


def test_dangerous_token_needs_a_recent_proof_and_the_form_comes_back(
    do: Installation, admin: Visitor, clock: Clock
) -> None:
    clock.seconds += 600
    answer = make(admin, access="*")
    assert (answer.status_code, "Show that it is you" in answer.text) == (403, True)
    assert hidden(answer.text)["label"] == "deploy"
    assert newest(do).token.label == "first token"
    assert secret_in(make(admin).text)


@pytest.mark.parametrize(
    "scopes", ["account:read_write", "child_account:read_write", "tokenry_users:read_only", "tokenry_audit:read_only"]
)
def test_token_that_makes_more_or_manages_needs_a_recent_proof(
    do: Installation, admin: Visitor, clock: Clock, scopes: str
) -> None:
    clock.seconds += 600
    assert "Show that it is you" in make(admin, more=scopes).text
    assert newest(do).token.label == "first token"


@pytest.mark.parametrize("form", [{"expires": "never"}, {"day": "2999-12-11"}, {"day": "2035-06-20"}])
def test_token_for_more_than_ten_years_needs_a_recent_proof(
    do: Installation, admin: Visitor, clock: Clock, form: dict[str, str]
) -> None:
    clock.seconds += 600
    assert "Show that it is you" in make(admin, **form).text
    assert newest(do).token.label == "first token"


def test_form_of_somebody_who_was_signed_out_comes_back_and_is_sent(
    site: App, do: Installation, admin: Visitor
) -> None:
    fields = {**fields_of(admin.get(NEW).text), **FORM, "description": "typed for long"}
    do.sessions.end_session(OPERATOR, session_of(do, admin))
    answer = admin.post(NEW, fields)
    assert (answer.status_code, "You were signed out" in answer.text) == (403, True)
    kept = hidden(answer.text)
    assert {**kept, "form_token": ""} == {**fields, "form_token": ""}
    sign_in_as(site, admin)
    offered = admin.post(NEW, kept)
    assert "Send it again?" in offered.text
    review = admin.post(NEW, hidden(offered.text))
    assert "typed for long" in review.text


def test_form_of_another_site_or_session_makes_nothing(site: App, do: Installation, admin: Visitor) -> None:
    fields = {**fields_of(admin.get(NEW).text), **FORM, "step": "make"}
    answer = admin.post(NEW, fields, Origin="https://evil.example", **{"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, "deploy" in answer.text) == (403, False)
    eve = visitor(site)
    sign_in_as(site, eve)
    assert "Send it again?" in eve.post(NEW, fields).text
    assert newest(do).token.label == "first token"


def test_secrets_in_a_form_that_comes_back_are_left_out(do: Installation, admin: Visitor) -> None:
    fields = {**fields_of(admin.get(NEW).text), "label": "deploy", "secret": "hush", "password": "hush"}
    do.sessions.end_session(OPERATOR, session_of(do, admin))
    page = admin.post(NEW, fields).text
    assert ("deploy" in page, "hush" in page, "A secret that was in it is not kept" in page) == (True, False, True)


def test_user_with_a_limit_is_offered_what_is_within_and_told_why_no_more(
    site: App, do: Installation, ada: Visitor
) -> None:
    do.users.create_user(OPERATOR, username="eve")
    do.users.update_user(OPERATOR, "eve", UserChange(ceiling=Scopes.parse("linodes:read_only")))
    sign_in_as(site, ada, "eve")
    page = ada.get(NEW).text
    assert 'name="level.linodes" value="read_only" aria' in page
    assert 'name="level.linodes" value="read_write" disabled' in page
    assert 'name="access" value="*" disabled' in page
    assert "Beyond your own limit" in page
    assert "tokenry_users" not in page
    answer = ada.post(NEW, {**fields_of(page), **FORM})
    assert (answer.status_code, "maximum scopes: linodes:read_only" in answer.text) == (400, True)
    assert secret_in(make(ada, base="read_write", **{"level.linodes": ""}).text)
