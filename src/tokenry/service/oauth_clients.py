"""What administrators do with the OAuth clients of their account, and an operator with all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.clients import (
    CLIENTS_PER_ACCOUNT_MAX,
    NO_CLIENT,
    Client,
    ClientChange,
    chosen_id_faults,
    client_differences,
    face_of,
    loses_rights,
)
from tokenry.domain.errors import Fault, Invalid, NotFound, raise_faults
from tokenry.domain.events import (
    ClientCreated,
    ClientDeleted,
    ClientDisabled,
    ClientEnabled,
    ClientSecretReset,
    ClientUpdated,
    UserDisabled,
    UserEnabled,
)
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.secrets import CLIENT_SECRET, Peppers, Secret
from tokenry.service.acting import get_reader, get_writer, require_maker
from tokenry.service.grants.ending import end_client
from tokenry.service.idempotency import do_once
from tokenry.service.transactions import Change, Transactions
from tokenry.service.users import NO_RESERVATION, add_user, read_account, unique_names
from tokenry.storage import oauth_clients as stored
from tokenry.storage import users as stored_users
from tokenry.storage.accounts import lock_account
from tokenry.storage.database import retried

CLIENT_ID_BYTES = 10
FORGOTTEN_AFTER = timedelta(days=2)
"""After its deletion; what it was let in for is kept for one."""
BATCH = 1000
"""Clients that are read at once when all are wanted."""
_NO_SECRET = Fault("A client that does not prove itself by a secret has none", "authentication")


class AccountClients:
    """What an administrator does with the clients of the account."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    def list_clients(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[Client]:
        """List the account's clients. Raises Forbidden."""
        with self._transactions.read() as connection:
            require_administrator(get_reader(connection, actor))
            return stored.list_clients(connection, account_id=actor.account_id, request=request, filter=filter)

    def get_client(self, actor: Actor, client_id: str) -> Client:
        """Read one of the account's clients. Raises Forbidden, NotFound."""
        with self._transactions.read() as connection:
            require_administrator(get_reader(connection, actor))
            return _get_own(connection, actor, client_id)

    @retried
    def create_client(
        self, origin: Origin, wanted: ClientChange, request: KeyedRequest | None = None
    ) -> tuple[Client, Secret | None]:
        """Register a client, with a secret if it is confidential; repeat `request` and it is registered only once.

        Raises Forbidden, AlreadyMade; Invalid with every fault.
        """
        with self._transactions.change(origin) as change:
            account_id = change.actor.account_id
            lock_account(change.connection, account_id)
            require_administrator(get_writer(change))

            def make() -> tuple[Client, Secret | None]:
                raise_faults(wanted.check(NO_CLIENT))
                require_room(change.connection, account_id)
                return add_client(change, self._peppers, wanted, account_id=account_id)

            return do_once(change, request, make, lambda made: made[0].client_id)

    @retried
    def update_client(self, origin: Origin, client_id: str, wanted: ClientChange) -> Client:
        """Change what `wanted` names. Raises Forbidden, NotFound; Invalid with every fault."""
        with self._transactions.change(origin) as change:
            before = _claim_own(change, client_id)
            after = update_client(change, before, wanted)
            if any(getattr(before, name) != getattr(after, name) for name in ("rights", "authentication", "jwks")):
                _require_reach(change, after)
            return after

    @retried
    def reset_secret(
        self, origin: Origin, client_id: str, request: KeyedRequest | None = None
    ) -> tuple[Client, Secret]:
        """Give a client another secret, and repeat `request` and it is done only once; the one before proves nothing.

        Raises Forbidden, NotFound, AlreadyMade; Invalid for a client that has none.
        """
        with self._transactions.change(origin) as change:
            client = _claim_own(change, client_id)
            _require_reach(change, client)
            secret = do_once(
                change, request, lambda: give_secret(change, self._peppers, client), lambda _: client.client_id
            )
            return client, secret

    @retried
    def delete_client(self, origin: Origin, client_id: str) -> None:
        """Delete a client, and end all that it was let in for. Raises Forbidden, NotFound."""
        with self._transactions.change(origin) as change:
            remove_client(change, _claim_own(change, client_id))


