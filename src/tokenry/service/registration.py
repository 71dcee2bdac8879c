"""Clients that register themselves (RFC 7591), and manage their own registration (RFC 7592)."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.clients import NO_CLIENT, Client, ClientChange
from tokenry.domain.errors import Fault, Invalid, Unauthorized, raise_faults
from tokenry.domain.secrets import REGISTRATION, Peppers, Secret
from tokenry.service.acting import get_writer
from tokenry.service.oauth_clients import add_client, claim_client, remove_client, require_room, update_client
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import oauth_clients as stored
from tokenry.storage.accounts import lock_account
from tokenry.storage.database import retried

SELF_REGISTERED_MAX = 10_000
"""Of all clients that are of no account: strangers fill no disk."""
UNUSED_DAYS_MAX = 7
"""After which a client that nobody was asked to let in is deleted."""
FULL = Fault("No more clients can register themselves now: ask the operator")


class Registration(StrEnum):
    """Whether clients may register themselves: not at all, with an administrator's token, or all."""

    OFF = "off"
    TOKEN = "token"  # noqa: S105 - a word
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Registered:
    """A client that has registered itself: its secret, if it has one, and what opens its registration later."""

    client: Client
    secret: Secret | None
    access: Secret


class Registrations:
    """The use cases of a client with its own registration."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    @retried
    def register(self, origin: Origin, wanted: ClientChange) -> Registered:
        """Register a client: of the account of the administrator who acts, or of none. Raises Forbidden, Invalid."""
        with self._transactions.change(origin) as change:
            raise_faults(wanted.check(NO_CLIENT))
            account_id = self._require_place(change)
            client, secret = add_client(
                change,
                self._peppers,
                wanted,
                account_id=account_id,
                prune_at=change.now + timedelta(days=UNUSED_DAYS_MAX),
            )
            access = Secret.generate(kind=REGISTRATION)
            digest = self._peppers.digest(access)
            stored.set_registration(change.connection, client.id, preview=access.preview, digest=digest)
            return Registered(client, secret, access)

    def get_registration(self, client_id: str, text: str) -> Client:
        """Read what a client has registered. Raises Unauthorized."""
        with self._transactions.read() as connection:
            return self._find(connection, client_id, text)

    @retried
    def update_registration(self, origin: Origin, client_id: str, text: str, wanted: ClientChange) -> Client:
        """Register something else in its place: what limits the client by now stays. Raises Unauthorized, Invalid."""
        with self._transactions.change(origin) as change:
            before = self._claim(change, client_id, text)
            return update_client(change, before, keep_limits(before, wanted))

    @retried
    def delete_registration(self, origin: Origin, client_id: str, text: str) -> None:
        """Delete the client, and end all that it was let in for. Raises Unauthorized."""
        with self._transactions.change(origin) as change:
            remove_client(change, self._claim(change, client_id, text))

    def _require_place(self, change: Change) -> int | None:
        """Of which account the client is to be. Raises Forbidden, Invalid where there are too many."""
        if change.origin.actor is not None:
            account_id = change.actor.account_id
            lock_account(change.connection, account_id)
            require_administrator(get_writer(change))
            require_room(change.connection, account_id)
            return account_id
        if stored.count_without_account(change.connection) >= SELF_REGISTERED_MAX:
            raise Invalid(FULL)
        return None

    def _claim(self, change: Change, client_id: str, text: str) -> Client:
        self._find(change.connection, client_id, text)
        claim_client(change.connection, client_id)
        return self._find(change.connection, client_id, text)

    def _find(self, connection: Connection, client_id: str, text: str) -> Client:
        access = Secret.parse(text, (REGISTRATION.prefix,))
        found = None if access is None else stored.find_registration(connection, client_id, access.preview)
        if access is None or found is None or not self._peppers.opens(access, found[1], self._peppers.generation):
            raise Unauthorized
        return found[0]


def keep_limits(before: Client, wanted: ClientChange) -> ClientChange:
    """What a client wants to be, within the limits that it has: an operator may have set them since it registered."""
    rights = before.rights
    settings = {
        **wanted.settings,
        "scopes": rights.scopes,
        "dpop_required": rights.dpop_required or wanted.settings.get("dpop_required", False),
        "par_required": rights.par_required or wanted.settings.get("par_required", False),
    }
    return replace(wanted, settings=settings)
