"""Which language a browser is shown."""

from collections.abc import Mapping

from tokenry.domain.profile import LANGUAGES
from tokenry.languages.catalogues import DEFAULT, LOCALES

LANGUAGE_COOKIE = "tokenry-language"
LANGUAGE_COOKIE_SECONDS = 365 * 24 * 60 * 60
ACCEPTED_LENGTH_MAX = 200
"""What a browser says beyond that is not read."""


def name_languages() -> Mapping[str, str]:
    """The languages that somebody may choose, each with its name in itself."""
    return {name: locale.get_language_name() or name for name, locale in LOCALES.items()}


def choose_language(chosen: str, accepted: str) -> str:
    """The language to show: the one that somebody chose, else the first that the browser likes (RFC 9110, 12.5.4)."""
    if chosen in LANGUAGES:
        return chosen
    liked: list[tuple[float, str]] = []
    for piece in accepted[:ACCEPTED_LENGTH_MAX].split(","):
        tag, _, weight = piece.partition(";")
        name = tag.strip().partition("-")[0].lower()
        if name in LANGUAGES:
            liked.append((_read_weight(weight), name))
    weighing, name = max(liked, key=lambda each: each[0], default=(0.0, DEFAULT))
    return name if weighing > 0 else DEFAULT


def _read_weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
