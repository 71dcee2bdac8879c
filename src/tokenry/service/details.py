"""A token's details beyond the wire format, which users read and change."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.details import LIVE_TOKENS, Details, NewDetails, Selection
from tokenry.domain.errors import Fault, Invalid, NotFound, raise_faults
from tokenry.domain.events import TokenUpdated
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.limits import limit_faults
from tokenry.domain.managed import MANAGERS
from tokenry.domain.metadata import changed_keys
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.policy import UserKind
from tokenry.service.acting import require_maker
from tokenry.service.disabling import turn
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import details as stored
from tokenry.storage.database import retried
from tokenry.storage.inventory import find_owner
from tokenry.storage.users import lock_user


class TokenDetails:
    """The use cases of a token's details, also of tokens that ended."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def list_details(
        self, owner_id: int, request: PageRequest, filter: Filter = EVERY_ROW, selection: Selection = LIVE_TOKENS
    ) -> Page[Details]:
        """List a user's tokens."""
        with self._transactions.read() as connection:
            return stored.list_details(
                connection,
                user_id=owner_id,
                now=self._transactions.now(),
                request=request,
                filter=filter,
                selection=selection,
            )

    def get_details(self, owner_id: int, token_id: int) -> Details:
        """Read those of one token. Raises NotFound if it is not there or not the user's."""
        with self._transactions.read() as connection:
            return _get(connection, owner_id, token_id, self._transactions.now())

    @retried
    def update_details(self, origin: Origin, token_id: int, new: NewDetails) -> Details:
        """Change a token's description, networks, limit and metadata, disable it or enable it again.

        Raises Forbidden, NotFound; Invalid for networks or a limit of a token that can no longer be used, for disabling
        or enabling one, and for metadata or a higher limit, which a user does not set; Conflict for enabling what
        somebody else disabled.
        """
        with self._transactions.change(origin) as change:
            connection, owner_id = change.connection, change.owner_id
            lock_user(connection, owner_id)
            # A rotation copies the networks: whichever of the two comes first, the other waits for its end.
            stored.lock_details(connection, token_id, user_id=owner_id)
            kind = require_maker(change)
            before = _get(connection, owner_id, token_id, change.now)
            changes = _changes(before, new)
            if change.origin.managed is None:
                _require_own(kind, changes, before, new)
            if new.disabled is not None and new.disabled != (before.disabled is not None):
                turn(change, before, disabled=new.disabled)
            _store(change, token_id, changes, new)
            return _get(connection, owner_id, token_id, change.now)

    @retried
    def limit_any_token(self, origin: Origin, token_id: int, requests_per_minute: int) -> bool:
        """Set the limit of anybody's token, as the operator; whether it was another. Raises NotFound, Invalid."""
        raise_faults(limit_faults(requests_per_minute))
        with self._transactions.change(origin) as change:
            owner_id = get_any_owner(change.connection, token_id)
            lock_user(change.connection, owner_id)
            stored.lock_details(change.connection, token_id, user_id=owner_id)
            new = NewDetails(requests_per_minute=requests_per_minute)
            changes = _changes(_get(change.connection, owner_id, token_id, change.now), new)
            _store(change, token_id, changes, new)
            return bool(changes)


def get_any_owner(connection: Connection, token_id: int) -> int:
    """Whose token it is; their id. Raises NotFound."""
    owner_id = find_owner(connection, token_id)
    if owner_id is None:
        raise NotFound
    return owner_id


def _store(change: Change, token_id: int, changes: Mapping[str, object], new: NewDetails) -> None:
    """Store what changes of a token, which is locked, and record it. Raises Invalid."""
    if not changes:
        return
    if not stored.store_details(change.connection, token_id, {name: getattr(new, name) for name in changes}):
        fields = filter(changes.__contains__, stored.OF_CREDENTIALS)
        raise Invalid(*(Fault("Must be left out: this token can no longer be used", name) for name in fields))
    change.record(TokenUpdated(token_id, changes))


def _get(connection: Connection, owner_id: int, token_id: int, now: datetime) -> Details:
    details = stored.find_details(connection, token_id, user_id=owner_id, now=now)
    if details is None:
        raise NotFound
    return details


def _require_own(kind: UserKind, changes: Collection[str], before: Details, new: NewDetails) -> None:
    """Keep users from what is not theirs to change of their own tokens: metadata, and limits but for lower ones.

    Raises Invalid.
    """
    if "metadata" in changes and kind not in MANAGERS:
        raise Invalid(Fault("Is for administrators and the product's backend to change", "metadata"))
    most = before.requests_per_minute
    lower = not most or 0 < (new.requests_per_minute or 0) <= most
    if "requests_per_minute" in changes and kind is not UserKind.ADMIN and not lower:
        raise Invalid(Fault(f"Must be 1-{most}: who manages your tokens sets more", "requests_per_minute"))


def _changes(before: Details, new: NewDetails) -> dict[str, object]:
    """The values that change, for the audit."""
    names = ("description", *stored.OF_CREDENTIALS)
    pairs = {name: (getattr(before, name), getattr(new, name)) for name in names}
    changes: dict[str, object] = {
        name: {"from": _as_data(old), "to": _as_data(wanted)}
        for name, (old, wanted) in pairs.items()
        if wanted not in (None, old)
    }
    keys = [] if new.metadata is None else changed_keys(before.metadata, new.metadata)
    return {**changes, "metadata": keys} if keys else changes


def _as_data(value: object) -> object:
    return [str(each) for each in value] if isinstance(value, tuple) else value
