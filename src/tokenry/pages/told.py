"""What comes in English from below the pages, in the language of a page: faults, and words of the catalogue of scopes.

The API says faults in English for ever, with what they are about in them: `Length must be 1-100 characters`. In our
texts such a one has gaps: `Length must be 1-{} characters`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

from markupsafe import Markup

from tokenry.languages.catalogues import DEFAULT, catalogue, translations
from tokenry.languages.writing import write_time
from tokenry.moments import read_moment

GAP = "{}"
LENGTH_MAX = 2000
"""What is longer is shown as it is: most of it is not ours."""
_MOMENT = re.compile(r"\b2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\b", re.ASCII)
"""A time as the API writes it."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text of ours by the pieces between its gaps, and so what it is in another language, with as many gaps."""

    pieces: Sequence[str]
    told: Sequence[str]

    def find_gaps(self, text: str) -> Sequence[str] | None:
        """Find what stands in the gaps of a text; None if that is not this one. Takes linear time."""
        first, *between, last = self.pieces
        place, end, found = len(first), len(text) - len(last), []
        if place > end or not text.startswith(first) or not text.endswith(last):
            return None
        for piece in between:
            until = text.find(piece, place, end)
            if until < 0:
                return None
            found.append(text[place:until])
            place = until + len(piece)
        return [*found, text[place:end]]

    def fill(self, gaps: Sequence[str]) -> str:
        """Write it in the other language."""
        return "".join(chain.from_iterable(zip(self.told, [*gaps, ""], strict=True)))


def tell(reason: str, language: str, timezone: str | None = None) -> str | Markup:
    """Tell a fault in a language; what has no words in it stays, and is marked as the English that it is.

    Times in it are written as they are there, if it is known in which time zone somebody is.
    """
    if timezone is not None and len(reason) <= LENGTH_MAX:
        reason = _MOMENT.sub(lambda found: _write_time(found[0], language, timezone), reason)
    if language == DEFAULT:
        return reason
    told = _find(reason, language)
    return Markup('<span lang="{}">{}</span>').format(DEFAULT, reason) if told is None else told


def name_in(words: str, language: str) -> str:
    """Tell words of the catalogue of scopes, with a name in brackets behind them; an operator's own ones stay."""
    general, bracket, name = words.rpartition(" (")
    if bracket and words.endswith(")"):
        return f"{_find_whole(general, language) or general}{bracket}{name}"
    return _find_whole(words, language) or words


def _write_time(text: str, language: str, timezone: str) -> str:
    moment = read_moment(text)
    return text if moment is None else write_time(moment, language, timezone)


def _find(text: str, language: str, *, within: bool = False) -> str | None:
    """Find a text with what stands in its gaps, where there may be another text of ours, of several words."""
    whole = _find_whole(text, language)
    if whole is not None or len(text) > LENGTH_MAX:
        return whole
    for sentence in _sentences(language):
        gaps = sentence.find_gaps(text)
        if gaps is not None:
            inner = [gap if within or " " not in gap else _find(gap, language, within=True) or gap for gap in gaps]
            return sentence.fill(inner)
    return None


def _find_whole(text: str, language: str) -> str | None:
    """Find a text that is whole. An empty one would give the head of the catalogue."""
    told = translations(language).gettext(text) if text else text
    return None if told == text else told


@cache
def _sentences(language: str) -> Sequence[Sentence]:
    """Those with gaps; those that say most come first, since others may be read out of the same text."""
    found = [
        Sentence(message.id.split(GAP), str(message.string).split(GAP))
        for message in catalogue(language)
        if isinstance(message.id, str) and GAP in message.id and message.string
    ]
    return sorted(found, key=lambda each: -sum(map(len, each.pieces)))
