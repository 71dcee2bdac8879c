"""Texts that open doors: how they are held, and how they are kept out of messages."""

import re
from typing import TypeVar

from tokenry.printable import printable

PREVIEW_LENGTH = 16
HIDDEN_LENGTH = 38
"""What comes after the preview in a token of the service's own."""
SHOWN_LENGTH_MIN = 2 * PREVIEW_LENGTH
"""A shorter text shows nothing of itself: its first characters would be too much of it."""
REASON_LENGTH_MAX = 500

# Every kind of secret, as in domain/secrets.py.
_PREFIXES = ("pat_", "toat", "tbat", "ort_", "oac_", "odc_", "ocs_", "orr_", "opr_", "ses_", "lnk_", "pgt_")
_LOOKALIKE = re.compile(
    rf"((?:{'|'.join(_PREFIXES)})[0-9A-Za-z]{{12}})[0-9A-Za-z]+"
    r"|(_(?![0-9a-f]{33})[0-9A-Za-z]{12})[0-9A-Za-z]{21,}"
)
_CHOSEN = re.compile(r"[a-z0-9_]{1,11}_[0-9A-Za-z]{50}")
_PREVIEW = re.compile(r"[a-z0-9_]{1,11}_[0-9A-Za-z]{12}")
_SENDABLE = re.compile(r"[!-~]+", re.ASCII)

T = TypeVar("T")


def is_preview(text: str) -> bool:
    """Whether this is all that lists show of a token, and so no secret."""
    return len(text) <= PREVIEW_LENGTH or _PREVIEW.fullmatch(text) is not None


class Secret:
    """A token's whole text. It shows its prefix and public id, as lists do, and only `reveal()` gives it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def preview(self) -> str:
        """Prefix and public id, by which lists show a token; empty for a text that is too short to be one.

        Of another maker's the first 16 characters.
        """
        if _CHOSEN.fullmatch(self._text):
            return self._text[:-HIDDEN_LENGTH]
        return self._text[:PREVIEW_LENGTH] if len(self._text) >= SHOWN_LENGTH_MIN else ""

    @property
    def is_sendable(self) -> bool:
        """Whether it can stand in a header: visible ASCII, no space."""
        return _SENDABLE.fullmatch(self._text) is not None

    def stands_in(self, text: str) -> bool:
        """Whether a text holds it; one that is too short to be a token never counts as held."""
        return bool(self.preview) and self._text in text

    def reveal(self) -> str:
        """Give the whole text."""
        return self._text

    def __repr__(self) -> str:
        return f"<Secret {self.preview}…>"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is never serialised")


class TokenText(str):
    """A token's text where a str is asked for: one in every respect, but its repr shows the preview alone.

    So it goes into a header, a file or JSON as it is, and not into a traceback's locals or the repr of what holds it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if is_preview(self) else repr(f"{Secret(self).preview}…")


def hide(value: str | T) -> Secret | T:
    """Put a text out of sight; whatever else it is stays. It raises nothing, so no traceback begins here."""
    return Secret(value) if isinstance(value, str) else value


def masked(text: str, secret: Secret | None = None) -> str:
    """Somebody else's text as a message may hold it: no token, no control character, not without end."""
    if secret is not None and secret.reveal():
        text = text.replace(secret.reveal(), f"{secret.preview}…")
    text = _LOOKALIKE.sub(r"\1\2…", text)
    return printable(text[:REASON_LENGTH_MAX])
