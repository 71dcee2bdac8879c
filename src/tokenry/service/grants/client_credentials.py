"""Clients that act for themselves (RFC 6749 section 4.4): as their service user, and within their registration."""

from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.grants import NewGrant
from tokenry.domain.oauth import GrantType, OAuthError, OAuthRefusal
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Peppers
from tokenry.service.grants.checking import choose_scopes, narrow, require_grant_type, require_key
from tokenry.service.grants.issuing import Issued, allow_app, allowed_scopes, begin_grant, issue, keep_parties
from tokenry.service.policy import policy_in_force
from tokenry.service.transactions import Transactions
from tokenry.storage.database import retried


class ClientCredentials:
    """The use case of a client that nobody has sent."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    @retried
    def issue(
        self,
        origin: Origin,
        client: Client,
        scopes: Scopes | None,
        audience: tuple[str, ...] = (),
        jkt: str | None = None,
    ) -> Issued:
        """Give a client, which has proved who it is, a token for itself: its proof is all it needs for the next one.

        Raises OAuthRefusal.
        """
        require_grant_type(client, GrantType.CLIENT_CREDENTIALS)
        require_key(client, jkt)
        if client.public or client.service_user_id is None:
            raise OAuthRefusal(OAuthError.UNAUTHORIZED_CLIENT, "The client cannot act for itself.")
        with self._transactions.change(origin) as change, policy_in_force(change) as policy:
            user = keep_parties(change, client.service_user_id, client)
            asked = choose_scopes(scopes, client.rights.scopes)
            new = NewGrant(
                GrantType.CLIENT_CREDENTIALS, narrow(asked, allowed_scopes(policy, user, client)), audience, jkt
            )
            app = allow_app(change, user, client, new.scopes)
            grant = begin_grant(change, app, client, new, policy, refreshes=False)
            return issue(change, self._peppers, grant, client.label, refreshes=False)