class Clients:
    """What an operator does with the clients of all accounts, and with those of none."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    @retried
    def create_client(
        self,
        origin: Origin,
        wanted: ClientChange,
        *,
        client_id: str | None = None,
        account: str | None = None,
    ) -> tuple[Client, Secret | None]:
        """Register a client, under an id that is chosen or made up, for an account or none. Raises Invalid."""
        raise_faults(wanted.check(NO_CLIENT))
        raise_faults([] if client_id is None else chosen_id_faults(client_id))
        with _unique_ids(), self._transactions.change(origin) as change:
            own = None if account is None else read_account(change.connection, account, "account").id
            if own is not None:
                lock_account(change.connection, own)
            return add_client(change, self._peppers, wanted, account_id=own, client_id=client_id)

    def list_clients(self) -> Iterator[Client]:
        """List all clients, the oldest first. They are read in pieces, each as it is when it is read."""
        after = 0
        while True:
            with self._transactions.read() as connection:
                piece = stored.list_all_clients(connection, after=after, limit=BATCH)
            if not piece:
                return
            yield from piece
            after = piece[-1].id

    def get_client(self, client_id: str) -> Client:
        """Read a client. Raises NotFound."""
        with self._transactions.read() as connection:
            return _found(stored.find_client(connection, client_id))

    @retried
    def update_client(self, origin: Origin, client_id: str, wanted: ClientChange) -> Client:
        """Change what `wanted` names. Raises NotFound; Invalid with every fault."""
        with self._transactions.change(origin) as change:
            return update_client(change, claim_client(change.connection, client_id), wanted, by_operator=True)

    @retried
    def reset_secret(self, origin: Origin, client_id: str) -> tuple[Client, Secret]:
        """Give a client another secret; the one before proves nothing from now on. Raises NotFound, Invalid."""
        with self._transactions.change(origin) as change:
            client = claim_client(change.connection, client_id)
            return client, give_secret(change, self._peppers, client)

    @retried
    def delete_client(self, origin: Origin, client_id: str) -> None:
        """Delete a client, and end all that it was let in for. Raises NotFound."""
        with self._transactions.change(origin) as change:
            remove_client(change, claim_client(change.connection, client_id))

    def disable_client(self, origin: Origin, client_id: str) -> bool:
        """End all that a client was let in for, and give it nothing more; whether that is new. Raises NotFound."""
        return self._set_disabled(origin, client_id, disabled=True)

    def enable_client(self, origin: Origin, client_id: str) -> bool:
        """Let a disabled client ask again; whether that is new. Raises NotFound."""
        return self._set_disabled(origin, client_id, disabled=False)

    @retried
    def _set_disabled(self, origin: Origin, client_id: str, *, disabled: bool) -> bool:
        with self._transactions.change(origin) as change:
            client = claim_client(change.connection, client_id)
            changed = stored.set_client_disabled(change.connection, client.id, change.now if disabled else None)
            if changed:
                change.record((ClientDisabled if disabled else ClientEnabled)(client.id, client.client_id))
            if changed and disabled:
                end_client(change, client.id)
            return changed


def add_client(
    change: Change,
    peppers: Peppers,
    wanted: ClientChange,
    *,
    account_id: int | None,
    client_id: str | None = None,
    prune_at: datetime | None = None,
) -> tuple[Client, Secret | None]:
    """Register a client that was checked, in a change of the caller's who has locked the account."""
    draft = replace(
        wanted.applied_to(NO_CLIENT),
        client_id=client_id or token_hex(CLIENT_ID_BYTES),
        account_id=account_id,
        created=change.now,
    )
    draft = _with_service_user(change, draft)
    client = stored.insert_client(change.connection, draft, created_by=change.origin.name, prune_at=prune_at)
    change.record(ClientCreated(client.id, client.client_id, client.label, client.redirect_uris))
    secret = _store_secret(change, peppers, client) if client.authentication.has_secret else None
    return client, secret


def require_room(connection: Connection, account_id: int) -> None:
    """Refuse one more client of an account that is locked. Raises Invalid."""
    if stored.count_clients(connection, account_id=account_id) >= CLIENTS_PER_ACCOUNT_MAX:
        raise Invalid(Fault(f"An account has at most {CLIENTS_PER_ACCOUNT_MAX} OAuth clients: delete one first"))


def update_client(change: Change, before: Client, wanted: ClientChange, *, by_operator: bool = False) -> Client:
    """Change a claimed client, in a change of the caller's. What it may do no more ends. Raises Invalid.

    The operator has verified whose it is as it was: it is verified no more when others give it another face.
    """
    raise_faults(wanted.check(before))
    after = wanted.applied_to(before)
    if not by_operator and face_of(after) != face_of(before):
        after = replace(after, verified=False)
    changes = client_differences(before, after)
    if not changes:
        return before
    after = _with_service_user(change, after)
    stored.set_client(change.connection, after)
    change.record(ClientUpdated(after.id, after.client_id, changes))
    if loses_rights(before, after):
        end_client(change, after.id)
    return after


