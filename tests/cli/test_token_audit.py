"""`tokenry token audit` against a running service, and against one that has no details."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.conftest import Person
from tests.cli.foreign import foreign_service
from tokenry.cli.token_audit import find_reasons
from tokenry.client import Details, TokenRecord

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SINCE = NOW - timedelta(days=90)
PLAIN: dict[str, Any] = {
    "id": 1,
    "label": "plain",
    "scopes": ("linodes:read_only",),
    "created": SINCE - timedelta(days=1),
    "expiry": NOW,
    "preview": "pat_0123456789ab",
}
USED: dict[str, Any] = {
    "state": "active",
    "description": "",
    "networks": (),
    "requests_per_minute": 0,
    "created_by": None,
    "last_used": SINCE,
    "last_used_address": None,
    "last_used_agent": None,
    "revoked": None,
    "revoked_by": None,
    "revoked_reason": None,
    "disabled": False,
    "disabled_by": None,
    "not_before": None,
    "rotates_itself_only": False,
    "metadata": {},
}


@pytest.mark.parametrize(
    ("token", "reasons"),
    [
        (Details(**PLAIN, **USED), []),
        (Details(**PLAIN, **USED | {"last_used": SINCE - timedelta(seconds=1)}), ["unused"]),
        (Details(**PLAIN, **USED | {"last_used": None}), ["unused"]),
        (Details(**PLAIN | {"created": SINCE}, **USED | {"last_used": None}), []),
        (Details(**PLAIN | {"expiry": None}, **USED), ["no-expiry"]),
        (Details(**PLAIN | {"scopes": ("*",)}, **USED), ["all-scopes"]),
        (
            Details(**PLAIN | {"scopes": ("*",), "expiry": None}, **USED | {"last_used": None}),
            ["unused", "no-expiry", "all-scopes"],
        ),
        (TokenRecord(**PLAIN), []),
        (TokenRecord(**PLAIN | {"expiry": None}), ["no-expiry"]),
    ],
)
def test_reasons(token: TokenRecord, reasons: list[str]) -> None:
    assert find_reasons(token, SINCE) == reasons


def make_two(person: Person) -> tuple[dict[str, Any], dict[str, Any]]:
    """A token to look at, and one that is as it should be."""
    return person.make(label="audited"), person.make(scopes="linodes:read_only", expiry="2030-01-01T00:00:00")


def test_each_token_to_look_at_is_a_row_with_its_reasons(person: Person) -> None:
    bad, good = make_two(person)
    rows = {row["id"]: row for row in person.rows("token", "audit")}
    assert good["id"] not in rows
    assert rows[bad["id"]] == {
        "id": bad["id"],
        "label": "audited",
        "scopes": "*",
        "created": f"{bad['created']}Z",
        "expiry": None,
        "last_used": None,
        "reasons": ["no-expiry", "all-scopes"],
    }


def test_span_without_use_is_as_said(person: Person) -> None:
    _, good = make_two(person)
    assert str(good["id"]) not in person.does("token", "audit", "-q").split()
    assert person.fails(2, "token", "audit", "--unused", "soon").count("such as 12h, 90d or 4w") == 1


def test_never_used_is_said_so_to_people(person: Person) -> None:
    bad, _ = make_two(person)
    lines = person.does("token", "audit", "--format", "id,last_used,reasons", "--no-headers").splitlines()
    assert f"{bad['id']}\tnever\tno-expiry all-scopes" in lines


def test_service_without_details_is_checked_for_the_rest(person: Person) -> None:
    bad, good = make_two(person)
    with foreign_service(person.server.url) as url:
        done = person.run(
            "token", "audit", "--format", "id,last_used,reasons", "--no-headers", "--unused", "0h", TOKENRY_URL=url
        )
    assert done.returncode == 0
    assert "does not tell when a token was used" in done.stderr
    lines = done.stdout.splitlines()
    assert f"{bad['id']}\t-\tno-expiry all-scopes" in lines
    assert not any(line.startswith(f"{good['id']}\t") for line in lines)
