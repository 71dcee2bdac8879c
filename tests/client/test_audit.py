"""What clients are told of the audit, against the real service, in threads and in an event loop."""

import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import TOKEN, http, saying
from tokenry.client import AuditEvent, Client, UnreadableAnswer, where

ROW = {
    "id": 1,
    "at": "2026-01-01T00:00:00",
    "actor": "ada",
    "token_id": None,
    "address": None,
    "action": "token.create",
    "subject": "token:1",
    "details": {},
}


def test_events_come_newest_first_and_are_filtered(client: Client) -> None:
    made = client.tokens.create(label="first").id
    client.tokens.rename(made, "second")
    of_token = where.subject == f"token:{made}"
    events = list(client.audit.list(of_token))
    assert [(event.action, event.actor) for event in events] == [("token.rename", "admin"), ("token.create", "admin")]
    assert events[0].details == {"from": "first", "to": "second"}
    assert list(client.audit.list_own(of_token, order_by=where.id)) == events[::-1]
    assert list(client.audit.list(of_token & (where.action == "token.create"))) == events[1:]


@pytest.mark.parametrize("key", ["id", "at", "actor", "action", "subject", "details"])
def test_answer_without_a_key_is_unreadable(new_client: NewClient, key: str) -> None:
    page = {"data": [{**ROW, key: None}], "page": 1, "pages": 1, "results": 1}
    with saying(http(200, page)) as hostile, pytest.raises(UnreadableAnswer, match=f"`{key}` should be"):
        list(new_client(hostile.url, TOKEN).audit.list())


def test_event_has_what_the_service_says(new_client: NewClient) -> None:
    assert AuditEvent.__slots__ == tuple(ROW)
    with saying(http(200, {"data": [ROW], "page": 1, "pages": 1, "results": 1})) as hostile:
        (event,) = new_client(hostile.url, TOKEN).audit.list_own()
    assert (event.token_id, event.address) == (None, None)
