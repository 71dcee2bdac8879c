"""The texts of each language, by those that stand in the source, which are English."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from tokenry.domain.profile import LANGUAGES

LOCALES: Mapping[str, Locale] = {language: Locale.parse(locale) for language, locale in LANGUAGES.items()}
"""Of languages whose texts are complete."""
DEFAULT = "en"


@cache
def catalogue(language: str) -> Catalog:
    """The texts of a language: of English, which stands in the source, there is none."""
    text = files("tokenry.languages").joinpath("locale", f"{language}.po").read_bytes()
    return read_po(BytesIO(text), locale=language)


@cache
def translations(language: str) -> NullTranslations:
    """The same, to look them up."""
    if language == DEFAULT:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return Translations(compiled)
