"""Scopes that the operator took out of the catalogue: what clients were given with them ends."""

import time
from collections.abc import Sequence

from tokenry.domain.accounts import Origin
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.scopes import stored_scopes
from tokenry.service.grants.ending import end_grants
from tokenry.service.transactions import Transactions
from tokenry.storage import withdrawal as stored
from tokenry.storage.database import retried
from tokenry.storage.tokens import in_pieces

BATCH = 500
"""Grants that end in one transaction."""
WITHDRAWN = "a scope of it was taken out of the catalogue"
"""Why a grant ended, in the audit."""
_ORIGIN = Origin("scopes file")


def end_withdrawn(transactions: Transactions, catalogue: Catalogue) -> int:
    """End every grant of scopes that the catalogue has no more, and every code for them; how many grants.

    Some in each transaction. After an interruption, calling it again does the rest. Each start looks, also with a
    catalogue that was seen before: until it was started anew, another host may have given by its own.
    """
    with transactions.read() as connection:
        given = stored.list_given(connection, transactions.now())
    gone = [text for text in given if catalogue.cut(stored_scopes(text)) != stored_scopes(text)]
    ended = 0
    for texts in in_pieces(gone):
        _forget_codes(transactions, texts)
        while True:
            began = time.monotonic()
            found = _end_some(transactions, texts)
            if not found:
                break
            ended += found
            transactions.make_room(time.monotonic() - began)
    return ended


@retried
def _forget_codes(transactions: Transactions, texts: Sequence[str]) -> None:
    """Delete codes for one of these texts: apart from the grants, whose apps are locked before any code is."""
    with transactions.change(_ORIGIN) as change:
        stored.forget_codes_with(change.connection, texts)


@retried
def _end_some(transactions: Transactions, texts: Sequence[str]) -> int:
    """End some grants that have one of these texts; how many were found."""
    with transactions.change(_ORIGIN) as change:
        grant_ids = stored.lock_grants_with(change.connection, texts, change.now, limit=BATCH)
        end_grants(change, grant_ids, reason=WITHDRAWN)
        return len(grant_ids)
