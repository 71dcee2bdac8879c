"""Statements that are compiled once in a process of the tests, and not once more for each of its databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, create_engine
from sqlalchemy.util import LRUCache

STATEMENTS_MAX = 500
"""So many are kept, as by an engine: each takes some 60 KB, and generated filters make ever new ones."""


class _Compiled:
    """What SQLAlchemy keeps the compiled form of statements in (its execution option `compiled_cache`).

    It would find those of one engine alone: the dialect, of which each engine has an object, comes first in their keys.
    """

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[Any, ...], object] = LRUCache(STATEMENTS_MAX)

    def get(self, key: tuple[Any, ...]) -> object:
        return self._kept.get((type(key[0]), *key[1:]))

    def __setitem__(self, key: tuple[Any, ...], compiled: object) -> None:
        self._kept[type(key[0]), *key[1:]] = compiled


@contextmanager
def compiling_once() -> Iterator[None]:
    """Have all databases of this process share what is compiled."""
    compiled = _Compiled()

    def create(*address: Any, **options: Any) -> Engine:
        engine = create_engine(*address, **options)
        engine.update_execution_options(compiled_cache=compiled)
        return engine

    with patch("tokenry.storage.database.create_engine", create):
        yield
