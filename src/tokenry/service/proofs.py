"""Proofs that count once, on every worker and every host (RFC 9449 section 11.1)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tokenry.service.transactions import Transactions
from tokenry.storage.assertions import see_assertion, see_bound_assertion
from tokenry.storage.database import retried
from tokenry.storage.grants import find_keys


class Proofs:
    """The use cases of a proof that came with a token, or with a request for one."""

    def __init__(self, transactions: Transactions) -> None:
        self.transactions = transactions

    @retried
    def see_proof(self, preview: str, jkt: str, digest: bytes, expiry: datetime) -> bool:
        """Note a proof by the key `jkt`; whether the token is bound to that key, and this is the first time."""
        with self.transactions.database.write() as connection:
            return see_bound_assertion(connection, preview, jkt, digest, expiry)

    @retried
    def see_first_proof(self, digest: bytes, expiry: datetime) -> bool:
        """Note a proof that came before any token; whether this is the first time."""
        with self.transactions.database.write() as connection:
            return see_assertion(connection, digest, expiry)

    def find_keys(self, previews: Sequence[str]) -> Mapping[str, str]:
        """The thumbprints of the keys that access tokens are bound to, by preview; those that ended are left out."""
        with self.transactions.read() as connection:
            return find_keys(connection, previews)
