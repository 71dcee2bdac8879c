"""What was done, for those whom it concerns. Nobody changes it, and `Change.record` alone adds to it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor
from tokenry.domain.actions import action_faults
from tokenry.domain.audit import Entry
from tokenry.domain.errors import raise_faults
from tokenry.domain.filters import EVERY_ROW, All, Comparison, Filter, Operator
from tokenry.domain.managed import require_manager
from tokenry.domain.paging import Page, PageRequest
from tokenry.service.acting import get_reader, require_open
from tokenry.service.transactions import Transactions
from tokenry.storage import audit as stored

BATCH = 100
"""Events that are read at once when all are wanted."""


class Audit:
    """The use cases of the audit. Without an order, the newest event comes first."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def list_events(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[Entry]:
        """List what was done in the account, to its users and to their tokens. Raises Forbidden."""
        with self._transactions.read() as connection:
            require_manager(get_reader(connection, actor))
            return stored.list_events_of_account(connection, actor.account_id, request=request, filter=filter)

    def list_own_events(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[Entry]:
        """List what was done to the actor's user, and to the tokens of that one."""
        with self._transactions.read() as connection:
            return stored.list_events_of_user(connection, actor.user_id, request=request, filter=filter)

    def export_events(self, actor: Actor, filter: Filter = EVERY_ROW) -> Iterator[Sequence[Entry]]:
        """Read all of what was done in the account, in pieces, the newest first; what is done meanwhile is left out.

        Ends with Unauthorized or Forbidden as soon as the actor's secret opens nothing, or is no longer a manager's.
        """

        def read(connection: Connection, piece: Filter) -> Sequence[Entry]:
            require_manager(get_reader(connection, actor))
            return stored.list_next_of_account(connection, actor.account_id, filter=piece, limit=BATCH)

        return self._read_all(actor, read, filter)

    def export_own_events(self, actor: Actor, filter: Filter = EVERY_ROW) -> Iterator[Sequence[Entry]]:
        """Read all of what was done to the actor's user and that one's tokens, in the same way."""

        def read(connection: Connection, piece: Filter) -> Sequence[Entry]:
            return stored.list_next_of_user(connection, actor.user_id, filter=piece, limit=BATCH)

        return self._read_all(actor, read, filter)

    def export_all(self, subject: str | None = None, filter: Filter = EVERY_ROW) -> Iterator[Sequence[Entry]]:
        """Read all of what was done, or was done to one subject, in the same way, as the operator. Raises Invalid."""
        raise_faults(action_faults(filter.condition))

        def read(connection: Connection, piece: Filter) -> Sequence[Entry]:
            return stored.list_events(connection, limit=BATCH, subject=subject, filter=piece)

        return self._read_all(None, read, filter)

    def _read_all(
        self, actor: Actor | None, read: Callable[[Connection, Filter], Sequence[Entry]], wanted: Filter
    ) -> Iterator[Sequence[Entry]]:
        piece = wanted
        while True:
            with self._transactions.read() as connection:
                if actor is not None:
                    require_open(connection, actor, now=self._transactions.now())
                rows = read(connection, piece)
            if not rows:
                return
            yield rows
            older = Comparison("id", Operator.LESS, rows[-1].id)
            piece = replace(wanted, condition=All((wanted.condition, older)))
