"""Revoking what leaked: whoever holds a token's text may report it, and then nobody can use it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.secrets import Peppers, Secret
from tokenry.storage import audit
from tokenry.storage.database import Database, retried
from tokenry.storage.leaks import Opener, find_openers
from tokenry.storage.tokens import revoke_token
from tokenry.storage.users import hold_owners

REPORTER = "leak report"
"""Who revoked a token, in its details and the audit."""


class Leaks:
    """The use case of a leak report."""

    def __init__(self, database: Database, peppers: Peppers, now: Callable[[], datetime]) -> None:
        self._database = database
        self._peppers = peppers
        self._now = now
        # Compared with where nothing was found, so that this takes as long.
        self._nothing = Opener(0, bytes(32), peppers.generation)

    def revoke_reported(self, texts: Sequence[str], address: str | None) -> int:
        """Revoke every token that one of these texts opens; how many. Any text is fine, and no answer must tell which.

        Texts of the right shape take the same steps whether or not there are such tokens: one look-up for all of them,
        and a digest each. Only for a secret that opens something, which nobody guesses, is anything written.
        """
        secrets = {text: secret for text in texts if (secret := Secret.parse(text)) is not None}
        with self._database.read() as connection:
            leaked = self._opening(connection, [*secrets.values()])
        if not leaked:
            return 0
        return sum(self._revoke(leaked[token_id], token_id, address) for token_id in sorted(leaked))

    def _opening(self, connection: Connection, secrets: Sequence[Secret]) -> Mapping[int, Secret]:
        """The secrets among these that open a token, by its id."""
        openers = find_openers(connection, {secret.preview for secret in secrets}, self._now())
        opening = {}
        for secret in secrets:
            opener = openers.get(secret.preview, self._nothing)
            if self._peppers.opens(secret, opener.digest, opener.pepper_generation):
                opening[opener.token_id] = secret
        return opening

    @retried
    def _revoke(self, secret: Secret, token_id: int, address: str | None) -> bool:
        """Revoke one token. Each in its own transaction: they may be anybody's, whom no two of which may hold."""
        with self._database.write() as connection:
            hold_owners(connection, [token_id])
            # Once more, since a secret may have been rotated away meanwhile: its token did not leak.
            if token_id not in self._opening(connection, [secret]):
                return False
            now = self._now()
            revoked = revoke_token(connection, token_id, now=now, revoked_by=REPORTER)
            if revoked:
                audit.record(
                    connection,
                    origin=Origin(REPORTER, address=address),
                    at=now,
                    action="token.revoke",
                    subject=f"token:{token_id}",
                    details={"reported": secret.preview},
                )
            return revoked
