"""What tokens are used for: for their owners, and for the administrators of the account."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor
from tokenry.domain.callers import require_administrator
from tokenry.domain.errors import NotFound
from tokenry.domain.usage import DayCount
from tokenry.service.acting import get_reader
from tokenry.service.transactions import Transactions
from tokenry.storage import usage as stored
from tokenry.storage.details import find_details
from tokenry.storage.inventory import find_owner


class Activity:
    """The use cases of what tokens are used for, also of tokens that ended. Nothing is changed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def list_counts(self, owner_id: int, token_id: int) -> Sequence[DayCount]:
        """List what became of one of a user's tokens where it was presented, by day. Raises NotFound."""
        now = self._transactions.now()
        with self._transactions.read() as connection:
            if find_details(connection, token_id, user_id=owner_id, now=now) is None:
                raise NotFound
            return stored.list_counts(connection, token_id, now)

    def list_any_counts(self, actor: Actor, token_id: int) -> Sequence[DayCount]:
        """List it of any token of the account, for an administrator. Raises Forbidden, NotFound."""
        with self._transactions.read() as connection:
            _require_own(connection, actor, token_id)
            return stored.list_counts(connection, token_id, self._transactions.now())


def _require_own(connection: Connection, actor: Actor, token_id: int) -> None:
    require_administrator(get_reader(connection, actor))
    if find_owner(connection, token_id, account_id=actor.account_id) is None:
        raise NotFound
