"""Whether a user may call an operation at all: asked before anything that is wrong with the request."""

from tokenry.domain.accounts import Actor
from tokenry.domain.callers import RULES, Callers
from tokenry.domain.errors import Forbidden
from tokenry.service.acting import get_reader
from tokenry.service.transactions import Transactions


class Admission:
    """Judges callers by the column of the route tables.

    A use case judges again inside its own transaction, where a change of the user's rights in between would matter.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def admit(self, actor: Actor, callers: Callers) -> None:
        """Raise Forbidden for a user who is none of these callers, Unauthorized for one who is gone.

        Who is an administrator verification has told; for PARENTS the database is asked.
        """
        rule = RULES.get(callers)
        if callers is Callers.ADMINISTRATORS:
            if not actor.admin:
                raise Forbidden
        elif rule is not None:
            with self._transactions.read() as connection:
                rule(get_reader(connection, actor))
