"""Clients give back what they were given (RFC 7009)."""

from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.domain.secrets import ACCESS, BOUND_ACCESS, REFRESH, Peppers, Secret
from tokenry.service.grants.ending import end_grant
from tokenry.service.revocation import revoke_these
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import grants as stored
from tokenry.storage.database import retried


class ClientRevocations:
    """The use case of a client that needs a token no longer."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    @retried
    def revoke_presented(self, origin: Origin, client: Client, text: str) -> bool:
        """Revoke what a text opens, for a client, which has proved who it is; whether there was anything.

        A refresh token takes along all that its authorization brought; an access token does so for clients of the wire
        format, which have no PKCE either: they know no other way to sign a user out (RFC 7009 section 2.1 allows it).
        But what it was given for another token takes along only what was given for itself.

        Raises OAuthRefusal for what was given to another client: who holds its text could as well use it.
        """
        secret = Secret.parse(text, (REFRESH.prefix, ACCESS.prefix, BOUND_ACCESS.prefix))
        if secret is None:
            return False
        with self._transactions.change(origin) as change:
            found = self._find(change, secret, client)
            if found is None:
                return False
            grant_id, token_id, client_id = found
            if client_id != client.client_id:
                raise OAuthRefusal(OAuthError.UNAUTHORIZED_CLIENT, "The token was given to another client.")
            if stored.lock_app_of(change.connection, grant_id) is None:
                return False
            if token_id is not None:
                return bool(revoke_these(change, [token_id]))
            return end_grant(change, grant_id)

    def _find(self, change: Change, secret: Secret, client: Client) -> tuple[int, int | None, str] | None:
        """What a secret opens: a grant, or one access token of it by its id, and whose it is."""
        connection = change.connection
        if secret.kind is REFRESH:
            token = stored.find_refresh_token(connection, secret.preview)
            grant = None if token is None else stored.find_grant(connection, token.grant_id)
            if token is None or grant is None or not self._opens(secret, token.digest, token.pepper_generation):
                return None
            return grant.id, None, grant.client_id
        access = stored.find_access_token(connection, secret.preview, change.now)
        if access is None or not self._opens(secret, access.digest, access.pepper_generation):
            return None
        takes_all = access.subject_id is None and not client.rights.pkce_required
        return access.grant_id, None if takes_all else access.token_id, access.client_id

    def _opens(self, secret: Secret, digest: bytes, generation: int) -> bool:
        return self._peppers.opens(secret, digest, generation)
