"""Refresh tokens (RFC 6749 section 6): each is used once, for the next one and an access token beside it.

One that is used again was stolen, by whoever comes first or second: nobody can tell, so its grant ends (RFC 9700
section 4.14.2). There is no grace for an answer that got lost: docs/decisions/0042.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.events import GrantRefreshed
from tokenry.domain.grants import Grant, PresentedRefresh
from tokenry.domain.oauth import GrantType, OAuthError, OAuthRefusal
from tokenry.domain.secrets import REFRESH, Peppers, Secret
from tokenry.service.grants.checking import choose_audience, choose_scopes, narrow, require_grant_type, require_key
from tokenry.service.grants.ending import end_grant
from tokenry.service.grants.issuing import Issued, allowed_scopes, issue, keep_parties
from tokenry.service.policy import policy_in_force
from tokenry.service.presented import find_presented
from tokenry.service.transactions import Transactions
from tokenry.storage import grants as stored
from tokenry.storage.database import retried

REUSED = "the refresh token was presented again"
"""Why a grant ended, in the audit."""


class RefreshTokens:
    """The use case of a client whose access token is about to expire."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    def refresh(self, origin: Origin, client: Client, presented: PresentedRefresh) -> Issued:
        """Give a client, which has proved who it is, the next tokens of its grant. Raises OAuthRefusal.

        Its access tokens from before live on until they expire: requests are under way with them, and they may be for
        another audience. Presented again, a refresh token ends the grant: that is committed, although the answer is a
        refusal.
        """
        require_grant_type(client, GrantType.REFRESH_TOKEN)
        require_key(client, presented.jkt)
        issued = self._refresh(origin, client, presented)
        if issued is None:
            raise _refused("The refresh token was used before: its grant has ended.")
        return issued

    def find_live(self, client: Client, text: str) -> tuple[Grant, datetime] | None:
        """The grant of a client's refresh token that could be used, and until when."""
        with self._transactions.read() as connection:
            found = self._find(connection, text, client)
        if found is None or found.token.used or self._transactions.now() >= found.token.expiry:
            return None
        return found.grant, found.token.expiry

    @retried
    def _refresh(self, origin: Origin, client: Client, presented: PresentedRefresh) -> Issued | None:
        """Use a refresh token, or end the grant of one that was used; then there is nothing."""
        with self._transactions.change(origin) as change, policy_in_force(change) as policy:
            _, _, grant = self._get(change.connection, presented.text, client)
            _require_same_key(grant, client, presented.jkt)
            user = keep_parties(change, grant.user_id, client)
            app = stored.lock_app(change.connection, user_id=user.id, oauth_client_id=client.id)
            # Again: it may have ended just now.
            secret, token, grant = self._get(change.connection, presented.text, client)
            if app is None or app.id != grant.app_id or change.now >= token.expiry:
                raise _refused("The refresh token expired, or the user does not let the client in any more.")
            if token.used:
                end_grant(change, grant.id, reason=REUSED)
                return None
            scopes = narrow(choose_scopes(presented.scopes, grant.scopes), allowed_scopes(policy, user, client))
            audience = choose_audience(presented.audience, grant.audience)
            if not stored.use_refresh_token(change.connection, secret.preview, change.now):
                end_grant(change, grant.id, reason=REUSED)
                return None
            change.record(GrantRefreshed(user.id, app.id, grant.id, scopes))
            if grant.jkt is None and presented.jkt is not None and client.public:
                stored.bind_grant(change.connection, grant.id, presented.jkt)
            given = replace(grant, scopes=scopes, audience=audience, jkt=presented.jkt)
            return issue(change, self._peppers, given, client.label, refreshes=True)

    def _get(self, connection: Connection, text: str, client: Client) -> "_Found":
        found = self._find(connection, text, client)
        if found is None:
            raise _refused("The refresh token is unknown, has ended, or was given to another client.")
        return found

    def _find(self, connection: Connection, text: str, client: Client) -> "_Found | None":
        found = find_presented(self._peppers, client, text, REFRESH, partial(stored.find_refresh_token, connection))
        grant = None if found is None else stored.find_grant(connection, found[1].grant_id)
        return None if found is None or grant is None else _Found(*found, grant)


class _Found(NamedTuple):
    """A token of a client's, which may have been used, and its grant, which has not ended."""

    secret: Secret
    token: stored.Presentable
    grant: Grant


def _require_same_key(grant: Grant, client: Client, jkt: str | None) -> None:
    """Refuse who refreshes without the key that a grant is bound to (RFC 9449 section 5). Raises OAuthRefusal.

    A client that proves who it is may bind its next tokens to another key, but not to none.
    """
    if grant.jkt is not None and (jkt is None or (client.public and jkt != grant.jkt)):
        raise _refused("The DPoP proof is not of the key that the grant is bound to.")


def _refused(description: str) -> OAuthRefusal:
    return OAuthRefusal(OAuthError.INVALID_GRANT, description)
