"""Recovery codes: each opens once in place of a second factor that was lost."""

import secrets
from collections.abc import Callable, Sequence
from typing import Self

from tokenry.domain.secrets import Peppers

CODES = 10
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Those that are not mistaken for each other; each is five bits."""
LENGTH = 12
_GROUP_LENGTH = 4
_MISREAD = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})
TYPED_LENGTH_MAX = 50


class RecoveryCode:
    """A recovery code of sixty random bits. It cannot print itself: only `reveal()` gives the text away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def generate(cls, draw: Callable[[int], bytes] = secrets.token_bytes) -> Self:
        """Make a new one."""
        return cls("".join(_DIGITS[byte % len(_DIGITS)] for byte in draw(LENGTH)))

    @classmethod
    def parse(cls, typed: str) -> Self | None:
        """Recognise what somebody typed, in whatever case and groups; None for anything else."""
        text = typed[:TYPED_LENGTH_MAX].lower().translate(_MISREAD)
        return cls(text) if len(text) == LENGTH and set(text) <= set(_DIGITS) else None

    def reveal(self) -> str:
        """Give the text, in groups: for the one page that shows it."""
        return "-".join(self._text[at : at + _GROUP_LENGTH] for at in range(0, LENGTH, _GROUP_LENGTH))

    def digests(self, peppers: Peppers, user_id: int) -> Sequence[bytes]:
        """What may be at rest of it, for a user: by each generation of peppers, the newest last."""
        generations = range(1, peppers.generation + 1)
        return [
            peppers.digest_words("recovery code", str(user_id), self._text, generation=each) for each in generations
        ]

    def __repr__(self) -> str:
        return "<RecoveryCode>"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a RecoveryCode is never serialised")
