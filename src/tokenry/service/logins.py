"""What users see of their logins, and administrators of the last ones of their account's users."""

from collections.abc import Mapping, Sequence

from tokenry.domain.accounts import Actor
from tokenry.domain.errors import NotFound
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.logins import Login, SignIns
from tokenry.domain.paging import Page, PageRequest
from tokenry.service.acting import get_reader
from tokenry.service.transactions import Transactions
from tokenry.storage import logins as stored


class Logins:
    """The use cases of logins. Nobody changes any; they are deleted when they are old (`pruning.py`)."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def list_logins(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[Login]:
        """List the logins of the actor's user."""
        with self._transactions.read() as connection:
            user = get_reader(connection, actor)
            return stored.list_logins(connection, user, request=request, filter=filter)

    def get_login(self, actor: Actor, login_id: int) -> Login:
        """Read one. Raises NotFound."""
        with self._transactions.read() as connection:
            login = stored.find_login(connection, login_id, user=get_reader(connection, actor))
            if login is None:
                raise NotFound
            return login

    def find_sign_ins(self, user_ids: Sequence[int]) -> Mapping[int, SignIns]:
        """Find what is known of how users sign in, by their ids."""
        with self._transactions.read() as connection:
            return stored.find_sign_ins(connection, user_ids)
