"""Moments as text: one reader, wherever a time comes in."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
import typer

from tests.conftest import App
from tokenry.api.wire import read_time
from tokenry.cli import profile
from tokenry.cli.expiry import read_expiry
from tokenry.client import UnreadableAnswer, where
from tokenry.client.rows import Row
from tokenry.client.transport import Answer
from tokenry.moments import FIRST, LAST, read_moment, write_moment

TOKENS = "/v4/profile/tokens"
MOMENTS = {
    "2030-01-01T12:00:00": datetime(2030, 1, 1, 12, tzinfo=UTC),
    "2030-1-01T12:00:00": datetime(2030, 1, 1, 12, tzinfo=UTC),
    "2030-01-01T12:00:00Z": datetime(2030, 1, 1, 12, tzinfo=UTC),
    "2030-01-01t12:00:00z": datetime(2030, 1, 1, 12, tzinfo=UTC),
    "2030-01-01T12:00:00-00:00": datetime(2030, 1, 1, 12, tzinfo=UTC),
    "2030-01-01T12:00:00+05:30": datetime(2030, 1, 1, 6, 30, tzinfo=UTC),
    "2030-01-01T12:00:00-0530": datetime(2030, 1, 1, 17, 30, tzinfo=UTC),
    "2030-01-01T12:00:00-23:59": datetime(2030, 1, 2, 11, 59, tzinfo=UTC),
    "2030-01-01T12:00:00.9999999999999z": datetime(2030, 1, 1, 12, tzinfo=UTC),
    "2030-12-31T23:59:60Z": datetime(2031, 1, 1, tzinfo=UTC),
    "2030-12-31T15:59:60.5-08:00": datetime(2031, 1, 1, tzinfo=UTC),
    "9999-12-31T23:59:59Z": LAST,
    "9999-12-31T23:59:59-12:00": LAST,
    "0001-01-01T00:00:00+12:00": FIRST,
}
NO_MOMENTS = [
    "",
    "soon",
    "2030-01-01T12:00",
    "2030-02-30T12:00:00",
    "2030-01-01T24:00:00",
    "2030-01-01T12:60:00",
    "2030-01-01T12:00:60",
    "2030-12-31T23:59:60+01:00",
    "2030-12-31T23:59:61Z",
    "9999-12-31T23:59:60Z",
    "9999-12-31T23:59:60-12:00",
    "2030-01-01T12:00:00+24:00",
    "2030-01-01T12:00:00+01:60",
    "2030-01-01T12:00:00+1",
    "2030-01-01T12:00:00.Z",
    "2030-01-01T12:00:00ZZ",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "٢٠٣٠-01-01T12:00:00",
    "2030-01-01T12:00:00\n",
]


def answered(text: str) -> datetime:
    return Row("GET /v4/profile/tokens/1", Answer(200), {"created": text}).time("created")


REFUSALS: dict[Callable[[str], object], type[Exception]] = {
    answered: UnreadableAnswer,
    partial(read_expiry, option="--expires"): typer.BadParameter,
    profile._read_expiry: typer.BadParameter,
}
READERS: list[Callable[[str], object]] = [read_moment, read_time, *REFUSALS]


@pytest.mark.parametrize("text", MOMENTS)
def test_every_reader_reads_the_same(text: str) -> None:
    # An answer has no moment before the first there is: such a text is damage (tests/client/test_hostile.py).
    readers = [read for read in READERS if read is not answered or MOMENTS[text] != FIRST]
    assert [read(text) for read in readers] == [MOMENTS[text]] * len(readers)


@pytest.mark.parametrize("text", NO_MOMENTS)
def test_every_reader_refuses_the_same(text: str) -> None:
    assert read_moment(text) is read_time(text) is None
    for read, refusal in REFUSALS.items():
        with pytest.raises(refusal):
            read(text)


def test_service_answers_a_moment_wherever_it_reads_one(app: App) -> None:
    for text, moment in MOMENTS.items():
        made = app.client.post(TOKENS, headers=app.bearer, json={"expiry": text})
        if FIRST < moment < LAST:
            assert (made.status_code, made.json()["expiry"]) == (200, write_moment(moment))
        else:
            reason = "Must be in the future" if moment == FIRST else "Must be before 2999-12-12T05:00:00"
            assert (made.status_code, made.json()) == (400, {"errors": [{"reason": reason, "field": "expiry"}]})
        filter = json.dumps({"created": {"+lt": text}})
        expected = [] if moment == FIRST else [1]
        found = app.client.get(f"{TOKENS}?page_size=25", headers={**app.bearer, "X-Filter": filter}).json()["data"]
        assert [row["id"] for row in found][:1] == expected
        found = app.client.get(f"{TOKENS}/details", headers=app.bearer, params={"last_used_before": text})
        assert found.status_code == 200


def test_service_refuses_what_is_none_by_name(app: App) -> None:
    for text in NO_MOMENTS:
        made = app.client.post(TOKENS, headers=app.bearer, json={"expiry": text})
        assert (made.status_code, [fault["field"] for fault in made.json()["errors"]]) == (400, ["expiry"])
        filter = json.dumps({"created": {"+lt": text}})
        found = app.client.get(TOKENS, headers={**app.bearer, "X-Filter": filter})
        assert found.json() == {"errors": [{"reason": "Could not apply filter", "field": "X-Filter"}]}
        found = app.client.get(f"{TOKENS}/details", headers=app.bearer, params={"expires_after": text})
        assert [fault["field"] for fault in found.json()["errors"]] == ["expires_after"]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2030, 1, 1, 12, 0, 0, 999999, tzinfo=timezone(timedelta(hours=1))), "2030-01-01T11:00:00"),
        (datetime(800, 1, 1, tzinfo=UTC), "0800-01-01T00:00:00"),
        (datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))), "9999-12-31T23:59:59"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=12))), "0001-01-01T00:00:00"),
    ],
)
def test_moment_is_written_to_the_second_and_in_utc(moment: datetime, text: str) -> None:
    assert write_moment(moment) == text
    assert (where.created > moment).json == {"created": {"+gt": text}}
