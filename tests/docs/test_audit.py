"""The page of the audit has every event, with all that it says, and no other."""

import re
from dataclasses import fields
from datetime import UTC, datetime

from tests.docs.conftest import DOCS
from tokenry.domain.details import NewDetails
from tokenry.domain.events import EVENTS, Event, TokenUpdated, UserUpdated
from tokenry.domain.scopes import Scopes
from tokenry.domain.users import User

ROW = re.compile(r"^\| `(\w+\.\w+)` \|[^|]+\|([^|]*)\|$", re.MULTILINE)
KEYS = {"before": "from", "after": "to"}
UNNAMED = {"token_id", "user_id", "account_id", "oauth_client_id", "webhook_id", "changes"}
"""Fields that are the subject, or hold details by names of their own."""
SINCE = datetime(2025, 6, 15, tzinfo=UTC)
USER = User(1, 1, "ada", "a@b", admin=False, created=SINCE, disabled=None)
OTHER = User(
    1,
    1,
    "bob",
    "b@c",
    admin=True,
    created=SINCE,
    disabled=None,
    child_account_access=True,
    ceiling=Scopes.parse("a:read_only"),
)
CHANGES: dict[type[Event], set[str]] = {
    TokenUpdated: {field.name for field in fields(NewDetails)} - {"disabled"},
    UserUpdated: {*OTHER.differences(USER)},
}


def keys(event: type[Event]) -> set[str]:
    named = {KEYS.get(field.name, field.name) for field in fields(event) if field.name not in UNNAMED}
    return named | CHANGES.get(event, set())


def test_page_has_every_event_and_no_other() -> None:
    told = [action for action, _ in ROW.findall((DOCS / "audit.md").read_text())]
    assert sorted(told) == sorted(event.action for event in EVENTS)


def test_page_has_all_details_of_every_event() -> None:
    told = {
        action: set(re.findall(r"`(\w+)`", details)) for action, details in ROW.findall((DOCS / "audit.md").read_text())
    }
    assert [event.action for event in EVENTS if not keys(event) <= told[event.action]] == []
