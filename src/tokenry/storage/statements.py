"""What is looked at before a statement is sent, whichever it is.

That is done by events of SQLAlchemy's dialect: for one of the engine's, each step of each transaction would pay.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, event

from tokenry.storage.changes import notice
from tokenry.storage.deadline import require_time
from tokenry.storage.texts import refuse_unstorable

_Parameters = Mapping[str, object] | Sequence[object]


def watch(engine: Engine) -> None:
    """Look at every statement of an engine: it raises Unavailable, Invalid where it is not to be sent."""
    event.listen(engine, "do_execute", _before_one)
    event.listen(engine, "do_executemany", _before_many)
    event.listen(engine, "do_execute_no_params", _before_bare)


def _before_one(_cursor: Any, _text: str, parameters: _Parameters, context: Any) -> None:
    _before(context, parameters.values() if isinstance(parameters, Mapping) else parameters)


def _before_many(_cursor: Any, _text: str, rows: Sequence[_Parameters], context: Any) -> None:
    for row in rows:
        _before_one(None, "", row, context)


def _before_bare(_cursor: Any, _text: str, context: Any) -> None:
    _before(context, ())


def _before(context: Any, values: Iterable[object]) -> None:
    require_time()  # none is begun for a caller that has been told no by now
    refuse_unstorable(values)
    notice(context)
