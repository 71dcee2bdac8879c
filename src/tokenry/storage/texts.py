"""Text that one engine stores and the other refuses reaches neither.

Requests and command lines are checked before, with the field named; this stops what those checks let through.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Engine, event

from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.texts import UNSTORABLE, is_storable


def refuse_unstorable(engine: Engine) -> None:
    """Let every statement of this engine raise Invalid, before it is sent, for a text that cannot be stored."""
    event.listen(engine, "before_cursor_execute", _refuse)


def _refuse(_connection: Any, _cursor: Any, _statement: str, parameters: Any, _context: Any, many: Any) -> None:
    for row in parameters if many else (parameters,):
        values: Iterable[object] = row.values() if isinstance(row, Mapping) else row
        for value in values:
            if isinstance(value, str) and not is_storable(value):
                raise Invalid(Fault(UNSTORABLE))
