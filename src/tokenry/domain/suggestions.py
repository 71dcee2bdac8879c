"""What may be meant by a name that there is not."""

from collections.abc import Iterable
from difflib import get_close_matches

LIKELY_LENGTH_MAX = 150
"""What is longer was not mistyped, and looking for what is like it would take long."""


def find_likely(text: str, words: Iterable[str]) -> str | None:
    """Find the one of the words that is most like a text; None if none is."""
    if len(text) > LIKELY_LENGTH_MAX:
        return None
    return next(iter(get_close_matches(text, sorted(words), n=1)), None)


def write_suggestion(likely: str | None) -> str:
    """Say behind a complaint what may be meant."""
    return "" if likely is None else f" (did you mean {likely}?)"
