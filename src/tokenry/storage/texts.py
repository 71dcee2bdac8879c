"""Text that one engine stores and the other refuses reaches neither.

Requests and command lines are checked before, with the field named; this stops what those checks let through.
"""

from collections.abc import Iterable

from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.texts import UNSTORABLE, is_storable


def refuse_unstorable(values: Iterable[object]) -> None:
    """Refuse parameters of a statement with a text that cannot be stored. Raises Invalid."""
    for value in values:
        if isinstance(value, str) and not is_storable(value):
            raise Invalid(Fault(UNSTORABLE))
