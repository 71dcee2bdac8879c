"""Giving a token another secret, so that nothing is lost on the way: the old one keeps opening for a grace."""

from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Conflict, Fault, Invalid, NotFound
from tokenry.domain.events import TokenRotated
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.rotation import NewRotation, Rotation
from tokenry.domain.secrets import PERSONAL, Kind, Peppers, Secret
from tokenry.domain.tokens import Token
from tokenry.service.acting import require_maker, require_reach
from tokenry.service.details import get_any_owner
from tokenry.service.disabling import require_enabled
from tokenry.service.idempotency import make_once
from tokenry.service.secrets import claim_last_rotation, give_secret
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import rotations
from tokenry.storage import tokens as stored_tokens
from tokenry.storage.database import retried, to_seconds
from tokenry.storage.details import find_details
from tokenry.storage.users import get_user, lock_user


class Rotations:
    """The use cases of rotation. New secrets are of `kind`, whatever the prefix of those before."""

    def __init__(self, transactions: Transactions, peppers: Peppers, kind: Kind = PERSONAL) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._kind = kind

    def find_rotation(self, owner_id: int, token_id: int) -> Rotation | None:
        """Find how a user's token was last given another secret, if it was. Raises NotFound."""
        with self._transactions.read() as connection:
            if find_details(connection, token_id, user_id=owner_id, now=self._transactions.now()) is None:
                raise NotFound
            return rotations.find_rotation(connection, token_id)

    @retried
    def rotate_token(
        self, origin: Origin, token_id: int, new: NewRotation, request: KeyedRequest | None = None
    ) -> tuple[Token, Secret]:
        """Give a token, which may be the acting one, another secret; repeat `request` and it is rotated only once.

        Raises NotFound, Forbidden, Conflict, and Invalid for a token that may do more than the acting one.
        """
        with self._transactions.change(origin) as change:
            return make_once(change, self._peppers, self._kind, request, lambda: self._rotate(change, token_id, new))

    @retried
    def rotate_any_token(self, origin: Origin, token_id: int, new: NewRotation) -> tuple[Token, Secret]:
        """Give a service account's token another secret, as the operator.

        Raises NotFound; Conflict while it is disabled; Invalid for anybody else's, which its user rotates.
        """
        with self._transactions.change(origin) as change:
            connection, owner_id = change.connection, get_any_owner(change.connection, token_id)
            lock_user(connection, owner_id)
            token = stored_tokens.lock_token(connection, token_id, user_id=owner_id, now=change.now)
            if token is None:
                raise NotFound
            if not get_user(connection, owner_id).service:
                raise Invalid(Fault("This is no service account's token: its user rotates it"))
            rotation = rotations.claim_rotation(connection, token_id)
            require_enabled(change, token_id)
            return self._replace(change, token, rotation, new)

    def _rotate(self, change: Change, token_id: int, new: NewRotation) -> tuple[Token, Secret]:
        connection, now, owner_id = change.connection, change.now, change.owner_id
        lock_user(connection, owner_id)
        # Locked before anything else: of two that rotate it at once, one waits here and holds nothing meanwhile.
        token = stored_tokens.lock_token(connection, token_id, user_id=owner_id, now=now)
        rotation = claim_last_rotation(change, token_id)
        require_maker(change)
        if token is None:
            raise NotFound
        require_enabled(change, token_id)
        require_reach(change, token)
        if rotation is not None and rotation.dropped(now) == change.actor.preview:
            # The caller would be left with nothing if this answer were lost.
            raise Conflict(Fault("A newer secret of this token is in use: rotate with that one"))
        return self._replace(change, token, rotation, new)

    def _replace(
        self, change: Change, token: Token, rotation: Rotation | None, new: NewRotation
    ) -> tuple[Token, Secret]:
        """Give a token, which is locked, another secret beside the one that is kept."""
        connection, now = change.connection, change.now
        kept = token.preview if rotation is None else rotation.kept(now)
        rotated, secret = give_secret(change, self._peppers, token, self._kind, beside=kept)
        if rotation is not None:
            rotations.delete_credential(connection, rotation.dropped(now))
        if not new.on_first_use:
            _end(connection, kept, now, new.grace_seconds)
        rotations.replace_rotation(connection, token.id, new, newest=secret.preview, previous=kept, started=now)
        change.record(TokenRotated(token.id, activate=new.activation, grace=new.grace_seconds))
        return rotated, secret


def _end(connection: Connection, preview: str, now: datetime, grace_seconds: int) -> None:
    """Let a secret open for no longer than the grace."""
    if grace_seconds:
        rotations.limit_credential(connection, preview, to_seconds(now) + grace_seconds)
    else:
        rotations.delete_credential(connection, preview)
