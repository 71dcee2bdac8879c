"""What tokens are used for: for their owners, and for the administrators of the account."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor
from tokenry.domain.advice import ADVICE_DAYS, Advice, advise
from tokenry.domain.callers import require_administrator
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.details import Details
from tokenry.domain.errors import NotFound
from tokenry.domain.usage import DayCount, Result, RevokedUse, date_of, last_days
from tokenry.service.acting import get_reader
from tokenry.service.transactions import Transactions
from tokenry.storage import usage as stored
from tokenry.storage.details import find_details
from tokenry.storage.inventory import find_owner
from tokenry.storage.revoked_uses import list_revoked_uses


class Activity:
    """The use cases of what tokens are used for, also of tokens that ended. Nothing is changed.

    What happened in the last minute may not be in it yet.
    """

    def __init__(self, transactions: Transactions, catalogue: Catalogue) -> None:
        self._transactions = transactions
        self._catalogue = catalogue

    def list_counts(self, actor: Actor, token_id: int) -> Sequence[DayCount]:
        """List what became of a token where it was presented, by day: of one's own, or an administrator's any.

        Raises NotFound.
        """
        now = self._transactions.now()
        with self._transactions.read() as connection:
            _get_details(connection, actor, token_id, now)
            return stored.list_counts(connection, token_id, now)

    def advise(self, actor: Actor, token_id: int) -> Advice:
        """Say which scopes of a token were asked for, and which would have sufficed: of the same. Raises NotFound."""
        now = self._transactions.now()
        with self._transactions.read() as connection:
            token = _get_details(connection, actor, token_id, now).token
            days = [date_of(day) for day in last_days(now, ADVICE_DAYS)]
            counted = stored.find_first_day(connection, actor.account_id) or days[-1]
            counts = stored.list_counts(connection, token_id, now)
            return advise(
                self._catalogue.stored(str(token.scopes)),
                stored.list_asked(connection, token_id, now, ADVICE_DAYS),
                since=max(counted, token.created.astimezone(UTC).date()),
                today=days[-1],
                used=any(count.result is Result.ACCEPTED and count.day >= days[0] for count in counts),
            )

    def list_revoked_uses(self, since: datetime) -> Sequence[RevokedUse]:
        """List the revoked tokens of all accounts that seem to have been presented again since a moment.

        Each is there once, and noted once a day. It need not be the token: see `RevokedUse`.
        """
        with self._transactions.read() as connection:
            return list_revoked_uses(connection, since=since)

    def list_own_revoked_uses(self, actor: Actor, since: datetime) -> Sequence[RevokedUse]:
        """List those of the account, for an administrator. Raises Forbidden."""
        with self._transactions.read() as connection:
            require_administrator(get_reader(connection, actor))
            return list_revoked_uses(connection, since=since, account_id=actor.account_id)


def _get_details(connection: Connection, actor: Actor, token_id: int, now: datetime) -> Details:
    """A token that is somebody's own, or of an administrator's account."""
    reader = get_reader(connection, actor)
    owner_id = find_owner(connection, token_id, account_id=actor.account_id)
    details = None
    if owner_id is not None and (owner_id == reader.id or not reader.restricted):
        details = find_details(connection, token_id, user_id=owner_id, now=now)
    if details is None:
        raise NotFound
    return details
