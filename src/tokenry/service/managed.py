"""What a product's backend does with the users that it knows by names of its own, and with their tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from secrets import token_hex

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Conflict, Fault, Forbidden, NotFound, Unavailable, raise_faults
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.managed import (
    MANAGERS,
    UserWanted,
    external_id_faults,
    require_managed,
    require_manager,
)
from tokenry.domain.metadata import NO_METADATA
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.secrets import Secret
from tokenry.domain.tokens import NewToken, Token
from tokenry.domain.users import User, UserChange
from tokenry.service.acting import get_managed, get_reader, require_open
from tokenry.service.revocation import revoke_everything_of
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Change, Transactions
from tokenry.service.users import (
    NO_RESERVATION,
    add_user,
    change_user,
    is_free,
    remove_user,
    require_free,
    set_user_disabled,
)
from tokenry.storage import users as stored
from tokenry.storage.database import retried

_NAME_BYTES = 8


class ManagedUsers:
    """Users of a product, by the product's names for them (`external_id`).

    Service accounts and administrators manage those of their account who are neither, nor a proxy user. Each raises
    Forbidden for anybody else.
    """

    def __init__(self, transactions: Transactions, reservation: timedelta = NO_RESERVATION) -> None:
        self._transactions = transactions
        self._reservation = reservation

    def list_users(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[User]:
        """List the users of the account whom a product has a name for."""
        with self._transactions.read() as connection:
            require_manager(get_reader(connection, actor))
            return stored.list_managed(connection, account_id=actor.account_id, request=request, filter=filter)

    def get_user(self, actor: Actor, external_id: str) -> User:
        """Read one. Raises NotFound; Forbidden also for one whom nobody manages."""
        with self._transactions.read() as connection:
            return _find(connection, actor, external_id)

    def on_behalf(self, origin: Origin, external_id: str) -> Origin:
        """Where a change comes from that is for one of them, whose tokens are then meant. Raises NotFound.

        Whether it still is so is judged again by the change.
        """
        assert origin.actor is not None
        with self._transactions.read() as connection:
            return origin.on_behalf_of(_find(connection, origin.actor, external_id))

    @retried
    def put_user(self, origin: Origin, external_id: str, wanted: UserWanted) -> User:
        """Make the user of this name, or change what `wanted` names; it may be repeated, and be done by two at once.

        Raises Invalid with every fault; Conflict for enabling whom it may not.
        """
        with _once_each(), self._transactions.change(origin) as change:
            user = _claim(change, external_id)
            if user is None:
                return add_managed(change, external_id, wanted, self._reservation)
            return self._update(change, user, wanted)

    @retried
    def update_user(self, origin: Origin, external_id: str, wanted: UserWanted) -> User:
        """Change what `wanted` names. Raises NotFound; Invalid with every fault; Conflict as `put_user`."""
        with _once_each(), self._transactions.change(origin) as change:
            return self._update(change, _claim_known(change, external_id), wanted)

    @retried
    def delete_user(self, origin: Origin, external_id: str) -> None:
        """Delete a user, whose tokens end in the same transaction. Raises NotFound.

        Raises Conflict for whom it may not enable: else it could make the same user anew, enabled.
        """
        with self._transactions.change(origin) as change:
            user = _claim_known(change, external_id)
            _require_release(user, by_backend=_is_backend(change))
            remove_user(change, user)

    def _update(self, change: Change, user: User, wanted: UserWanted) -> User:
        raise_faults(wanted.check(user))
        if wanted.username is not None:
            require_free(change, wanted.username, but_for=user.id)
        if wanted.disabled is not None:
            _turn(change, user, disabled=wanted.disabled)
        new = UserChange(username=wanted.username, email=wanted.email, metadata=wanted.metadata)
        changed = change_user(change, user, new, reservation=self._reservation)
        return stored.get_user(change.connection, changed.id)


class ManagedTokens:
    """What is done with the tokens of such a user that a user does otherwise with tokens of its own, or not at all."""

    def __init__(self, transactions: Transactions, tokens: Tokens, reservation: timedelta = NO_RESERVATION) -> None:
        self._transactions = transactions
        self._tokens = tokens
        self._reservation = reservation

    @retried
    def create_token(
        self,
        origin: Origin,
        external_id: str,
        new: NewToken,
        request: KeyedRequest | None = None,
        *,
        create_user: bool = False,
    ) -> tuple[Token, Secret]:
        """Make a token of a user, by the rules for that user, and the user too if that is wanted.

        It may do what the service account may give. Raises NotFound, Invalid with every fault, Conflict.
        """
        with _once_each(), self._transactions.change(origin) as change:
            user = stored.find_managed(change.connection, external_id, account_id=change.actor.account_id)
            if user is None and not create_user:
                _require_manager(change)
                raise NotFound
            if user is not None and stored.keep_user(change.connection, user.id) is None:
                raise _gone()
            if user is None:
                user = add_managed(change, external_id, UserWanted(), self._reservation)
            return self._tokens.create_in(change.on_behalf_of(user), new, request)

    @retried
    def revoke_all(self, origin: Origin, external_id: str) -> int:
        """Revoke all tokens of a user, and end what the user let applications in for; how many personal ones."""
        with self._transactions.change(origin) as change:
            user = _claim_known(change, external_id)
            return len(revoke_everything_of(change.on_behalf_of(user), user))


def add_managed(change: Change, external_id: str, wanted: UserWanted, reservation: timedelta) -> User:
    """Make a user that a product has a name for, in a change of the caller's. Raises Forbidden; Invalid.

    Without a username the product's name is taken, or one is made up where that is none or not free.
    """
    _require_manager(change)
    raise_faults([*external_id_faults(external_id), *wanted.check()])
    if wanted.username is not None:
        username = wanted.username
        require_free(change, username)
    else:
        username = external_id if is_free(change, external_id, reservation) else f"user-{token_hex(_NAME_BYTES)}"
    user = add_user(
        change,
        account_id=change.actor.account_id,
        username=username,
        email=wanted.email or "",
        admin=False,
        external_id=external_id,
        metadata=NO_METADATA if wanted.metadata is None else wanted.metadata,
        reservation=reservation,
    )
    if wanted.disabled:
        _turn(change, user, disabled=True)
    return stored.get_user(change.connection, user.id)


def _turn(change: Change, user: User, *, disabled: bool) -> None:
    """Disable or enable a user who is claimed. A backend enables whom a backend disabled, and no other.

    Raises Conflict.
    """
    by_backend = _is_backend(change)
    if not disabled:
        _require_release(user, by_backend=by_backend)
    set_user_disabled(change, user, disabled=disabled, by_backend=by_backend)


def _is_backend(change: Change) -> bool:
    return get_reader(change.connection, change.actor).service


def _require_release(user: User, *, by_backend: bool) -> None:
    """Refuse a backend to let in again whom an administrator or the operator disabled. Raises Conflict."""
    if by_backend and user.disabled is not None and not user.disabled_by_backend:
        raise Conflict(
            Fault("Was disabled by an administrator or the operator, who enables the user again", "disabled")
        )


def _find(connection: Connection, actor: Actor, external_id: str) -> User:
    require_manager(get_reader(connection, actor))
    user = stored.find_managed(connection, external_id, account_id=actor.account_id)
    if user is None:
        raise NotFound
    require_managed(user)
    return user


def _require_manager(change: Change) -> None:
    if require_open(change.connection, change.actor, now=change.now) not in MANAGERS:
        raise Forbidden


def _claim(change: Change, external_id: str) -> User | None:
    """The user of this name, whom nobody else changes until the transaction ends; None if there is none."""
    found = stored.find_managed(change.connection, external_id, account_id=change.actor.account_id)
    if found is not None:
        stored.claim_user(change.connection, found.id)
    _require_manager(change)
    if found is None:
        return None
    try:
        return get_managed(change.connection, change.actor, found.id)
    except NotFound:
        raise _gone() from None


def _claim_known(change: Change, external_id: str) -> User:
    user = _claim(change, external_id)
    if user is None:
        raise NotFound
    return user


def _gone() -> Unavailable:
    """For somebody who was found, and deleted before it was claimed: what is to be done begins anew."""
    return Unavailable("the user was deleted meanwhile", collided=True)


@contextmanager
def _once_each() -> Iterator[None]:
    """Begin anew where another transaction has just made the same user, or taken the same name."""
    try:
        yield
    except IntegrityError as error:
        raise Unavailable("somebody else has just made a user of this name", collided=True) from error
