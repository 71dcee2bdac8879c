"""Rotation: which secrets a token has after the next one."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenry.domain.rotation import GRACE_SECONDS_DEFAULT, GRACE_SECONDS_MAX, NewRotation, Rotation, reach_faults
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NEVER, Token

NOW = datetime(2025, 6, 15, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)


def token(scopes: str) -> Token:
    return Token(1, 1, "ci", Scopes.parse(scopes), NOW, NEVER, "pat_0123456789ab")


@pytest.mark.parametrize(
    ("previous_expiry", "used", "kept", "dropped"),
    [
        (LATER, False, "previous", "newest"),  # the answer may have been lost
        (LATER, True, "newest", "previous"),
        (NOW, False, "newest", "previous"),  # nothing but the newest opens
        (NOW, True, "newest", "previous"),
        (None, False, "newest", "previous"),
        (None, True, "newest", "previous"),
    ],
)
def test_what_stays_is_the_newest_that_somebody_has(
    previous_expiry: datetime | None, *, used: bool, kept: str, dropped: str
) -> None:
    rotation = Rotation("newest", "previous", previous_expiry, used)
    assert (rotation.kept(NOW), rotation.dropped(NOW)) == (kept, dropped)


def test_rotation_waits_for_the_first_use_and_gives_a_day() -> None:
    assert (NewRotation().activation, NewRotation().grace_seconds) == ("first_use", 24 * 60 * 60)
    assert NewRotation(on_first_use=False).activation == "now"
    assert GRACE_SECONDS_DEFAULT < GRACE_SECONDS_MAX == 7 * 24 * 60 * 60


def test_secret_of_a_token_that_may_do_as_much_or_less_is_within_reach() -> None:
    assert reach_faults(Scopes.parse("linodes:read_write domains:read_only"), token("linodes:read_only")) == []
    assert reach_faults(Scopes.parse("linodes:read_only"), token("linodes:read_only")) == []
    assert reach_faults(Scopes.parse("*"), token("*")) == []


@pytest.mark.parametrize("scopes", ["*", "linodes:read_write", "linodes:read_only domains:read_only"])
def test_secret_of_a_token_that_may_do_more_is_out_of_reach(scopes: str) -> None:
    (fault,) = reach_faults(Scopes.parse("linodes:read_only"), token(scopes))
    assert fault.reason.endswith("(maximum scopes: linodes:read_only)")
