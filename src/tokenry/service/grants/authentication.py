"""Clients prove who they are (RFC 6749 section 2.3), before anything is done for them."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Authentication, Client, PresentedClient
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.domain.secrets import CLIENT_SECRET, Peppers, Secret
from tokenry.service.transactions import Transactions
from tokenry.storage.assertions import see_assertion
from tokenry.storage.database import retried
from tokenry.storage.oauth_clients import StoredSecret, find_client_secret


class ClientAuthentication:
    """Who a client is that asks for something at /oauth. `audiences` is what this service is called in assertions."""

    def __init__(
        self, transactions: Transactions, peppers: Peppers, catalogue: Catalogue, audiences: Collection[str] = ()
    ) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._catalogue = catalogue
        self._audiences = audiences
        self._nobody = Secret.generate(kind=CLIENT_SECRET)
        self._nobodys = StoredSecret(peppers.digest(Secret.generate(kind=CLIENT_SECRET)), peppers.generation)

    def authenticate(self, presented: PresentedClient) -> Client:
        """The enabled client that proved who it is, by the one way that it is registered for. Raises OAuthRefusal.

        It is told the same whatever was wrong, after the same work: so nobody learns which clients there are. Of the
        scopes that it was registered for it has those that the catalogue still has.
        """
        with self._transactions.read() as connection:
            client, stored = find_client_secret(connection, presented.client_id) or (None, None)
        is_right = self._is_right(presented.secret, stored)
        if client is None or client.disabled is not None or not _presents_as_registered(client, presented):
            raise _refused()
        if client.authentication.has_secret and not is_right:
            raise _refused()
        if client.authentication is Authentication.PRIVATE_KEY:
            self._use_assertion(client, presented)
        return replace(client, rights=replace(client.rights, scopes=self._catalogue.stored(str(client.rights.scopes))))

    def _is_right(self, text: str | None, stored: StoredSecret | None) -> bool:
        """Whether a text is a client's secret. A digest is compared in any case."""
        secret = Secret.parse(text or "", (CLIENT_SECRET.prefix,))
        opens = self._peppers.opens(secret or self._nobody, *(stored or self._nobodys))
        return opens and secret is not None and stored is not None

    def _use_assertion(self, client: Client, presented: PresentedClient) -> None:
        """Take a signed proof, which counts once. Raises OAuthRefusal."""
        from tokenry.service.grants.assertions import read_assertion  # noqa: PLC0415 - few clients have one

        assertion = read_assertion(client, presented, self._audiences, self._transactions.now())
        if assertion is None or not self._see(assertion.digest, assertion.expiry):
            raise _refused()

    @retried
    def _see(self, digest: bytes, expiry: datetime) -> bool:
        with self._transactions.database.write() as connection:
            return see_assertion(connection, digest, expiry)


def _presents_as_registered(client: Client, presented: PresentedClient) -> bool:
    return (presented.secret is not None, presented.assertion is not None) == (
        client.authentication.has_secret,
        client.authentication is Authentication.PRIVATE_KEY,
    )


def _refused() -> OAuthRefusal:
    return OAuthRefusal(OAuthError.INVALID_CLIENT, "The client is unknown, or did not prove who it is.")
