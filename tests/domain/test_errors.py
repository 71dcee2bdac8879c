"""Refusals: what they say, and how several faults become one."""

from typing import NoReturn

import pytest

from tokenry.domain.errors import (
    Fault,
    Forbidden,
    InsufficientScope,
    Invalid,
    NotFound,
    Refusal,
    SetupError,
    TooSlow,
    Unauthorized,
    Unavailable,
    collect_faults,
    raise_faults,
)

LABEL, PAGE = Fault("too long", "label"), Fault("too small", "page")
TEXTS = {
    Unauthorized: "Invalid Token",
    InsufficientScope: "Your token is not authorized to use this endpoint.",
    Forbidden: "Unauthorized",
    NotFound: "Not found",
    TooSlow: "This takes too long: ask for less at once",
    Unavailable: "Service unavailable",
}


def refuse(*faults: Fault) -> NoReturn:
    raise Invalid(*faults)


def test_fixed_refusals_say_what_the_wire_format_says() -> None:
    assert {refusal: refusal().faults for refusal in TEXTS} == {
        refusal: (Fault(text),) for refusal, text in TEXTS.items()
    }


def test_every_refusal_is_in_the_tree() -> None:
    assert {*Refusal.__subclasses__()} >= {Invalid, *TEXTS}
    assert not issubclass(SetupError, Refusal)


def test_text_of_a_refusal_joins_its_reasons() -> None:
    assert str(Invalid(LABEL, PAGE)) == "too long; too small"


def test_no_fault_raises_nothing() -> None:
    raise_faults(iter(()))


def test_every_fault_is_raised() -> None:
    with pytest.raises(Invalid) as refusal:
        raise_faults(iter((LABEL, PAGE)))
    assert refusal.value.faults == (LABEL, PAGE)


def test_two_readings_that_succeed_are_both_returned() -> None:
    assert collect_faults(lambda: 1, lambda: "two") == (1, "two")


def test_faults_of_both_readings_are_raised_together() -> None:
    with pytest.raises(Invalid) as refusal:
        collect_faults(lambda: refuse(LABEL), lambda: refuse(PAGE))
    assert refusal.value.faults == (LABEL, PAGE)


def test_one_refused_reading_is_enough() -> None:
    with pytest.raises(Invalid) as refusal:
        collect_faults(lambda: 1, lambda: refuse(PAGE))
    assert refusal.value.faults == (PAGE,)


def test_other_refusals_are_not_collected() -> None:
    def lose() -> NoReturn:
        raise NotFound

    with pytest.raises(NotFound):
        collect_faults(lose, lambda: refuse(PAGE))
