"""Events in words."""

from typing import get_args

from tokenry.domain.events import Event
from tokenry.pages.happenings import HAPPENINGS, describe_action


def test_every_event_has_words_and_none_that_is_not_there() -> None:
    assert set(HAPPENINGS) == {event.action for event in get_args(Event)}


def test_words_are_told_apart() -> None:
    assert len(set(HAPPENINGS.values())) == len(HAPPENINGS)


def test_event_of_a_later_release_is_shown_by_its_name() -> None:
    assert describe_action("token.melt") == "token.melt"
