"""The tokens of all users: for the administrators of an account, and for the operator."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.details import LIVE_TOKENS, Details, Selection
from tokenry.domain.errors import NotFound
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.service.acting import get_reader, get_writer, require_open
from tokenry.service.disabling import turn_these
from tokenry.service.revocation import revoke_these
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import inventory as stored
from tokenry.storage import users
from tokenry.storage.accounts import lock_account
from tokenry.storage.database import retried

BATCH = 1000
"""Rows that are read at once when all are wanted."""


class Inventory:
    """The use cases of an inventory. Administrators see the users of their own account and no others."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def list_tokens(
        self,
        actor: Actor,
        request: PageRequest,
        filter: Filter = EVERY_ROW,
        selection: Selection = LIVE_TOKENS,
        username: str | None = None,
    ) -> Page[Details]:
        """List the account's tokens. Raises Forbidden."""
        with self._transactions.read() as connection:
            require_administrator(get_reader(connection, actor))
            return stored.list_inventory(
                connection,
                account_id=actor.account_id,
                now=self._transactions.now(),
                request=request,
                filter=filter,
                selection=selection,
                username=username,
            )

    def export_tokens(
        self, actor: Actor, selection: Selection = LIVE_TOKENS, username: str | None = None
    ) -> Iterator[Sequence[Details]]:
        """Read all of the account's tokens, by user and id, in pieces: each as it is when it is read.

        Ends with Unauthorized or Forbidden as soon as the actor's token is revoked, or no longer an administrator's.
        """

        def admit(connection: Connection, now: datetime) -> None:
            require_open(connection, actor, now=now)
            require_administrator(get_reader(connection, actor))

        return self._read_all(admit, account_id=actor.account_id, selection=selection, username=username)

    def export_all(
        self, selection: Selection = LIVE_TOKENS, username: str | None = None
    ) -> Iterator[Sequence[Details]]:
        """Read everybody's tokens, as the operator. Ends with NotFound for a user that is not there."""

        def admit(connection: Connection, _now: datetime) -> None:
            if username is not None and users.find_user(connection, username) is None:
                raise NotFound

        return self._read_all(admit, account_id=None, selection=selection, username=username)

    @retried
    def revoke_tokens(self, origin: Origin, token_ids: Sequence[int]) -> Sequence[tuple[int, bool]]:
        """Revoke tokens of the account's users; for each id, whether this revoked it. Raises Forbidden."""
        with self._transactions.change(origin) as change:
            revoked = revoke_these(change, lock_own(change, token_ids))
        return [(token_id, token_id in revoked) for token_id in token_ids]

    @retried
    def turn_tokens(self, origin: Origin, token_ids: Sequence[int], *, disabled: bool) -> Sequence[tuple[int, bool]]:
        """Disable or enable tokens of the account's users; for each id, whether this did. Raises Forbidden."""
        with self._transactions.change(origin) as change:
            turned = turn_these(change, lock_own(change, token_ids), disabled=disabled)
        return [(token_id, token_id in turned) for token_id in token_ids]

    @retried
    def turn_any_token(self, origin: Origin, token_id: int, *, disabled: bool) -> bool:
        """Disable or enable anybody's token, as the operator; whether this did. Raises NotFound."""
        with self._transactions.change(origin) as change:
            users.lock_owners(change.connection, [token_id])
            if turn_these(change, [token_id], disabled=disabled):
                return True
            if not stored.is_live(change.connection, token_id, now=change.now):
                raise NotFound
            return False

    def _read_all(
        self,
        admit: Callable[[Connection, datetime], None],
        *,
        account_id: int | None,
        selection: Selection,
        username: str | None,
    ) -> Iterator[Sequence[Details]]:
        last: Details | None = None
        while True:
            with self._transactions.read() as connection:
                now = self._transactions.now()
                admit(connection, now)
                piece = stored.list_next(
                    connection,
                    account_id=account_id,
                    now=now,
                    after=last,
                    limit=BATCH,
                    selection=selection,
                    username=username,
                )
            if not piece:
                return
            yield piece
            last = piece[-1]


def lock_own(change: Change, token_ids: Sequence[int]) -> Sequence[int]:
    """Those of some tokens that are of the account of an administrator, with their users locked. Raises Forbidden."""
    account_id = change.actor.account_id
    lock_account(change.connection, account_id)
    own = stored.find_own(change.connection, token_ids, account_id=account_id)
    users.lock_owners(change.connection, own)
    require_administrator(get_writer(change))
    return own
