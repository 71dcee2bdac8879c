"""The texts of pages and mail: each stands in the catalogue, and is there in every language."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from jinja2 import Environment

from docs.faults import find_untold
from docs.texts import extract, list_templates, read_faulty
from tokenry.domain.profile import LANGUAGES
from tokenry.languages.catalogues import DEFAULT, catalogue

OTHERS = [language for language in LANGUAGES if language != DEFAULT]
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{[^}]*\}|%%|</?\w[^>]*>", re.ASCII)
SPOKEN = {"alt", "aria-label", "data-label", "placeholder", "title"}
"""Attributes whose values people are told."""
SILENT = {"code", "pre", "script", "style"}
NAMES = re.compile(r"\b(?:HTTP|Python|Terraform|curl|tokenry)\b", re.ASCII)
VALUE = "\N{WHITE SQUARE}"
PASSED_ON = {"description", "each.reason", "fault.reason", "problem", "reason", "trouble.value", "wrong"}
"""What faults are given that was made from words elsewhere."""
OF_OPERATORS = {"self.insufficient_scope", "self.invalid_token"}


@pytest.fixture(scope="module")
def texts() -> Catalog:
    return extract()


def write(message: Message) -> str:
    return str(message.id)


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_in_the_catalogue_and_no_other(texts: Catalog, language: str) -> None:
    """Where this fails: `python -m docs.texts`, then translate what is empty in `src/tokenry/languages/locale`."""
    assert {write(each) for each in catalogue(language)} == {write(each) for each in texts}
    assert not catalogue(language).obsolete


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    missing = [each.id for each in catalogue(language) if each.id and (each.fuzzy or not all(strings(each) or [""]))]
    assert missing == []


@pytest.mark.parametrize("language", OTHERS)
def test_translation_has_the_same_values_and_marks_as_the_text(language: str) -> None:
    for message in catalogue(language):
        if message.id:
            source = message.id if isinstance(message.id, str) else message.id[-1]
            found = sorted(PLACEHOLDER.findall(strings(message)[-1]))
            assert found == sorted(PLACEHOLDER.findall(source)), message.id


def strings(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def test_gaps_of_a_text_have_words_between_them(texts: Catalog) -> None:
    assert [each.id for each in texts if "}{" in write(each)] == []


def test_words_of_every_fault_can_be_told_from_the_source() -> None:
    """Where this fails: give Fault a text, a constant or an f-string, or name a function that returns one `…reason`."""
    assert find_untold([*read_faulty().values()]) <= PASSED_ON | OF_OPERATORS


class Spoken(HTMLParser):
    """What a template has for people that is written out in it, and so the same in every language."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in SPOKEN and value]
        self.open += [tag] if tag in SILENT else []

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag == self.open[-1]:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open:
            self.found.append(data)


@pytest.mark.parametrize("path", list_templates(), ids=lambda path: path.name)
def test_template_has_no_words_beside_those_of_the_catalogue(path: Path) -> None:
    reader, within = Spoken(), 0
    pieces = []
    for _, kind, value in Environment(autoescape=True).lex(path.read_text("utf-8")):
        if kind == "name" and value in {"trans", "endtrans"}:
            within = value == "trans"
        if kind == "data" and not within:
            pieces.append(value)
        elif kind == "variable_begin":
            pieces.append(VALUE)
    reader.feed("".join(pieces))
    words = [NAMES.sub("", found).strip() for found in reader.found]
    assert [each for each in words if re.search(r"[^\W\d_]", each)] == []
