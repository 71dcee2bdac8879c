"""Moments and spans that are none: an exception that names the argument, before anything is sent."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest

from tests.client.conftest import NewApi, NewClient
from tests.client.hostile import TOKEN, http, saying
from tokenry.client import Client, PostPersonalAccessTokenRequest
from tokenry.client.times import write_time

NOWHERE = "http://127.0.0.1:1"
NO_ZONE = datetime(2090, 1, 1)  # noqa: DTZ001
NO_MOMENTS: list[Any] = ["2030-01-01T00:00:00", date(2030, 1, 1), timedelta(days=1), 1893456000, True]
NO_SPANS: list[Any] = ["30d", 3600, 1.5, datetime(2090, 1, 1, tzinfo=UTC)]
NAMES = ("last_used_before", "last_used_after", "expires_before", "expires_after")

MOMENTS: dict[str, Callable[[Client, Any], object]] = {
    "expiry": lambda client, moment: client.tokens.create(expiry=moment),
    **{
        name: lambda client, moment, name=name: list(client.tokens.list_details(**{name: moment}))  # type: ignore[misc]
        for name in NAMES
    },
}
SPANS: dict[str, Callable[[Client, Any], object]] = {
    "expires_in": lambda client, span: client.tokens.create(expires_in=span),
    "grace": lambda client, span: client.tokens.rotate(7, grace=span),
}


class Homeless(tzinfo):
    """A zone that does not say where it is."""

    def utcoffset(self, moment: datetime | None) -> None:
        """Nothing."""

    tzname = dst = utcoffset


@pytest.mark.parametrize("name", MOMENTS)
def test_moment_that_is_none_is_refused_by_its_name(new_client: NewClient, name: str) -> None:
    client = new_client(NOWHERE, TOKEN)
    for moment in NO_MOMENTS:
        with pytest.raises(TypeError, match=f"^{name} has to be a datetime, not a {type(moment).__name__}$"):
            MOMENTS[name](client, moment)
    for moment in (NO_ZONE, NO_ZONE.replace(tzinfo=Homeless())):
        with pytest.raises(ValueError, match=f"^{name} needs a time zone"):
            MOMENTS[name](client, moment)


@pytest.mark.parametrize("name", SPANS)
def test_span_that_is_none_is_refused_by_its_name(new_client: NewClient, name: str) -> None:
    client = new_client(NOWHERE, TOKEN)
    for span in NO_SPANS:
        with pytest.raises(TypeError, match=f"^{name} has to be a timedelta, not a {type(span).__name__}$"):
            SPANS[name](client, span)


@pytest.mark.parametrize("span", [timedelta.max, timedelta.min])
def test_span_that_no_calendar_has_is_refused(new_client: NewClient, span: timedelta) -> None:
    with pytest.raises(ValueError, match=r"^expires_in leads beyond the years"):
        new_client(NOWHERE, TOKEN).tokens.create(expires_in=span)


def test_moment_of_another_name_is_refused(new_client: NewClient) -> None:
    moments: Any = {"used_before": datetime.now(UTC)}
    with pytest.raises(TypeError, match="no used_before: use one of last_used_before, "):
        list(new_client(NOWHERE, TOKEN).tokens.list_details(**moments))


def test_value_of_a_filter_that_json_has_not_is_refused(new_client: NewClient) -> None:
    with pytest.raises(TypeError, match=r"^filter has a value"):
        list(new_client(NOWHERE, TOKEN).tokens.list({"created": {"+gt": datetime.now(UTC)}}))


def test_moment_of_the_original_interface_is_refused_by_its_name(new_api: NewApi) -> None:
    api = new_api(NOWHERE, TOKEN)
    for moment in NO_MOMENTS:
        with pytest.raises(TypeError, match=r"^expiry has to be a datetime"):
            api.post_personal_access_token("v4", PostPersonalAccessTokenRequest(expiry=moment))
    with pytest.raises(ValueError, match=r"^expiry needs a time zone"):
        api.post_personal_access_token("v4", PostPersonalAccessTokenRequest(expiry=NO_ZONE))


@pytest.mark.parametrize(
    ("timeout", "error"),
    [
        (timedelta(seconds=3), TypeError),
        ("3", TypeError),
        (None, TypeError),
        (0, ValueError),
        (-1, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (1e10, ValueError),
    ],
)
def test_timeout_that_is_none_is_refused(new_client: NewClient, timeout: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^timeout has to be "):
        new_client(NOWHERE, TOKEN, timeout=timeout)


def test_what_is_left_out_of_a_list_is_not_sent(new_client: NewClient) -> None:
    moments: Any = dict.fromkeys(NAMES)
    with saying(http(200, {"data": [], "page": 1, "pages": 1, "results": 0})) as server:
        assert list(new_client(server.url, TOKEN).tokens.list_details(**moments)) == []
    assert b"before" not in server.requests[0]


def test_moment_that_a_zone_moves_out_of_the_calendar_is_its_end() -> None:
    last = datetime.max.replace(tzinfo=timezone(timedelta(hours=-23)))
    assert write_time(last, "expiry") == "9999-12-31T23:59:59"
