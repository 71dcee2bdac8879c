"""The rules for a description."""

import pytest

from tokenry.domain.details import description_faults


@pytest.mark.parametrize("description", ["", "x" * 500, "😀" * 500, "two\nlines"])
def test_description_of_up_to_500_characters_is_fine(description: str) -> None:
    assert description_faults(description) == []


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("x" * 501, "Length must be 0-500 characters"),
        ("\0", "Must not contain NUL or unpaired surrogates"),
        ("\ud800", "Must not contain NUL or unpaired surrogates"),
    ],
)
def test_description_that_cannot_be_kept_is_refused(description: str, reason: str) -> None:
    assert [(fault.reason, fault.field) for fault in description_faults(description)] == [(reason, "description")]
