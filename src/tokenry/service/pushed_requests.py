"""Authorization requests that clients leave here, before they send the user's browser (RFC 9126)."""

from collections.abc import Collection
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from tokenry.domain.authorization import Parameters, RefusedToClient, kept_parameters, read_request
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Client
from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.oauth import PUSHED_DECISION_SECONDS, PUSHED_LIFETIME_SECONDS, OAuthError, OAuthRefusal
from tokenry.domain.secrets import PUSHED, Peppers, Secret
from tokenry.service.presented import find_presented
from tokenry.service.transactions import Transactions
from tokenry.storage import pushed_requests as stored
from tokenry.storage.database import retried
from tokenry.storage.pushed_requests import PushedRequest

REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
_GONE = Fault("Is unknown, was used, or has expired: begin anew, at the application", "request_uri")


class PushedRequests:
    """What becomes of a request that was left here: a browser comes with it in time, and its user decides, once."""

    def __init__(
        self, transactions: Transactions, peppers: Peppers, catalogue: Catalogue, own_addresses: Collection[str] = ()
    ) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._catalogue = catalogue
        self._own_addresses = own_addresses

    @retried
    def push_request(self, client: Client, parameters: Parameters) -> str:
        """Keep what a client, which has proved who it is, will ask for; the request_uri to ask by.

        It is judged as if a browser had come with it. Raises Invalid, OAuthRefusal.
        """
        if "request_uri" in parameters:
            raise OAuthRefusal(OAuthError.INVALID_REQUEST, "request_uri must not be pushed.")
        try:
            read_request(parameters, client, self._catalogue, self._own_addresses)
        except RefusedToClient as refused:
            raise refused.refusal from None
        secret, now = Secret.generate(kind=PUSHED), self._transactions.now().replace(microsecond=0)
        with self._transactions.database.write() as connection:
            stored.insert_pushed_request(
                connection,
                kept_parameters(parameters),
                self._peppers.key(secret),
                oauth_client_id=client.id,
                created=now,
                expiry=now + timedelta(seconds=PUSHED_LIFETIME_SECONDS),
            )
        return f"{REQUEST_URI}{secret.reveal()}"

    def get_pushed(self, connection: Connection, client: Client, request_uri: str) -> PushedRequest:
        """The request that a browser comes with, in a transaction of the caller's. Raises Invalid."""
        text, find = request_uri.removeprefix(REQUEST_URI), partial(stored.find_pushed_request, connection)
        _, found = find_presented(self._peppers, client, text, PUSHED, find) or (None, None)
        if found is None or found.expiry <= self._transactions.now():
            raise Invalid(_GONE)
        return found

    @retried
    def await_decision(self, request: PushedRequest) -> None:
        """Keep a request with which a browser has come in time for as long as its user may take."""
        expiry = request.created + timedelta(seconds=PUSHED_DECISION_SECONDS)
        if request.expiry < expiry:
            with self._transactions.database.write() as connection:
                stored.extend_pushed_request(connection, request.preview, expiry)


def use_up(connection: Connection, request: PushedRequest) -> None:
    """Take the decision on a request, in a transaction of the caller's. Raises Invalid if another has taken it."""
    if not stored.delete_pushed_request(connection, request.preview):
        raise Invalid(_GONE)
