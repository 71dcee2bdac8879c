"""What a user does with tokens: list, create, read, rename, revoke."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault, Invalid, NotFound, raise_faults
from tokenry.domain.events import TokenCreated, TokenRenamed, TokenRevoked
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.metadata import NO_METADATA, changed_keys
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.policy import Rules
from tokenry.domain.scopes import ALL, Scopes
from tokenry.domain.secrets import PERSONAL, Kind, Peppers, Secret
from tokenry.domain.tokens import NewToken, Token, in_order_of_fields, label_faults
from tokenry.service.acting import find_reach, require_maker, require_owner
from tokenry.service.idempotency import make_once
from tokenry.service.policy import count_for, policy_in_force
from tokenry.service.revocation import revoke_others
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import tokens as stored
from tokenry.storage import users as stored_users
from tokenry.storage.database import retried


class Tokens:
    """The token use cases. Whoever acts sees and changes tokens of one user: its own, or one whom it manages.

    New ones are of `kind`, which has the prefix that the operator chose.
    """

    def __init__(
        self, transactions: Transactions, peppers: Peppers, catalogue: Catalogue, kind: Kind = PERSONAL
    ) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._catalogue = catalogue
        self._kind = kind

    def list_tokens(self, owner_id: int, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[Token]:
        """List a user's live tokens."""
        with self._transactions.read() as connection:
            now = self._transactions.now()
            return stored.list_tokens(connection, user_id=owner_id, now=now, request=request, filter=filter)

    def get_token(self, owner_id: int, token_id: int) -> Token:
        """Read one. Raises NotFound if it is not there, not the user's, revoked or expired."""
        with self._transactions.read() as connection:
            return _get(connection, owner_id, token_id, self._transactions.now())

    @retried
    def create_token(self, origin: Origin, new: NewToken, request: KeyedRequest | None = None) -> tuple[Token, Secret]:
        """Make a token that may do what the acting one and the policy allow; repeat `request` and it is made only once.

        Raises Forbidden for a proxy user, Invalid with every fault, Conflict.
        """
        with self._transactions.change(origin) as change:
            if origin.managed is not None:
                stored_users.keep_user(change.connection, origin.owner_id)  # the acting one is kept with its secret
            return self.create_in(change, new, request)

    def create_in(self, change: Change, new: NewToken, request: KeyedRequest | None) -> tuple[Token, Secret]:
        """Make a token, like `create_token`, in a change of the caller's, which keeps a user whom somebody manages."""

        def make() -> tuple[Token, Secret]:
            owner_id = change.owner_id
            with policy_in_force(change) as policy:
                live_tokens = count_for(change, policy, owner_id)
                kind = require_maker(change)
                ceiling = stored_users.find_ceiling(change.connection, owner_id)
                rules = policy.rules_for(kind, live_tokens=live_tokens, ceiling=ceiling)
                return self.issue(change, user_id=owner_id, limit=find_reach(change), rules=rules, new=new)

        return make_once(change, self._peppers, self._kind, request, make)

    @retried
    def create_token_for(self, origin: Origin, username: str, new: NewToken) -> tuple[Token, Secret]:
        """Make a token for somebody, as the operator: up to what the policy allows.

        Raises NotFound, and Invalid, also for a disabled user and a proxy user, whose token would open nothing or has
        rules of its own.
        """
        with self._transactions.change(origin) as change:
            connection = change.connection
            found = stored_users.find_user(connection, username)
            user = None if found is None else stored_users.keep_user(connection, found.id)
            if user is None:
                raise NotFound
            if user.disabled is not None:
                raise Invalid(Fault("User is disabled: enable it first", "user"))
            if user.proxy:
                raise Invalid(Fault("User is a proxy user: its parent account's users make its tokens", "user"))
            with policy_in_force(change) as policy:
                live_tokens = count_for(change, policy, user.id)
                rules = policy.rules_for(user.kind, live_tokens=live_tokens, ceiling=user.ceiling)
                return self.issue(change, user_id=user.id, limit=ALL, rules=rules, new=new)

    @retried
    def rename_token(self, origin: Origin, token_id: int, label: str | None, faults: Sequence[Fault] = ()) -> Token:
        """Give a token another label; None leaves it as it is. `faults` are those found while reading the request.

        Raises Forbidden for a proxy user, NotFound, Invalid.
        """
        with self._transactions.change(origin) as change:
            connection, now, owner_id = change.connection, change.now, change.owner_id
            stored_users.lock_user(connection, owner_id)
            require_maker(change)
            token = _get(connection, owner_id, token_id, now)
            raise_faults(faults)
            if label is None:
                return token
            raise_faults([] if label == token.label else label_faults(label))
            stored.rename_token(connection, token_id, label, user_id=owner_id, now=now)
            change.record(TokenRenamed(token_id, token.label, label))
            return _get(connection, owner_id, token_id, now)

    @retried
    def revoke_token(self, origin: Origin, token_id: int) -> None:
        """Revoke a token, which may be the acting one. Raises NotFound."""
        with self._transactions.change(origin) as change:
            stored_users.lock_user(change.connection, change.owner_id)
            require_owner(change)
            _revoke(change, token_id, user_id=change.owner_id)

    @retried
    def revoke_tokens(self, origin: Origin, token_ids: Collection[int]) -> int:
        """Revoke some of a user's tokens, all or none; how many were not revoked before. Others are left alone."""
        with self._transactions.change(origin) as change:
            stored_users.lock_user(change.connection, change.owner_id)
            require_owner(change)
            return sum(_end(change, token_id, user_id=change.owner_id) for token_id in sorted(token_ids))

    @retried
    def revoke_other_tokens(self, origin: Origin) -> int:
        """Revoke all of a user's live tokens but the acting one; how many there were."""
        with self._transactions.change(origin) as change:
            # Claimed also so that the tokens that end make no others meanwhile.
            stored_users.claim_user(change.connection, change.owner_id)
            require_owner(change)
            return revoke_others(change)

    @retried
    def revoke_any_token(self, origin: Origin, token_id: int) -> None:
        """Revoke anybody's token, as the operator. Raises NotFound."""
        with self._transactions.change(origin) as change:
            stored_users.lock_owners(change.connection, [token_id])
            _revoke(change, token_id, user_id=None)

    def check(self, new: NewToken, *, limit: Scopes, rules: Rules, now: datetime) -> list[Fault]:
        """Say everything for which a token is not made of at most the scopes `limit`, by `rules`."""
        faults = new.check(limit=limit, catalogue=self._catalogue, now=now)
        return in_order_of_fields([*faults, *rules.check(new, faults, limit=limit, now=now)])

    def issue(
        self,
        change: Change,
        *,
        user_id: int,
        limit: Scopes,
        rules: Rules,
        new: NewToken,
        delegated_by: int | None = None,
    ) -> tuple[Token, Secret]:
        """Make a token of at most the scopes `limit`, by `rules`, in a change of the caller's. Raises Invalid.

        `delegated_by` is the parent account's user for whom a proxy user's token is made.
        """
        raise_faults(self.check(new, limit=limit, rules=rules, now=change.now))
        expiry, start = rules.expiry_of(new, change.now), new.starts(change.now)
        secret = Secret.generate(kind=self._kind)
        token = stored.insert_token(
            change.connection,
            user_id=user_id,
            label=new.label,
            scopes=new.granted(limit),
            preview=secret.preview,
            created=change.now,
            expiry=expiry,
            created_by=change.origin.name,
            personal=stored.Personal(delegated_by, new.metadata, new.rotates_itself_only, new.description),
        )
        stored.insert_credential(
            change.connection,
            self._peppers.key(secret),
            token_id=token.id,
            expiry=expiry,
            not_before=start,
            requests_per_minute=new.requests_per_minute,
            networks=new.networks,
        )
        change.record(
            TokenCreated(
                token.id,
                token.label,
                token.scopes,
                token.expiry,
                not_before=start,
                metadata=changed_keys(NO_METADATA, new.metadata) or None,
                rotates_itself_only=new.rotates_itself_only or None,
                requests_per_minute=new.requests_per_minute or None,
                description=new.description or None,
                networks=list(map(str, new.networks)) or None,
            )
        )
        return token, secret


def _get(connection: Connection, owner_id: int, token_id: int, now: datetime) -> Token:
    token = stored.find_token(connection, token_id, user_id=owner_id, now=now)
    if token is None:
        raise NotFound
    return token


def _revoke(change: Change, token_id: int, *, user_id: int | None) -> None:
    if not _end(change, token_id, user_id=user_id):
        raise NotFound


def _end(change: Change, token_id: int, *, user_id: int | None) -> bool:
    by = change.origin.name
    ended = stored.revoke_token(
        change.connection, token_id, user_id=user_id, now=change.now, revoked_by=by, reason=change.origin.reason
    )
    if ended:
        change.record(TokenRevoked(token_id, reason=change.origin.reason))
    return ended
