"""What was done, for those whom it concerns. Nobody changes it, and `Change.record` alone adds to it."""

from tokenry.domain.accounts import Actor
from tokenry.domain.audit import Entry
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.managed import require_manager
from tokenry.domain.paging import Page, PageRequest
from tokenry.service.acting import get_reader
from tokenry.service.transactions import Transactions
from tokenry.storage import audit as stored


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