def give_secret(change: Change, peppers: Peppers, client: Client) -> Secret:
    """Give a claimed client another secret, in a change of the caller's. Raises Invalid for one that has none."""
    if not client.authentication.has_secret:
        raise Invalid(_NO_SECRET)
    secret = _store_secret(change, peppers, client)
    change.record(ClientSecretReset(client.id, client.client_id))
    return secret


def remove_client(change: Change, client: Client) -> None:
    """Delete a claimed client, in a change of the caller's, and end all that it was let in for."""
    forget_at = change.now + FORGOTTEN_AFTER if client.can_be_forgotten else None
    stored.delete_client(change.connection, client.id, change.now, prune_at=forget_at)
    end_client(change, client.id)
    if client.service_user_id is not None:
        _set_service_user(change, client, disabled=True)
    change.record(ClientDeleted(client.id, client.client_id))


def _with_service_user(change: Change, client: Client) -> Client:
    """A client as it is to be, with the user that it is when it acts for itself: made, enabled or disabled."""
    if client.service_user_id is not None:
        _set_service_user(change, client, disabled=not client.acts_for_itself)
        return client
    if not client.acts_for_itself:
        return client
    if client.account_id is None:
        raise Invalid(Fault("A client that acts for itself must be of an account", "account"))
    with unique_names():
        user = add_user(
            change,
            account_id=client.account_id,
            username=client.service_username,
            email="",
            admin=False,
            service=True,
            reservation=NO_RESERVATION,
        )
    return replace(client, service_user_id=user.id)


def _set_service_user(change: Change, client: Client, *, disabled: bool) -> None:
    """Disable or enable the user of a client, which is claimed with it."""
    user = stored_users.find_user_by_id(change.connection, client.service_user_id or 0)
    if user is not None and stored_users.set_disabled(change.connection, user.id, change.now if disabled else None):
        change.record((UserDisabled if disabled else UserEnabled)(user.id, user.username))


def _store_secret(change: Change, peppers: Peppers, client: Client) -> Secret:
    secret = Secret.generate(kind=CLIENT_SECRET)
    stored.set_client_secret(
        change.connection,
        client.id,
        peppers.key(secret),
    )
    return secret


def claim_client(connection: Connection, client_id: str) -> Client:
    """Claim a client and its user, after the account: until the transaction ends it gets nothing. Raises NotFound."""
    found = _found(stored.find_client(connection, client_id))
    if found.account_id is not None:
        lock_account(connection, found.account_id)  # from here on nobody gives it another user
        found = _found(stored.find_client(connection, client_id))
    return _claim_with_user(connection, found)


def _require_reach(change: Change, client: Client) -> None:
    """Let nobody have a client act for itself who could not make a token that may do as much.

    Raises Forbidden for a proxy user, who makes none, and Invalid for a token that may do less.
    """
    if not client.acts_for_itself:
        return
    require_maker(change)
    limit = change.actor.scopes
    if not limit.covers(client.rights.scopes.without_management()):  # which no client gets
        raise Invalid(
            Fault(
                "A client that acts for itself must be within the scopes of the token you are using "
                f"(maximum scopes: {limit})",
                "scopes",
            )
        )


def _claim_own(change: Change, client_id: str) -> Client:
    """The client that an administrator is about to change. Raises Forbidden, NotFound.

    The administrator's user is kept before the client, and the token that acts after it, which may be the client's own.
    """
    connection, actor = change.connection, change.actor
    lock_account(connection, actor.account_id)
    found = stored.find_account_client(connection, client_id, account_id=actor.account_id)
    stored_users.keep_user(connection, actor.user_id)
    claimed = None if found is None else _claim_with_user(connection, found)
    require_administrator(get_writer(change))
    return _found(claimed)


def _claim_with_user(connection: Connection, found: Client) -> Client:
    if found.service_user_id is not None:
        stored_users.claim_user(connection, found.service_user_id)
    return _found(stored.claim_client(connection, found.id))


def _get_own(connection: Connection, actor: Actor, client_id: str) -> Client:
    return _found(stored.find_account_client(connection, client_id, account_id=actor.account_id))


def _found(client: Client | None) -> Client:
    if client is None:
        raise NotFound
    return client


@contextmanager
def _unique_ids() -> Iterator[None]:
    """Turn the database's word that an id is taken into Invalid."""
    try:
        yield
    except IntegrityError as error:
        raise Invalid(Fault("A client is called so, or was once", "client_id")) from error
