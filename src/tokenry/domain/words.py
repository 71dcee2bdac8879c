"""What whoever presents a token is told of a refusal, in words that the operator may choose."""

import re
from dataclasses import dataclass, replace
from typing import Self

from tokenry.domain.errors import InsufficientScope, Refusal, Unauthorized

REALM_LENGTH_MAX = 64
TEXT_LENGTH_MAX = 200
_REALM = re.compile(rf"[ !#-\[\]-~]{{1,{REALM_LENGTH_MAX}}}")  # what needs no escape between quotes (RFC 9110 5.6.4)
_RECORDED = "Your OAuth token is not authorized to use this endpoint."
"""What clients of the wire format know."""


def is_realm(text: str) -> bool:
    """Whether this may be a realm: visible ASCII and spaces, without quotation marks and backslashes."""
    return _REALM.fullmatch(text) is not None


def is_sentence(text: str) -> bool:
    """Whether this may be told to somebody: printable, of any script, and no longer than people read."""
    return len(text) <= TEXT_LENGTH_MAX and text.isprintable() and bool(text.strip())


@dataclass(frozen=True, slots=True)
class Words:
    """The realm of `WWW-Authenticate`, and what is said of a token that is none, and of one whose scopes are too few.

    A text of None is the refusal's own. Raises ValueError for what `is_realm` and `is_sentence` refuse.
    """

    realm: str = "tokenry"
    invalid_token: str | None = None
    insufficient_scope: str | None = None

    def __post_init__(self) -> None:
        if not is_realm(self.realm):
            raise ValueError("A realm is visible ASCII without quotation marks and backslashes")
        for text in (self.invalid_token, self.insufficient_scope):
            if text is not None and not is_sentence(text):
                raise ValueError("A text is one printable line")

    def put(self, refusal: Refusal) -> Refusal:
        """The refusal in these words."""
        if isinstance(refusal, Unauthorized) and self.invalid_token is not None:
            return Unauthorized(self.invalid_token)
        if isinstance(refusal, InsufficientScope) and self.insufficient_scope is not None:
            return InsufficientScope(self.insufficient_scope)
        return refusal

    def as_recorded(self) -> Self:
        """The same for the wire format: what nobody has chosen is what its clients know."""
        return self if self.insufficient_scope is not None else replace(self, insufficient_scope=_RECORDED)

    def without_texts(self) -> Self:
        """The same for OAuth, whose descriptions are for developers, and ASCII (RFC 6749 section 5.2)."""
        return replace(self, invalid_token=None, insufficient_scope=None)


WORDS = Words()
