"""Spans and moments as they are written."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from tokenry.cli.expiry import GRACE_MAX, read_expiry, read_span, read_start
from tokenry.domain.rotation import GRACE_SECONDS_MAX
from tokenry.domain.webhooks import GRACE_MAX as WEBHOOK_GRACE_MAX


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("never", None),
        ("2030-01-01", datetime(2030, 1, 1, tzinfo=UTC)),
        ("2030-01-01T00:00:00", datetime(2030, 1, 1, tzinfo=UTC)),
        ("2030-01-01T00:00:00Z", datetime(2030, 1, 1, tzinfo=UTC)),
        ("2030-01-01T02:00:00+02:00", datetime(2030, 1, 1, tzinfo=UTC)),
    ],
)
def test_moment_is_in_utc_unless_it_says_otherwise(text: str, moment: datetime | None) -> None:
    assert read_expiry(text, "--expires") == moment


@pytest.mark.parametrize(
    ("text", "span"), [("12h", timedelta(hours=12)), ("90d", timedelta(days=90)), ("4w", timedelta(weeks=4))]
)
def test_span_counts_from_now(text: str, span: timedelta) -> None:
    expiry = read_expiry(text, "--expires")
    assert expiry is not None
    assert abs(expiry - datetime.now(UTC) - span) < timedelta(seconds=5)
    assert read_span(text, "--grace") == span


@pytest.mark.parametrize("text", ["", "soon", "90", "-1d", "9999999d", "2030-13-01", "٣d", "Never"])
def test_what_is_neither_is_refused_by_name(text: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        read_expiry(text, "--expires")
    assert refused.value.param_hint == "--expires"


@pytest.mark.parametrize("text", ["", "never", "1", "1m", "1.5h", "2030-01-01"])
def test_span_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as 12h"):
        read_span(text, "--grace")


@pytest.mark.parametrize("text", ["never", "soon"])
def test_nothing_begins_never(text: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        read_start(text)
    assert refused.value.param_hint == "--not-before"


def test_grace_is_at_most_what_the_service_takes() -> None:
    assert timedelta(seconds=GRACE_SECONDS_MAX) == WEBHOOK_GRACE_MAX == GRACE_MAX
