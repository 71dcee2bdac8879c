"""What text may be: what both database engines can store and so also compare with, what is the same, what shows.

And bytes as text.
"""

from base64 import urlsafe_b64encode
from unicodedata import category, normalize

from tokenry.domain.errors import Fault

UNSTORABLE = "Must not contain NUL or unpaired surrogates"
_SHOWN = {"L", "N", "P", "S"}
_SHOWN_LATER = {"Cn", "Co"}  # newer than this program's Unicode, or of somebody's own: at least a box
_BLANK = {*"\u115f\u1160\u2065\u2800\u3164\uffa0\U0001d159", *map(chr, range(0xFFF0, 0xFFF9))}
_IGNORABLE = range(0xE0000, 0xE1000)
"""What shows nothing although its category says otherwise."""


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can store a text: it has no NUL, and can be written as UTF-8."""
    if "\0" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def storable_faults(text: str, field: str | None = None) -> list[Fault]:
    """Say whether a text of somebody's own holds what PostgreSQL cannot store."""
    return [] if is_storable(text) else [Fault(UNSTORABLE, field)]


def write_base64url(data: bytes) -> str:
    """Write bytes in base64url without padding, as OAuth and JOSE do (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def fold(text: str) -> str:
    """What a search compares: canonical caseless matching (Unicode 3.13), so that both forms of an ä are one."""
    return normalize("NFC", normalize("NFD", text).casefold())


def shows(text: str) -> bool:
    """Whether there is at least one visible character: no space, control, format character or lone accent."""
    return any(
        (category(character)[0] in _SHOWN or category(character) in _SHOWN_LATER)
        and character not in _BLANK
        and ord(character) not in _IGNORABLE
        for character in text
    )
