"""The texts of pages and mail in other languages: `python -m docs.texts` brings `languages/locale` up to date.

They stand in templates, in `_()` and `{% trans %}`; in constants of modules of pages and mail, and of what
becomes of messages to webhooks, if they begin with a capital letter or have several words; in faults, wherever those
are made that a page may show; and in the catalogue of scopes. What is new comes without a translation, and what is gone
is left out.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from docs.faults import find_faults
from tokenry.domain.profile import LANGUAGES
from tokenry.languages.catalogues import DEFAULT

SOURCE = Path(__file__).parent.parent / "src" / "tokenry"
LOCALE = SOURCE / "languages" / "locale"
WIDTH = 120
TEMPLATES = ("pages/templates/**/*.html", "mail/templates/*")
PAGES = "pages/**/*.py"
MAIL = "mail/composing.py"
DELIVERIES = ("fetching/reasons.py", "service/telling.py")
"""Which have words on what became of a message to a webhook."""
SCOPES = "domain/catalogue.py"
SCOPES_FILE = "storage/catalogue.toml"
FAULTY = ("domain/**/*.py", "service/**/*.py", "storage/texts.py", "web/errors.py", PAGES)
"""Where faults are made that a page may show. Those of OAuth alone are for developers, and stay English."""
NAMES = SOURCE / "pages" / "devices.py"
"""Which has names of products alone."""
_TEXT = re.compile(r"(?:[A-Z][a-z]|%\(|[^ ]++ )", re.ASCII)


Text: TypeAlias = str | tuple[str, ...]
"""A text with gaps, if it has any; where it depends on a number, one for one and one for many."""


def extract() -> Catalog:
    """Find all texts there are, each with the files that it is in."""
    found = Catalog(project="tokenry", charset="utf-8")
    for path, text in _find_all():
        found.add(text, locations=[(str(path.relative_to(SOURCE)), 0)])
    return found


def _find_all() -> Iterator[tuple[Path, Text]]:
    for path in list_templates():
        yield from ((path, text) for text in _find_in_template(path))
    for path in [
        *sorted({*SOURCE.glob(PAGES)} - {NAMES}),
        SOURCE / SCOPES,
        SOURCE / MAIL,
        *map(SOURCE.joinpath, DELIVERIES),
    ]:
        yield from ((path, text) for text in _find_in_constants(ast.parse(path.read_text("utf-8"))))
    modules = read_faulty()
    for path, texts in zip(modules, find_faults([*modules.values()]), strict=True):
        yield from ((path, text) for text in texts)
    path = SOURCE / SCOPES_FILE
    yield from ((path, text) for text in _find_titles(tomllib.loads(path.read_text("utf-8"))))


def list_templates() -> Sequence[Path]:
    """List the templates of pages and of mail."""
    return sorted(path for pattern in TEMPLATES for path in SOURCE.glob(pattern))


def read_faulty() -> Mapping[Path, ast.Module]:
    """Read the modules in which faults are made that a page may show."""
    paths = sorted({path for pattern in FAULTY for path in SOURCE.glob(pattern)})
    return {path: ast.parse(path.read_text("utf-8")) for path in paths}


def _find_in_template(path: Path) -> Iterator[Text]:
    options = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    with path.open("rb") as file:
        for _, _, message, _ in babel_extract(file, ("_", "gettext", "ngettext"), (), options):
            words = (message,) if isinstance(message, str) else tuple(each for each in message or () if each)
            if words:  # others are variables, whose texts stand in Python
                yield words[0] if len(words) == 1 else words


def _find_in_constants(module: ast.Module) -> Iterator[str]:
    """Find texts for people in constants of a module."""
    for statement in module.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and _TEXT.match(node.value):
                    yield node.value


def _find_titles(values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _find_titles(value)
        elif name in {"title", "description"}:
            yield str(value)


def renew(language: str) -> None:
    """Write the catalogue of a language anew, with what is translated already."""
    path = LOCALE / f"{language}.po"
    with path.open("rb") as file:
        known = read_po(file, locale=language)
    known.update(extract(), no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False)
    with path.open("wb") as file:
        write_po(file, known, width=WIDTH, sort_by_file=True, ignore_obsolete=True, include_lineno=False)


if __name__ == "__main__":
    for each in LANGUAGES:
        if each != DEFAULT:
            renew(each)
