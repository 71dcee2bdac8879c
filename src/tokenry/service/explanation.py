"""Explaining to administrators, service accounts and the operator what became of a token that was presented."""

from collections.abc import Sequence
from functools import partial

from tokenry.domain.accounts import Actor
from tokenry.domain.callers import require_inspector
from tokenry.domain.checks import Circumstances
from tokenry.domain.explanation import Step, explain
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import Peppers
from tokenry.service.acting import get_reader
from tokenry.service.transactions import Transactions
from tokenry.storage.explanation import find_trace


class Explanations:
    """The use cases of an explanation. Nothing is changed, and none counts as a use of the token."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    def explain_token(
        self, actor: Actor, text: str, *, needed: Scopes = NOTHING, address: str | None = None
    ) -> Sequence[Step]:
        """Explain a token of the actor's account; any other is unknown. Raises Forbidden."""
        now = self._transactions.now()
        circumstances = Circumstances(now.timestamp(), address, needed)
        with self._transactions.read() as connection:
            require_inspector(get_reader(connection, actor))
            find = partial(find_trace, connection, now=now, account_id=actor.account_id)
            return [*explain(text, find, self._peppers, circumstances)]

    def explain_any_token(self, text: str, *, needed: Scopes = NOTHING, address: str | None = None) -> Sequence[Step]:
        """Explain anybody's token, as the operator."""
        now = self._transactions.now()
        circumstances = Circumstances(now.timestamp(), address, needed)
        with self._transactions.read() as connection:
            find = partial(find_trace, connection, now=now)
            return [*explain(text, find, self._peppers, circumstances)]
