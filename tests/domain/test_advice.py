"""Advice on a token's scopes: by what was asked, with what they imply, and none where nothing can be said."""

from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from tokenry.domain.advice import ADVICE_DAYS, Advice, ScopeUse, Silence, advise
from tokenry.domain.scopes import Scopes

TODAY = date(2025, 6, 15)
LONG_AGO = TODAY - timedelta(days=ADVICE_DAYS)
IMPLIED = {"cards:own": frozenset({"move", "see"}), "cards:move": frozenset({"see"})}


def advice(held: str, asked: Mapping[str, date], *, since: date = LONG_AGO, used: bool = True) -> Advice:
    return advise(Scopes.parse(held).by(IMPLIED), asked, since=since, today=TODAY, used=used)


@pytest.mark.parametrize(
    ("held", "asked", "sufficient"),
    [
        ("linodes:read_write volumes:read_only", ["linodes:read_only"], "linodes:read_only"),
        ("linodes:read_write", ["linodes:read_only", "linodes:read_write"], "linodes:read_write"),
        (
            "volumes:read_only linodes:read_only",
            ["linodes:read_only", "volumes:read_only"],
            "volumes:read_only linodes:read_only",
        ),
        ("cards:own", ["cards:see", "cards:move"], "cards:move"),
        ("linodes:read_write", ["linodes:read_only@web"], "linodes:read_only@web"),
        ("*", ["linodes:read_only", "volumes:read_write"], "linodes:read_only volumes:read_write"),
        ("*", ["*"], "*"),
    ],
)
def test_what_was_asked_for_would_have_sufficed(held: str, asked: list[str], sufficient: str) -> None:
    assert str(advice(held, dict.fromkeys(asked, TODAY)).sufficient) == sufficient


def test_scope_was_asked_for_when_something_was_that_it_implies() -> None:
    found = advice("cards:own volumes:read_only", {"cards:see": LONG_AGO, "cards:move": TODAY})
    assert found.scopes == [ScopeUse("cards:own", TODAY), ScopeUse("volumes:read_only", None)]


@pytest.mark.parametrize(
    ("asked", "since", "used", "silence"),
    [
        ({"linodes:read_only": TODAY}, LONG_AGO + timedelta(days=1), True, Silence.TOO_YOUNG),
        ({}, LONG_AGO, False, Silence.UNUSED),
        ({}, LONG_AGO, True, Silence.UNASKED),
    ],
)
def test_nothing_is_advised_where_nothing_can_be_said(
    asked: Mapping[str, date],
    since: date,
    used: bool,  # noqa: FBT001 - a case
    silence: Silence,
) -> None:
    found = advice("linodes:read_write", asked, since=since, used=used)
    assert (found.sufficient, found.silence) == (None, silence)
