"""Somebody else's text, fit for a terminal, a log or a spreadsheet, for every part of tokenry.

A label, a path or an error from elsewhere may hold what a terminal obeys (escape sequences, also as single characters
of 0x80 to 0x9F), what rings its bell, or what writes the rest of a line from right to left; or a formula.
"""

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_KEPT_IN_LINES = "\n\t"
_FORMULA = re.compile(r'(?:\A|[;\n\r])"*+(?=[=+\-@\t\r])')
"""Where one may begin: where numbers have a comma, semicolons separate cells, and a line end in one ends the row."""


def printable(text: str) -> str:
    """The text in one line, with a mark in place of what does not print: controls, format characters, line ends."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else REPLACEMENT for character in text)


def printable_lines(text: str) -> str:
    """The same for a text that may have lines and tabs, such as a traceback."""
    return "".join(
        character if character.isprintable() or character in _KEPT_IN_LINES else REPLACEMENT for character in text
    )


def as_cell(text: str) -> str:
    """The text as a cell of CSV, with a quote in front of what a spreadsheet would take for a formula."""
    return _FORMULA.sub(r"\g<0>'", text)


def first_line(error: BaseException) -> str:
    """The first line of what an error says that is not blank, or the error's name; it may not be printable."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
