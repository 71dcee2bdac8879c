"""Clients that are a document: their id is its address (draft-ietf-oauth-client-id-metadata-document).

Such a client is known from the first request that names it on. The document is believed for an hour, and fetched by
few at a time; what could not be fetched is not asked for again at once.
"""

import json
import threading
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.exc import IntegrityError

from tokenry.domain.accounts import Origin
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import NO_CLIENT, ClientChange
from tokenry.domain.errors import Fault, Invalid, Unavailable
from tokenry.domain.oauth import OAuthRefusal
from tokenry.domain.redirects import redirect_faults
from tokenry.domain.secrets import Peppers
from tokenry.fetching.reach import NotFetched, Reach
from tokenry.service.client_metadata import read_metadata
from tokenry.service.fetching import fetch_json
from tokenry.service.oauth_clients import add_client, claim_client, update_client
from tokenry.service.registration import FULL, SELF_REGISTERED_MAX, UNUSED_DAYS_MAX, keep_limits
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import oauth_clients as stored
from tokenry.storage.database import retried

BELIEVED_FOR = timedelta(hours=1)
FAILED_FOR = timedelta(minutes=1)
FAILED_MAX = 1000
DELETED = Fault("the client was deleted here")
FETCHES_MAX = 2
"""Of one process at a time: whoever names slow documents holds up no more threads."""


class Documents(StrEnum):
    """Whether a document is a client: never, one of the internet, or also one of this machine, by http."""

    OFF = "off"
    OPEN = "open"
    LOOPBACK = "loopback"


class ClientDocuments:
    """The use case of a client that names itself by an address."""

    def __init__(self, transactions: Transactions, peppers: Peppers, catalogue: Catalogue, mode: Documents) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._catalogue = catalogue
        self._mode = mode
        self._reach = Reach.INTERNET_AND_LOOPBACK if mode is Documents.LOOPBACK else Reach.INTERNET
        self._fetching = threading.BoundedSemaphore(FETCHES_MAX)
        self._failed: dict[str, datetime] = {}

    def learn(self, client_id: str) -> None:
        """Know a client from its document, if its id is the address of one. Raises Invalid if there is none."""
        if not self._may_be_document(client_id):
            return
        now = self._transactions.now()
        with self._transactions.read() as connection:
            until = stored.find_document_end(connection, client_id)
        if until is None or until <= now:
            self._store(client_id, self._fetch(client_id, now))

    def _may_be_document(self, client_id: str) -> bool:
        schemes = {Documents.OFF: (), Documents.OPEN: ("https://",), Documents.LOOPBACK: ("https://", "http://")}
        return client_id.startswith(schemes[self._mode])

    def _fetch(self, client_id: str, now: datetime) -> ClientChange:
        """Fetch what a client says of itself. Raises Invalid."""
        path = client_id.partition("://")[2].partition("/")[2]
        if redirect_faults(client_id) or "?" in client_id or not path:
            raise _refused("it is not an https address with a path, and without a query and a fragment")
        if now < self._failed.get(client_id, now):
            raise _refused("it could not be read a moment ago")
        if not self._fetching.acquire(blocking=False):
            raise _refused("others are being read: try again")
        try:
            return self._read(client_id, fetch_json(client_id, self._reach))
        except (NotFetched, OAuthRefusal) as failure:
            if len(self._failed) >= FAILED_MAX:
                self._failed.clear()
            self._failed[client_id] = now + FAILED_FOR
            raise _refused(str(failure)) from None
        finally:
            self._fetching.release()

    def _read(self, client_id: str, raw: bytes) -> ClientChange:
        """Read a document. A client that is one has no secret, since nobody could have told it one."""
        try:
            document = json.loads(raw.decode("utf-8"))
        except (ValueError, RecursionError):
            raise NotFetched("it is no JSON") from None
        if not isinstance(document, dict) or document.get("client_id") != client_id:
            raise NotFetched("its client_id is not its own address")
        wanted = read_metadata({"token_endpoint_auth_method": "none", **document}, self._catalogue)
        if wanted.settings["authentication"].has_secret or "client_secret" in document:
            raise NotFetched("a client that is a document can have no secret")
        return wanted

    @retried
    def _store(self, client_id: str, wanted: ClientChange) -> None:
        with self._transactions.change(Origin("metadata document")) as change:
            found = stored.find_client(change.connection, client_id)
            if found is None:
                self._add(change, client_id, wanted)
            else:
                before = claim_client(change.connection, client_id)
                update_client(change, before, keep_limits(before, wanted))
            stored.set_document_end(change.connection, client_id, change.now + BELIEVED_FOR)

    def _add(self, change: Change, client_id: str, wanted: ClientChange) -> None:
        faults = wanted.check(NO_CLIENT)
        if stored.was_registered(change.connection, client_id):
            faults = [DELETED]
        elif stored.count_without_account(change.connection) >= SELF_REGISTERED_MAX:
            faults = [FULL]
        if faults:
            raise _refused(faults[0].reason)
        prune_at = change.now + timedelta(days=UNUSED_DAYS_MAX)
        try:
            add_client(change, self._peppers, wanted, account_id=None, client_id=client_id, prune_at=prune_at)
        except IntegrityError as error:
            raise Unavailable("another browser came with the same client for the first time", collided=True) from error


def _refused(why: str) -> Invalid:
    return Invalid(Fault(f"The document of the client cannot be taken: {why}", "client_id"))
