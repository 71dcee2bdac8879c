"""What is said of a text alone, before anything is looked up."""

import random

import pytest

from tests.conftest import START
from tokenry.domain.checks import Check, Circumstances
from tokenry.domain.explanation import explain
from tokenry.domain.secrets import Peppers, Secret

PEPPERS = Peppers((bytes(32),))
TOKEN = Secret.generate(random.Random(1).randbytes).reveal()  # the same in every test process: it names tests
OTHER_END = "0" if TOKEN[-1] != "0" else "1"


def checks(text: str) -> list[tuple[Check, bool]]:
    steps = explain(text, lambda preview: None, PEPPERS, Circumstances(START))
    return [(step.check, step.passed) for step in steps]


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("", Check.PREFIX),
        ("token", Check.PREFIX),
        (f"Bearer {TOKEN}", Check.PREFIX),
        (TOKEN.upper(), Check.PREFIX),
        ("pat_", Check.SHAPE),
        (TOKEN[:-1], Check.SHAPE),
        (f"{TOKEN} ", Check.SHAPE),
        (f"{TOKEN[:-1]}-", Check.SHAPE),
        (f"{TOKEN[:-1]}é", Check.SHAPE),
        (f"{TOKEN[:-1]}\u0661", Check.SHAPE),
        (TOKEN[:-1] + OTHER_END, Check.CHECKSUM),
        (TOKEN, Check.KNOWN),
    ],
)
def test_first_thing_that_is_wrong_ends_the_explanation(text: str, failed: Check) -> None:
    *passed, last = checks(text)
    assert last == (failed, False)
    assert passed == [(check, True) for check in list(Check)[: len(passed)]]


def test_no_reason_repeats_what_was_presented() -> None:
    steps = explain(TOKEN[:-1], lambda preview: None, PEPPERS, Circumstances(START))
    assert not [step for step in steps if TOKEN[4:10] in step.reason]
