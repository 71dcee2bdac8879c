"""Revoking leaked tokens: anybody who holds a token's text may report it, and then nobody can use it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.details import Reason
from tokenry.domain.events import TokenRevoked
from tokenry.domain.secrets import Peppers, Secret
from tokenry.service.revocation import revoke_exchanged
from tokenry.service.transactions import Transactions
from tokenry.storage.database import retried
from tokenry.storage.leaks import Opener, find_openers
from tokenry.storage.notices import note_leaked
from tokenry.storage.tokens import revoke_token
from tokenry.storage.users import lock_owners

REPORTER = "leak report"
"""Who revoked a token, in its details and the audit."""


class Leaks:
    """The use case of a leak report."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers
        # Compared with where nothing was found, so that this takes as long.
        self._nothing = Opener(0, bytes(32), peppers.generation)

    def revoke_reported(self, texts: Sequence[str], address: str | None) -> int:
        """Revoke every token that one of these texts opens; how many. Any text is fine, and no answer must tell which.

        Texts of the right shape take the same steps whether or not there are such tokens: one look-up for all of them,
        and a digest each. Only for a secret that opens something, which nobody guesses, is anything written.
        """
        secrets = {text: secret for text in texts if (secret := Secret.parse(text)) is not None}
        with self._transactions.read() as connection:
            leaked = self._opening(connection, [*secrets.values()], self._transactions.now())
        if not leaked:
            return 0
        origin = Origin(REPORTER, address=address, reason=Reason.LEAKED)
        return sum(self._revoke(origin, leaked[token_id], token_id) for token_id in sorted(leaked))

    def _opening(self, connection: Connection, secrets: Sequence[Secret], now: datetime) -> Mapping[int, Secret]:
        """The secrets among these that open a token, by its id."""
        openers = find_openers(connection, {secret.preview for secret in secrets}, now)
        opening = {}
        for secret in secrets:
            opener = openers.get(secret.preview, self._nothing)
            if self._peppers.opens(secret, opener.digest, opener.pepper_generation):
                opening[opener.token_id] = secret
        return opening

    @retried
    def _revoke(self, origin: Origin, secret: Secret, token_id: int) -> bool:
        """Revoke one token. Each in its own transaction: users of several accounts have no order to be locked in."""
        with self._transactions.change(origin) as change:
            lock_owners(change.connection, [token_id])
            # Once more, since a secret may have been rotated away meanwhile: its token did not leak.
            if token_id not in self._opening(change.connection, [secret], change.now):
                return False
            revoked = revoke_token(
                change.connection, token_id, now=change.now, revoked_by=origin.name, reason=origin.reason
            )
            if revoked:
                change.record(TokenRevoked(token_id, reported=secret.preview, reason=origin.reason))
                revoke_exchanged(change, [token_id])
                note_leaked(change.connection, token_id, change.now)
            return revoked
