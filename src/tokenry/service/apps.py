"""What users let OAuth clients in for: as they see it, and how they end it."""

from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import NotFound
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.grants import AuthorizedApp
from tokenry.domain.paging import Page, PageRequest
from tokenry.service.acting import require_open
from tokenry.service.grants.ending import end_app
from tokenry.service.transactions import Transactions
from tokenry.storage import apps as stored
from tokenry.storage.database import retried
from tokenry.storage.users import lock_user


class Apps:
    """The use cases of authorized apps. An actor sees and ends its own user's."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def list_apps(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[AuthorizedApp]:
        """List what the user lets clients in for."""
        with self._transactions.read() as connection:
            now = self._transactions.now()
            return stored.list_apps(connection, user_id=actor.user_id, now=now, request=request, filter=filter)

    def get_app(self, actor: Actor, app_id: int) -> AuthorizedApp:
        """Read one. Raises NotFound if it is not there, not the user's, or has ended."""
        with self._transactions.read() as connection:
            return _get(connection, actor, app_id, self._transactions.now())

    @retried
    def end_app(self, origin: Origin, app_id: int) -> None:
        """End one, with all that its client was given, be it the token that acts. Raises NotFound."""
        with self._transactions.change(origin) as change:
            lock_user(change.connection, change.actor.user_id)
            require_open(change.connection, change.actor, now=change.now)
            _get(change.connection, change.actor, app_id, change.now)
            if not end_app(change, app_id):
                raise NotFound


def _get(connection: Connection, actor: Actor, app_id: int, now: datetime) -> AuthorizedApp:
    app = stored.find_app(connection, app_id, user_id=actor.user_id, now=now)
    if app is None:
        raise NotFound
    return app
