"""Proofs that count once, on every worker and every host (RFC 9449 section 11.1)."""

from datetime import datetime

from tokenry.service.transactions import Transactions
from tokenry.storage.assertions import see_bound_assertion
from tokenry.storage.database import retried


class Proofs:
    """The use case of a proof that came with a token."""

    def __init__(self, transactions: Transactions) -> None:
        self.transactions = transactions

    @retried
    def see_proof(self, preview: str, jkt: str, digest: bytes, expiry: datetime) -> bool:
        """Note a proof by the key `jkt`; whether the token is bound to that key, and this is the first time."""
        with self.transactions.database.write() as connection:
            return see_bound_assertion(connection, preview, jkt, digest, expiry)
