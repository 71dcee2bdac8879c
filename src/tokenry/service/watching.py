"""Keeping tokens to fewer scopes: watched for a time without refusing anything, and then for good."""

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.details import Details, State
from tokenry.domain.errors import Conflict, Fault, Invalid, NotFound
from tokenry.domain.scopes import Scopes
from tokenry.domain.usage import Watch
from tokenry.domain.watch_events import TokenNarrowed, TokenUnwatched, TokenWatched
from tokenry.service.acting import get_reader
from tokenry.service.inventory import lock_own
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import details as stored_details
from tokenry.storage import watching as stored
from tokenry.storage.database import retried
from tokenry.storage.inventory import find_owner
from tokenry.storage.users import get_user

_ENDED = {State.EXPIRED, State.REVOKED}


class Watching:
    """What administrators do with tokens of their account that may do more than they need. Each raises Forbidden."""

    def __init__(self, transactions: Transactions, catalogue: Catalogue) -> None:
        self._transactions = transactions
        self._catalogue = catalogue

    def get_watch(self, actor: Actor, token_id: int) -> Watch:
        """Read to which scopes a token is watched, and what would have been refused. Raises NotFound if it is not."""
        with self._transactions.read() as connection:
            require_administrator(get_reader(connection, actor))
            if find_owner(connection, token_id, account_id=actor.account_id) is None:
                raise NotFound
            watch = stored.find_watch(connection, token_id, self._transactions.now())
        if watch is None:
            raise NotFound
        return watch

    @retried
    def watch_token(self, origin: Origin, token_id: int, scopes: str) -> Watch:
        """Watch whether a token could be kept to fewer scopes; what came of others before is forgotten.

        Raises NotFound; Invalid for scopes that are not fewer; Conflict for a token that has ended.
        """
        with self._transactions.change(origin) as change:
            held = self._lock(change, token_id)
            narrower = self._catalogue.require(scopes)
            if not held.covers(narrower) or narrower.covers(held):
                raise Invalid(Fault(f"Must be fewer than those of the token: {held}", "scopes"))
            stored.watch_token(change.connection, token_id, narrower, now=change.now, by=change.origin.name)
            change.record(TokenWatched(token_id, narrower))
            watch = stored.find_watch(change.connection, token_id, change.now)
            assert watch is not None
            return watch

    @retried
    def narrow_token(self, origin: Origin, token_id: int, expected: str | None = None) -> Scopes:
        """Keep a token to the scopes to which it is watched, from now on and everywhere; which these are.

        Raises NotFound for one that is not watched; Conflict for one that has ended, or is watched to other scopes than
        those that are `expected`.
        """
        with self._transactions.change(origin) as change:
            held = self._lock(change, token_id)
            watch = _get(change, token_id)
            if expected is not None and not _are(watch.scopes, expected):
                raise Conflict(Fault(f"The token is watched to {watch.scopes} by now", "scopes"))
            stored.narrow_token(change.connection, token_id, watch.scopes)
            change.record(TokenNarrowed(token_id, held, watch.scopes))
            return watch.scopes

    @retried
    def unwatch_token(self, origin: Origin, token_id: int) -> None:
        """Watch a token no more: it keeps its scopes. Raises NotFound; Conflict for one that has ended."""
        with self._transactions.change(origin) as change:
            self._lock(change, token_id)
            _get(change, token_id)
            stored.unwatch_token(change.connection, token_id)
            change.record(TokenUnwatched(token_id))

    def _lock(self, change: Change, token_id: int) -> Scopes:
        """Lock a token of the account and its user; what it may do."""
        connection, own = change.connection, lock_own(change, [token_id])
        owner_id = find_owner(connection, token_id, account_id=change.actor.account_id) if own else None
        if owner_id is None:
            raise NotFound
        stored_details.lock_details(connection, token_id, user_id=owner_id)
        details = stored_details.find_details(connection, token_id, user_id=owner_id, now=change.now)
        if details is None:
            raise NotFound
        _require_open(details)
        held = self._catalogue.stored(str(details.token.scopes))
        return held.managing() if get_user(connection, owner_id).admin else held


def _are(scopes: Scopes, text: str) -> bool:
    """Whether a text, which may be any, means these scopes, in whatever order."""
    try:
        return {*Scopes.parse(text).texts} == {*scopes.texts}
    except ValueError:
        return False


def _require_open(details: Details) -> None:
    if details.state in _ENDED:
        raise Conflict(Fault("The token can no longer be used"))


def _get(change: Change, token_id: int) -> Watch:
    watch = stored.find_watch(change.connection, token_id, change.now)
    if watch is None:
        raise NotFound
    return watch
