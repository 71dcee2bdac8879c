"""The names of everything that can be recorded, by which the audit is asked for it and webhooks choose it."""

from collections.abc import Iterator

from tokenry.domain.errors import Fault
from tokenry.domain.events import EVENTS
from tokenry.domain.filters import All, Any, Comparison, Condition, Operator
from tokenry.domain.suggestions import find_likely

ACTIONS = frozenset(event.action for event in EVENTS)
SHOWN_LENGTH_MAX = 64
"""Of a name that there is not."""


def unknown_action(action: str, field: str | None) -> Fault:
    """Say that there is no such event, and which may be meant."""
    shown = action[:SHOWN_LENGTH_MAX]
    near = find_likely(shown, ACTIONS)
    return Fault(
        f"There is no event {shown}" if near is None else f"There is no event {shown}: did you mean {near}?", field
    )


def action_faults(condition: Condition, field: str | None = None) -> Iterator[Fault]:
    """Say which events a condition on the audit names that there are not."""
    match condition:
        case All(parts) | Any(parts):
            for part in parts:
                yield from action_faults(part, field)
        case Comparison("action", Operator.EQUAL | Operator.NOT_EQUAL, str(action)) if action not in ACTIONS:
            yield unknown_action(action, field)
