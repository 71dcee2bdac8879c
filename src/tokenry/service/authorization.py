"""What stands behind `/oauth/authorize`: a client asks, a user decides, and the client is sent what it asked for.

Everything that is decided is judged again in the transaction that acts: who is signed in, the client, the request, and
whether what the user agreed to is what was shown.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import Connection

from tokenry.domain.authorization import (
    Answer,
    AuthorizationRequest,
    RefusedToClient,
    ResponseType,
    read_client_id,
    read_parameters,
    read_request,
)
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Client
from tokenry.domain.codes import NewCode
from tokenry.domain.errors import Conflict, Fault, Invalid
from tokenry.domain.grants import App, NewGrant
from tokenry.domain.oauth import (
    ACCESS_LIFETIME_SECONDS,
    GRANT_LIFETIME_SECONDS,
    GrantType,
    OAuthError,
    OAuthRefusal,
)
from tokenry.domain.policy import Policy
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import Peppers
from tokenry.domain.sessions import Session
from tokenry.domain.users import User
from tokenry.service.documents import ClientDocuments
from tokenry.service.grants.authorization_code import begin_code
from tokenry.service.grants.issuing import allow_app, allowed_scopes, begin_grant, issue
from tokenry.service.policy import policy_in_force
from tokenry.service.pushed_requests import PushedRequests, use_up
from tokenry.service.sessions import require_session
from tokenry.service.transactions import Change, Transactions
from tokenry.storage.database import retried
from tokenry.storage.grants import list_granted
from tokenry.storage.oauth_clients import find_client, keep_client
from tokenry.storage.policy import get_policy
from tokenry.storage.pushed_requests import PushedRequest

UNKNOWN = Fault("No application of this name is registered here", "client_id")


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    """A request that a browser came with: of which client, and where it was left if it was pushed."""

    client: Client
    request: AuthorizationRequest
    pushed: PushedRequest | None = None

    @property
    def refreshes(self) -> bool:
        """Whether a refresh token comes of it."""
        return self.request.response_type is ResponseType.CODE and self.client.refreshes


@dataclass(frozen=True, slots=True)
class Review:
    """What a user is to decide on.

    `offered` is what of it the user can give, `consented` whether the user has agreed to as much before, and will not
    be asked; `lifetime` is how long it lasts at most.
    """

    asked: OpenedRequest
    user: User
    offered: Scopes
    consented: bool
    lifetime: timedelta

    @property
    def fingerprint(self) -> str:
        """Tells this from everything else that could be asked: what is agreed to has to be what was shown."""
        client, request = self.asked.client, self.asked.request
        shown = (
            (self.user.id, client.id, client.label, client.website, client.verified, client.rights.narrowing),
            (self.offered.sorted_text, request.audience, self.lifetime, request.response_type),
            (request.destination, request.redirect_uri, request.code_challenge, request.jkt),
        )
        return sha256(repr(shown).encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Consent:
    """What a user agreed to: on which page, by its fingerprint, and for which of the scopes; None for all of them."""

    fingerprint: str
    scopes: Scopes | None = None


class Changed(Conflict):
    """What is asked for is no longer what the user was shown, or what was agreed to before: it has to be shown."""

    def __init__(self) -> None:
        super().__init__(Fault("What the application asks for has changed meanwhile: look at it again"))


class Authorizations:
    """The use cases of an authorization request."""

    def __init__(
        self,
        transactions: Transactions,
        peppers: Peppers,
        catalogue: Catalogue,
        pushed: PushedRequests,
        documents: ClientDocuments,
        *,
        own_addresses: Collection[str] = (),
    ) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._catalogue = catalogue
        self._pushed = pushed
        self._documents = documents
        self._own_addresses = own_addresses

    def open_request(self, query: str) -> OpenedRequest:
        """Read what a browser came with. Raises Invalid, for a page, or RefusedToClient."""
        self._documents.learn(read_client_id(read_parameters(query)))
        with self._transactions.read() as connection:
            asked = self._read(connection, query)
        if asked.pushed is not None:
            self._pushed.await_decision(asked.pushed)
        return asked

    def review(self, user: User, asked: OpenedRequest) -> Review:
        """Say what there is for a user to decide. Raises RefusedToClient if that is nothing."""
        with self._transactions.read() as connection:
            return self._review(connection, user, asked, get_policy(connection).by(self._catalogue.implied))

    @retried
    def allow(self, session: Session, address: str | None, query: str, consent: Consent | None = None) -> Answer:
        """Let a client in, and say what it is sent. Without a consent the user has to have agreed before.

        Raises Unauthorized if the session has ended, Changed, Invalid, RefusedToClient.
        """
        with self._transactions.change(session.origin(address)) as change:
            user = require_session(change, session)
            if not keep_client(change.connection, self._read(change.connection, query).client.id):
                raise Invalid(UNKNOWN)
            with policy_in_force(change) as policy:
                # Read again: until the client was kept, its registration could still change.
                asked = self._read(change.connection, query)
                review = self._review(change.connection, user, asked, policy)
                scopes = _agreed_scopes(review, consent)
                if asked.pushed is not None:
                    use_up(change.connection, asked.pushed)
                app = allow_app(change, user, asked.client, scopes)
                return Answer(asked.request.destination, self._issue(change, asked, app, scopes, policy))

    @retried
    def refuse(self, asked: OpenedRequest, refusal: OAuthRefusal) -> Answer:
        """Say what the client is sent instead. Raises Invalid if that has been decided already."""
        if asked.pushed is not None:
            with self._transactions.database.write() as connection:
                use_up(connection, asked.pushed)
        return Answer.of(asked.request.destination, refusal)

    def _read(self, connection: Connection, query: str) -> OpenedRequest:
        parameters = read_parameters(query)
        client = find_client(connection, read_client_id(parameters))
        if client is None or client.disabled is not None:
            raise Invalid(UNKNOWN)
        request_uri = parameters.get("request_uri", ())
        if len(request_uri) > 1:
            raise Invalid(Fault("Must be sent only once", "request_uri"))
        if request_uri:
            pushed = self._pushed.get_pushed(connection, client, request_uri[0])
            request = read_request(pushed.parameters, client, self._catalogue, self._own_addresses)
            return OpenedRequest(client, request, pushed)
        request = read_request(parameters, client, self._catalogue, self._own_addresses)
        if client.rights.par_required:
            refusal = OAuthRefusal(OAuthError.INVALID_REQUEST, "The client has to push its requests first (PAR).")
            raise RefusedToClient(request.destination, refusal)
        return OpenedRequest(client, request)

    def _review(self, connection: Connection, user: User, asked: OpenedRequest, policy: Policy) -> Review:
        wanted = self._wanted_scopes(asked)
        offered = wanted.within(allowed_scopes(policy, user, asked.client))
        if offered == NOTHING:
            refusal = OAuthRefusal(OAuthError.INVALID_SCOPE, "The user can give the client none of the scopes.")
            raise RefusedToClient(asked.request.destination, refusal)
        return Review(
            asked, user, offered, self._is_consented(connection, user, asked, offered), _lifetime(asked, policy)
        )

    def _wanted_scopes(self, asked: OpenedRequest) -> Scopes:
        """What a client asks for. Of those that it was registered for and does not name: all but everything."""
        if asked.request.scopes is not None:
            return asked.request.scopes
        registered = asked.client.rights.scopes
        if registered.everything:
            refusal = OAuthRefusal(
                OAuthError.INVALID_SCOPE, "scope must be sent: the client is registered for everything."
            )
            raise RefusedToClient(asked.request.destination, refusal)
        return registered.within(self._catalogue.read(" ".join(self._catalogue.scopes)))

    def _is_consented(self, connection: Connection, user: User, asked: OpenedRequest, offered: Scopes) -> bool:
        """Whether a user agreed to as much before, for the same audience, and there is no doubt who asks.

        A public client proves nothing, and any program of the user's machine can be sent a code at an address that is
        not https (RFC 8252 section 8.6): there the user is asked each time.
        """
        if asked.client.public and not asked.request.destination.is_claimed:
            return False
        granted = list_granted(
            connection,
            user_id=user.id,
            oauth_client_id=asked.client.id,
            audience=asked.request.audience,
            now=self._transactions.now(),
        )
        return any(scopes.covers(offered) for scopes in granted)

    def _issue(
        self, change: Change, asked: OpenedRequest, app: App, scopes: Scopes, policy: Policy
    ) -> Mapping[str, str]:
        request = asked.request
        if request.response_type is ResponseType.CODE:
            new = NewCode(request.redirect_uri, scopes, request.audience, request.code_challenge, request.jkt)
            return {"code": begin_code(change, self._peppers, app.id, new).reveal()}
        new_grant = NewGrant(GrantType.IMPLICIT, scopes, request.audience)
        grant = begin_grant(change, app, asked.client, new_grant, policy)
        issued = issue(change, self._peppers, grant, asked.client.label, refreshes=False)
        return {
            "access_token": issued.access.reveal(),
            "token_type": "bearer",
            "expires_in": str(issued.expires_in),
            "scope": str(scopes),
        }


def _agreed_scopes(review: Review, consent: Consent | None) -> Scopes:
    """What is to be given. Raises Changed, and Invalid for more than was shown."""
    if consent is None:
        if not review.consented:
            raise Changed
        return review.offered
    if consent.fingerprint != review.fingerprint:
        raise Changed
    if consent.scopes is None:
        return review.offered
    if not review.asked.client.rights.narrowing or not review.offered.covers(consent.scopes):
        raise Invalid(Fault("Must be of those that were offered", "scope"))
    if consent.scopes == NOTHING:
        raise Invalid(Fault("Choose what the application may do, or cancel", "scope"))
    return consent.scopes


def _lifetime(asked: OpenedRequest, policy: Policy) -> timedelta:
    """How long a client has what it is given, if it uses it as it may."""
    lifetime = timedelta(seconds=GRANT_LIFETIME_SECONDS if asked.refreshes else ACCESS_LIFETIME_SECONDS)
    return lifetime if policy.lifetime_max is None else min(lifetime, policy.lifetime_max)
