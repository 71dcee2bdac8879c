"""What administrators see at a glance, and keeping a token to what it needs."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from tests.conftest import Clock
from tests.making import OPERATOR
from tests.pages.console.administering import ADMIN, make_firm
from tests.pages.parts import Visitor
from tokenry.domain.overview import Day
from tokenry.domain.usage import Result
from tokenry.pages.console.admin.overview import NOBODYS, draw_overview
from tokenry.service.installation import Installation
from tokenry.service.overview import COUNTING_SECONDS
from tokenry.storage.schema import tokens
from tokenry.storage.usage import Count, add_counts

DAY = date(2026, 11, 30)


def test_reasons_that_there_were_are_drawn_in_their_order() -> None:
    days = [
        Day(DAY, 3, {Result.EXPIRED: 2}, 1),
        Day(DAY + timedelta(days=1), 4, {Result.ACCEPTED: 5}, 0),
    ]
    live, results = draw_overview(days, datetime(2026, 12, 1, 12, tzinfo=UTC))
    assert live.rows == [(DAY, [3]), (DAY + timedelta(days=1), [4])]
    assert results.kinds == ["accepted", "expired", NOBODYS]
    assert results.rows == [(DAY, [0, 2, 1]), (DAY + timedelta(days=1), [5, 0, 0])]


def test_numbers_lead_to_the_lists_behind_them(do: Installation, admin: Visitor, clock: Clock) -> None:
    token = make_firm(do).token
    do.inventory.turn_any_token(OPERATOR, token.id, disabled=True)
    clock.seconds += COUNTING_SECONDS + 1
    today = int(do.transactions.now().timestamp()) // 86400
    with do.database.write() as connection:
        connection.execute(update(tokens).where(tokens.c.id == token.id).values(created_at=0))
        add_counts(connection, [Count(0, 1, today, Result.ACCEPTED, 41), Count(0, 1, today, Result.SCOPES, 7)])
    do.overviews.count_tokens()
    page = admin.get(ADMIN).text
    gauges = re.findall(rf'<a href="({ADMIN}/tokens[^"]*)"><strong>(\d+)</strong>', page)
    for path, number in gauges:
        shown = re.findall(r"<p>(\d+) tokens?\.", admin.get(path).text)
        assert (path, shown) == (path, [number] if number != "0" else [])
    assert [int(number) > 0 for _, number in gauges] == [True, False, True, True, True]
    assert re.findall(r'<td data-label="(?:Accepted|Refused: its scopes do not suffice)">(\d+)</td>', page) == [
        "41",
        "7",
    ]


@pytest.fixture
def path(do: Installation) -> str:
    """Where a token is watched."""
    return f"{ADMIN}/tokens/{make_firm(do).token.id}/watch"


def test_token_is_watched_and_then_kept_to_fewer_scopes(do: Installation, admin: Visitor, path: str) -> None:
    assert admin.submit(path, do="watch", **{"level.linodes": "read_only"}).headers["location"] == path
    page = admin.get(path).text
    assert "Nothing would have been refused so far." in page
    own = path.removesuffix("/watch")
    assert "linodes:read_write" in admin.get(own).text
    assert admin.submit(path, do="narrow").headers["location"] == own
    assert "linodes:read_write" not in admin.get(own).text


def test_scopes_that_are_not_fewer_are_refused_beside_their_field(admin: Visitor, path: str) -> None:
    answer = admin.submit(path, do="watch", **{"level.linodes": "read_write", "level.domains": "read_only"})
    assert (answer.status_code, 'href="#scopes"' in answer.text) == (400, True)
    assert 'value="read_write" checked aria-label="Compute instances: Read and write"' in answer.text


def test_watching_is_given_up(admin: Visitor, path: str) -> None:
    admin.submit(path, do="watch", **{"level.linodes": "read_only"})
    admin.submit(path, do="unwatch")
    assert "Watch it with fewer" in admin.get(path).text
    assert admin.post(path, {}).status_code == 403
