"""The rules for a new token."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenry.domain.catalogue import Catalogue, Resource, level_actions
from tokenry.domain.errors import Fault
from tokenry.domain.limits import REQUESTS_PER_MINUTE_MAX
from tokenry.domain.scopes import EVERYTHING, Level, Scopes
from tokenry.domain.tokens import NEVER, NewToken, label_faults

NOW = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CATALOGUE = Catalogue(tuple(Resource(name, level_actions(*Level), "") for name in ("account", "linodes", "vpc")))
LIMIT = Scopes.parse("linodes:read_only account:read_write")


def reasons(new: NewToken, limit: Scopes = EVERYTHING) -> list[tuple[str | None, str]]:
    return [(fault.field, fault.reason) for fault in new.check(limit=limit, catalogue=CATALOGUE, now=NOW)]


def test_token_that_asks_for_nothing_in_particular_is_fine() -> None:
    assert reasons(NewToken()) == []


@pytest.mark.parametrize("label", ["a", "x" * 100, "😀" * 100, " a ", "Straße\n\t\x7f", "\uffff"])
def test_label_of_1_to_100_characters_is_fine(label: str) -> None:
    assert label_faults(label) == []


@pytest.mark.parametrize("label", ["", "x" * 101])
def test_label_of_another_length_is_refused(label: str) -> None:
    assert reasons(NewToken(label=label)) == [("label", "Length must be 1-100 characters")]


@pytest.mark.parametrize("label", ["\0", "a\0b", "\ud800", "a\udfffb"])
def test_label_that_an_engine_cannot_store_is_refused(label: str) -> None:
    assert reasons(NewToken(label=label)) == [("label", "Must not contain NUL or unpaired surrogates")]


@pytest.mark.parametrize("expiry", [NOW, NOW - SECOND])
def test_expiry_that_is_not_in_the_future_is_refused(expiry: datetime) -> None:
    assert reasons(NewToken(expiry=expiry)) == [("expiry", "Must be in the future")]


@pytest.mark.parametrize("expiry", [NOW + SECOND, NEVER])
def test_expiry_from_the_next_second_until_never_is_fine(expiry: datetime) -> None:
    assert reasons(NewToken(expiry=expiry)) == []


def test_expiry_after_never_is_refused() -> None:
    assert reasons(NewToken(expiry=NEVER + SECOND)) == [("expiry", "Must be before 2999-12-12T05:00:00")]


@pytest.mark.parametrize("limit", [-1, REQUESTS_PER_MINUTE_MAX + 1])
def test_limit_of_requests_beyond_its_bounds_is_refused(limit: int) -> None:
    assert reasons(NewToken(requests_per_minute=REQUESTS_PER_MINUTE_MAX)) == []
    assert [field for field, _ in reasons(NewToken(requests_per_minute=limit))] == ["requests_per_minute"]


@pytest.mark.parametrize("scopes", ["*", "linodes:read_only", "account:read_only linodes:read_only"])
def test_scopes_within_the_limit_are_fine(scopes: str) -> None:
    assert reasons(NewToken(scopes=scopes), LIMIT) == []


@pytest.mark.parametrize("scopes", ["linodes:read_write", "vpc:read_only", "linodes:read_only vpc:read_only"])
def test_scopes_beyond_the_limit_are_refused_and_the_limit_named(scopes: str) -> None:
    [(field, reason)] = reasons(NewToken(scopes=scopes), LIMIT)
    assert field == "scopes"
    assert reason.endswith("(maximum scopes: linodes:read_only account:read_write)")


def test_unknown_scope_is_not_also_beyond_the_limit() -> None:
    assert reasons(NewToken(scopes="x:read_only"), LIMIT) == [("scopes", "Invalid scope: x:read_only")]


def test_every_fault_is_reported_at_once_in_the_order_of_the_fields() -> None:
    new = NewToken(
        label="",
        scopes="x y",
        expiry=NOW,
        faults=(Fault("no field"), Fault("read late", "expiry"), Fault("read early", "label")),
    )
    assert reasons(new) == [
        ("label", "read early"),
        ("label", "Length must be 1-100 characters"),
        ("scopes", "Invalid scope: x"),
        ("scopes", "Invalid scope: y"),
        ("expiry", "read late"),
        ("expiry", "Must be in the future"),
        (None, "no field"),
    ]


def test_everything_means_everything_the_limit_has() -> None:
    assert NewToken(scopes="*").granted(LIMIT) == LIMIT


def test_scopes_that_were_asked_for_are_granted_and_no_more() -> None:
    assert NewToken(scopes="linodes:read_only").granted(LIMIT) == Scopes.parse("linodes:read_only")
