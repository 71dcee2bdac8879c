"""The policy of the installation, by the client of an administrator, in threads and in an event loop."""

from datetime import timedelta

import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import TOKEN, http, saying
from tokenry.client import BadRequest, Client, Conflict, UnreadableAnswer

BY_KIND = {"admin": None, "user": None, "proxy": None, "service": None}
ROW = {
    "max_lifetime_seconds": 3600,
    "expiry_required": False,
    "max_tokens": None,
    "scopes": dict.fromkeys(BY_KIND, "*"),
    "requests_per_minute": BY_KIND,
    "second_factor": "nobody",
    "version": "x",
    "shortening": None,
}


def test_policy_is_previewed_and_changed(client: Client) -> None:
    before = client.policy.get()
    shown = client.policy.preview(
        max_lifetime=timedelta(days=1), scopes={"proxy": ["linodes:read_only"]}, second_factor="administrators"
    )
    assert (shown.version, shown.current) == (before.version, before.rules)
    assert (shown.wanted.max_lifetime, shown.wanted.scopes["proxy"]) == (timedelta(days=1), ("linodes:read_only",))
    assert [(each.rule, each.kind) for each in shown.changes] == [
        ("max_lifetime_seconds", None),
        ("scopes", "proxy"),
        ("second_factor", None),
    ]
    assert shown.without_second_factor_yourself
    outliving = list(client.policy.outliving_tokens(timedelta(days=1)))
    assert len(outliving) == shown.outliving - shown.outliving_elsewhere
    assert outliving[0].username in [each.username for each in shown.outliving_by_user]
    changed = client.policy.update(requests_per_minute={"proxy": 600}, version=shown.version)
    assert changed.rules.requests_per_minute == {**BY_KIND, "proxy": 600}
    with pytest.raises(Conflict):
        client.policy.update(max_tokens=1, version=shown.version)
    assert client.policy.update(requests_per_minute={"proxy": None}) == before


def test_refusal_names_the_field(client: Client) -> None:
    with pytest.raises(BadRequest) as caught:
        client.policy.update(max_tokens=0)
    assert caught.value.field == "max_tokens"


@pytest.mark.parametrize("key", sorted(ROW.keys() - {"max_lifetime_seconds", "max_tokens", "shortening"}))
def test_answer_without_a_key_is_unreadable(new_client: NewClient, key: str) -> None:
    with saying(http(200, {**ROW, key: None})) as hostile, pytest.raises(UnreadableAnswer, match=f"`{key}` should be"):
        new_client(hostile.url, TOKEN).policy.get()
