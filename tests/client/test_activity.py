"""What clients are told of what tokens are used for, against the real service."""

import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import TOKEN, http, saying
from tokenry.client import Client, NotFound, UnreadableAnswer


def test_token_is_watched_and_kept_to_fewer_scopes(client: Client) -> None:
    made = client.tokens.create(scopes="linodes:read_write").id
    shadow = client.activity.watch(made, ["linodes:read_only"])
    assert (shadow.scopes, shadow.began_by, shadow.refusals) == (("linodes:read_only",), "admin", ())
    assert client.activity.get_shadow(made) == shadow
    assert client.activity.enforce(made, "linodes:read_only") == ("linodes:read_only",)
    assert client.tokens.get(made).scopes == ("linodes:read_only",)
    with pytest.raises(NotFound):
        client.activity.unwatch(made)


def test_advice_and_days_are_read(client: Client) -> None:
    made = client.tokens.create(scopes="linodes:read_write").id
    advice = client.activity.advise(made)
    assert ([(use.scope, use.asked) for use in advice.scopes], advice.sufficient, advice.reason) == (
        [("linodes:read_write", None)],
        None,
        "too_young",
    )
    assert client.activity.list_days(made) == ()
    assert client.activity.get_overview().days is not None


def test_day_that_is_none_is_unreadable(new_client: NewClient) -> None:
    body = {"days": [{"day": "2025-13-01", "accepted": 1, "refused": {}}]}
    with saying(http(200, body)) as hostile, pytest.raises(UnreadableAnswer, match="`day` should be"):
        new_client(hostile.url, TOKEN).activity.list_days(1)
