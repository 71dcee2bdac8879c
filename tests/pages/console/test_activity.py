"""What was done to somebody, and what became of their tokens, on pages."""

import csv
import io

import pytest

from tests.conftest import App, Clock
from tests.making import OPERATOR
from tests.pages.parts import Visitor, sign_in_as, visitor
from tokenry.domain.tokens import NewToken
from tokenry.domain.usage import Result, day_of
from tokenry.service.installation import Installation
from tokenry.storage.usage import Count, add_counts

ACTIVITY = "/console/activity"


@pytest.fixture
def eve(site: App, do: Installation) -> Visitor:
    """A user who is no administrator, signed in."""
    do.users.create_user(OPERATOR, username="eve")
    eve = visitor(site)
    sign_in_as(site, eve, "eve")
    return eve


def test_own_activity_has_what_others_did_to_oneself_and_nobody_elses(eve: Visitor, do: Installation) -> None:
    token, _ = do.tokens.create_token_for(OPERATOR, "eve", NewToken(label="mine"))
    theirs, _ = do.tokens.create_token_for(OPERATOR, "admin", NewToken(label="theirs"))
    page = eve.get(ACTIVITY).text
    assert f'subject=token%3A{token.id}"' in page or f"subject=token:{token.id}" in page
    assert f"token:{theirs.id}" not in page
    assert "A token was made" in page


def test_file_has_the_events_that_the_list_is_narrowed_to(eve: Visitor, do: Installation) -> None:
    do.tokens.create_token_for(OPERATOR, "eve", NewToken(label="=1+1"))
    answer = eve.get(f"{ACTIVITY}.csv?action=token.create")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert [row[head.index("action")] for row in rows] == ["token.create"]


def test_what_an_address_has_that_means_nothing_asks_for_nothing(eve: Visitor) -> None:
    for query in ("page=0", "page=x", "since=never", "subject=%00", "actor=" + "a" * 5000):
        assert eve.get(f"{ACTIVITY}?{query}").status_code == 200, query


def test_event_that_there_is_not_is_said_and_which_may_be_meant(eve: Visitor) -> None:
    for path in (ACTIVITY, f"{ACTIVITY}.csv"):
        answer = eve.get(f"{path}?action=token.creat")
        assert (answer.status_code, "There is no event token.creat: did you mean token.create?" in answer.text) == (
            400,
            True,
        )


def test_token_shows_what_became_of_it(eve: Visitor, do: Installation, clock: Clock) -> None:
    token, _ = do.tokens.create_token_for(OPERATOR, "eve", NewToken(label="counted", scopes="linodes:read_only"))
    path = f"/console/tokens/{token.id}/activity"
    assert "Nothing was counted" in eve.get(path).text
    with do.transactions.change(OPERATOR) as change:
        add_counts(change.connection, [Count(token.id, 1, day_of(clock()), Result.ACCEPTED, 3)])
    page = eve.get(path).text
    assert '<rect class="good"' in page
    assert ">3</td>" in page


def test_activity_of_somebody_elses_token_is_not_there(eve: Visitor, do: Installation) -> None:
    theirs, _ = do.tokens.create_token_for(OPERATOR, "admin", NewToken())
    for wrong in (theirs.id, 999, "x", "9" * 40):
        assert eve.get(f"/console/tokens/{wrong}/activity").status_code == 404


def test_page_that_is_not_there_is_said_on_a_page(eve: Visitor) -> None:
    for path in ("/console/nowhere", "/console/tokens/1/melt"):
        answer = eve.get(path)
        assert (answer.status_code, "<h1>There is no such page</h1>" in answer.text) == (404, True), path
    assert eve.get("/console/").headers["location"] == "/console"
