"""What administrators do with the service accounts of their account: they alone make and change these."""

from datetime import timedelta

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault, Forbidden, Invalid, NotFound, raise_faults
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.secrets import Secret
from tokenry.domain.service_accounts import ServiceAccountWanted
from tokenry.domain.tokens import NewToken, Token
from tokenry.domain.users import User
from tokenry.service.acting import get_reader, get_writer
from tokenry.service.idempotency import do_once
from tokenry.service.policy import count_for, policy_in_force
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Change, Transactions
from tokenry.service.users import (
    NO_RESERVATION,
    add_user,
    claim_own,
    remove_user,
    set_rights,
    set_user_disabled,
    unique_names,
)
from tokenry.storage import users as stored
from tokenry.storage.database import retried


class ServiceAccounts:
    """The use cases. Each raises Forbidden for who is no administrator, as no service account ever is."""

    def __init__(
        self, transactions: Transactions, tokens: Tokens, catalogue: Catalogue, reservation: timedelta = NO_RESERVATION
    ) -> None:
        self._transactions = transactions
        self._tokens = tokens
        self._catalogue = catalogue
        self._reservation = reservation

    def list_service_accounts(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[User]:
        """List those of the account."""
        with self._transactions.read() as connection:
            require_administrator(get_reader(connection, actor))
            return stored.list_service_accounts(connection, account_id=actor.account_id, request=request, filter=filter)

    def get_service_account(self, actor: Actor, username: str) -> User:
        """Read one. Raises NotFound."""
        with self._transactions.read() as connection:
            require_administrator(get_reader(connection, actor))
            user = stored.find_user(connection, username, account_id=actor.account_id)
            return _require_service(connection, user)

    @retried
    def create_service_account(self, origin: Origin, username: str, wanted: ServiceAccountWanted) -> User:
        """Make one, which may give users no more than the acting token may do. Raises Invalid with every fault."""
        with unique_names(), self._transactions.change(origin) as change:
            require_administrator(get_writer(change))
            raise_faults(wanted.check(limit=change.actor.scopes, catalogue=self._catalogue))
            user = add_user(
                change,
                account_id=change.actor.account_id,
                username=username,
                email="",
                admin=False,
                service=True,
                reservation=self._reservation,
            )
            return self._change(change, user, wanted)

    @retried
    def update_service_account(self, origin: Origin, username: str, wanted: ServiceAccountWanted) -> User:
        """Give one another ceiling, disable or enable it. Raises NotFound; Invalid with every fault."""
        with self._transactions.change(origin) as change:
            user = _require_service(change.connection, claim_own(change, username))
            raise_faults(wanted.check(limit=change.actor.scopes, catalogue=self._catalogue))
            return self._change(change, user, wanted)

    @retried
    def delete_service_account(self, origin: Origin, username: str) -> None:
        """Delete one, whose tokens end in the same transaction; those that it gave users stay. Raises NotFound."""
        with self._transactions.change(origin) as change:
            remove_user(change, _require_service(change.connection, claim_own(change, username)))

    @retried
    def create_token(
        self, origin: Origin, username: str, new: NewToken, request: KeyedRequest | None = None
    ) -> tuple[Token, Secret]:
        """Make a token of one, which may do no more than the acting token; repeat `request` and it is made only once.

        Raises NotFound, AlreadyMade; Forbidden, also for a proxy user, who makes none; Invalid with every fault, also
        for one that is disabled.
        """
        with self._transactions.change(origin) as change:
            connection = change.connection
            found = stored.find_user(connection, username, account_id=change.actor.account_id)
            user = _require_service(connection, None if found is None else stored.keep_user(connection, found.id))
            maker = get_writer(change)
            require_administrator(maker)
            if maker.proxy:
                raise Forbidden
            return do_once(change, request, lambda: self._issue(change, user, new), lambda made: made[0].id)

    def _issue(self, change: Change, user: User, new: NewToken) -> tuple[Token, Secret]:
        if user.disabled is not None:
            raise Invalid(Fault("The service account is disabled: enable it first"))
        with policy_in_force(change) as policy:
            live_tokens = count_for(change, policy, user.id)
            rules = policy.rules_for(user.kind, live_tokens=live_tokens, ceiling=user.ceiling)
            return self._tokens.issue(change, user_id=user.id, limit=change.actor.scopes, rules=rules, new=new)

    def _change(self, change: Change, user: User, wanted: ServiceAccountWanted) -> User:
        if wanted.ceiling is not None:
            set_rights(change, user, admin=False, ceiling=self._catalogue.read(wanted.ceiling))
        if wanted.disabled is not None:
            set_user_disabled(change, user, disabled=wanted.disabled)
        return stored.get_user(change.connection, user.id)


def _require_service(connection: Connection, user: User | None) -> User:
    """Who an OAuth client is when it acts for itself is none of them, and ends with that client. Raises NotFound."""
    if user is None or not user.service or stored.is_of_client(connection, user):
        raise NotFound
    return user
