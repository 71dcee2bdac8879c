"""An administrator's client with webhooks, against the real service, in threads and in an event loop."""

from datetime import timedelta

import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import TOKEN, http, saying
from tokenry.client import BadRequest, Client, NotFound, UnreadableAnswer

URL = "https://app.example/hooks"
ROW = {"id": 1, "url": URL, "events": [], "disabled": False, "created": "2026-01-01T00:00:00"}


def test_webhook_is_made_changed_told_and_deleted(client: Client) -> None:
    made = client.webhooks.create(URL, events=["token.create"])
    assert made.secret is not None
    assert made.secret.reveal() not in repr(made)
    assert made.id in [each.id for each in client.webhooks.list()]
    rotated = client.webhooks.rotate_secret(made.id, grace=timedelta(hours=1))
    assert rotated.previous_secret_until is not None
    client.webhooks.test(made.id)
    [tested] = client.webhooks.deliveries(made.id)
    assert (tested.type, list(client.webhooks.deliveries(made.id, state="done"))) == ("webhook.test", [])
    assert client.webhooks.redeliver(made.id, tested.id).id == tested.id
    changed = client.webhooks.update(made.id, events=[], disabled=True)
    assert (changed.events, changed.disabled, changed.url) == ((), True, URL)
    client.webhooks.delete(made.id)
    with pytest.raises(NotFound):
        client.webhooks.get(made.id)


def test_refusal_names_the_field(client: Client) -> None:
    with pytest.raises(BadRequest) as caught:
        client.webhooks.create("ftp://app.example")
    assert caught.value.field == "url"


@pytest.mark.parametrize("key", ROW)
def test_answer_without_a_key_is_unreadable(new_client: NewClient, key: str) -> None:
    with saying(http(200, {**ROW, key: None})) as hostile, pytest.raises(UnreadableAnswer, match=f"`{key}` should be"):
        new_client(hostile.url, TOKEN).webhooks.get(1)
