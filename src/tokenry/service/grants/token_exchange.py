"""Token exchange (RFC 8693): a client has an access token, and gets one that may do less, to pass on or to act with.

What it gets stands in the grant of the token that it had, and ends with it; also with that token alone, and with the
client that it was given to.
"""

from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.events import TokenExchanged
from tokenry.domain.grants import Grant
from tokenry.domain.oauth import GrantType, OAuthError, OAuthRefusal
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import ACCESS, Peppers, Secret
from tokenry.service.grants.checking import choose_audience, choose_scopes, narrow, require_grant_type, require_key
from tokenry.service.grants.issuing import Issued, allowed_scopes, issue, keep_parties
from tokenry.service.policy import policy_in_force
from tokenry.service.transactions import Transactions
from tokenry.storage import grants as stored
from tokenry.storage.database import retried
from tokenry.storage.tokens import Source, keep_open


@dataclass(frozen=True, slots=True)
class PresentedSubject:
    """An access token that a client was given or was sent, and what is asked for it: all that it has, or less.

    An empty audience is this service. `jkt` is of the key that the client proved to have.
    """

    text: str = field(repr=False)
    scopes: Scopes | None = None
    audience: tuple[str, ...] | None = None
    jkt: str | None = None


class TokenExchange:
    """The use case of a client that passes on less than it has."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    @retried
    def exchange_token(self, origin: Origin, client: Client, presented: PresentedSubject) -> Issued:
        """Give a client, which has proved who it is, a token for no more, nobody else and no longer.

        It has to have one of its own, or one that is for its website, which the operator has verified. No refresh token
        comes with it: whoever has the first token may exchange it again. Raises OAuthRefusal.
        """
        require_grant_type(client, GrantType.TOKEN_EXCHANGE)
        require_key(client, presented.jkt)
        if client.public:
            raise OAuthRefusal(OAuthError.UNAUTHORIZED_CLIENT, "The client has no proof of who it is.")
        secret = Secret.parse(presented.text, (ACCESS.prefix,))
        if secret is None:
            raise _refused()
        with self._transactions.change(origin) as change, policy_in_force(change) as policy:
            subject, grant = self._get(change.connection, secret, client)
            user = keep_parties(change, grant.user_id, client)
            if stored.lock_app_of(change.connection, grant.id) is None:
                raise _refused()
            scopes = narrow(choose_scopes(presented.scopes, subject.scopes), allowed_scopes(policy, user, client))
            given = replace(
                grant,
                client_id=client.client_id,
                scopes=scopes,
                audience=choose_audience(presented.audience, subject.audience),
                jkt=presented.jkt,
                expiry=min(subject.expiry, grant.expiry),
            )
            if keep_open(change.connection, secret.preview, now=change.now) is None:
                raise _refused()
            change.record(TokenExchanged(user.id, grant.app_id, grant.id, client.client_id, scopes))
            source = Source(grant.id, subject.token_id, client.id)
            return issue(change, self._peppers, given, client.label, refreshes=False, source=source)

    def _get(self, connection: Connection, secret: Secret, client: Client) -> tuple[stored.AccessToken, Grant]:
        """Find the token and its grant, or refuse in the same words whatever it lacks."""
        now = self._transactions.now()
        token = stored.find_access_token(connection, secret.preview, now)
        grant = None if token is None else stored.find_grant(connection, token.grant_id)
        if (
            token is None
            or grant is None
            or not self._peppers.opens(secret, token.digest, token.pepper_generation)
            or not (token.client_id == client.client_id or client.stands_at(token.audience))
        ):
            raise _refused()
        return token, grant


def _refused() -> OAuthRefusal:
    """RFC 8693 section 2.2.2."""
    return OAuthRefusal(
        OAuthError.INVALID_REQUEST,
        "The subject_token is no access token without a key that is valid, and the client's own or for its website.",
    )
