"""Noting what is asked for in a language that has no word for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations

import pytest

from tokenry.languages.catalogues import translations


class Missing(NullTranslations):
    """What is asked for in vain."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()

    def gettext(self, message: str) -> str:
        self.texts.add(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        self.texts.add(msgid1)
        return msgid1


@contextmanager
def noting_missing(language: str) -> Iterator[set[str]]:
    """The texts that are asked for meanwhile and that the language does not have."""
    noted = Missing()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translations(language), "_fallback", noted)
        yield noted.texts
