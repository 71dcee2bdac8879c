"""What an operator allows, and what a change of that does to the tokens there are."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Unavailable
from tokenry.domain.events import PolicySet, TokenShortened
from tokenry.domain.policy import Policy, Rules
from tokenry.domain.policy_changes import OutlivingUser
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import policy as stored
from tokenry.storage.database import retried
from tokenry.storage.policy_effects import list_outliving_users
from tokenry.storage.users import find_ceiling, find_user_by_id, lock_user

BY_POLICY = Origin("the policy")
"""What the tokens of an account are shortened by if a person of another one asked for it."""
BATCH = 1000
"""Tokens that are shortened in one transaction."""
WAIT_SECONDS_MAX = 60
"""For the transactions that were under way when a policy was set: more than any request has."""
LOOK_SECONDS = 0.02


class Shortened(NamedTuple):
    """What became of tokens that were shortened, up to which id."""

    at_once: int
    sooner: int
    last_id: int


class Policies:
    """The use cases of the policy."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def get_policy(self) -> Policy:
        """Read the whole policy."""
        with self._transactions.read() as connection:
            return stored.get_policy(connection)

    def get_rules(self, owner_id: int, *, giver_id: int | None = None) -> Rules:
        """Read what holds for a user's next token, which somebody else gives that user if there is a giver."""
        with self._transactions.read() as connection:
            live_tokens = stored.count_live_tokens(connection, owner_id, self._transactions.now())
            kind = stored.find_kind(connection, owner_id)
            ceiling = find_ceiling(connection, owner_id)
            if giver_id is not None:
                ceiling = ceiling.within(find_ceiling(connection, giver_id).by(self._transactions.implied))
            policy = stored.get_policy(connection).by(self._transactions.implied)
            return policy.rules_for(kind, live_tokens=live_tokens, ceiling=ceiling)

    def preview_lifetime(self, lifetime: timedelta) -> Sequence[OutlivingUser]:
        """List whose tokens outlive this maximum lifetime."""
        with self._transactions.read() as connection:
            return list_outliving_users(connection, lifetime, self._transactions.now())

    @retried
    def set_policy(self, origin: Origin, revise: Callable[[Policy], Policy]) -> None:
        """Store what `revise` makes of the policy: who reads it from now on keeps to it. Then `enforce` it."""
        with self._transactions.change(origin) as change:
            before = stored.claim_policy(change.connection)
            after = revise(before)
            stored.store_policy(change.connection, after)
            change.record(PolicySet(before, after))

    def enforce(self, origin: Origin, *, shorten_to: timedelta | None = None) -> Generator[Shortened]:
        """Wait until nobody makes a token by the previous policy. Raises Unavailable if that takes too long.

        Tokens that outlive the lifetime `shorten_to` then expire when it ends, those past it at once: some in each
        transaction, and what became of them. After an interruption, calling it again does the rest. Where another
        policy is set meanwhile, none is shortened to less than was asked for, nor than that allows.
        """
        self.await_changers(WAIT_SECONDS_MAX)
        last_id = 0
        while shorten_to is not None:
            began = time.monotonic()
            done = self._shorten_some(origin, shorten_to, last_id)
            if done is None:
                return
            taken, last_id = time.monotonic() - began, done.last_id
            yield done
            self._transactions.make_room(taken)

    def await_changers(self, seconds: float) -> None:
        """Wait until all have ended who may make a token by an earlier policy than is stored now.

        Raises Unavailable if that takes longer.
        """
        until = time.monotonic() + seconds
        before: set[str] | None = None
        while before is None or before:
            with self._transactions.read() as connection:
                found = stored.find_changers(connection)
            before = found if before is None else before & found
            if before and time.monotonic() > until:
                raise Unavailable("earlier transactions have not ended")
            time.sleep(LOOK_SECONDS if before else 0)

    @retried
    def _shorten_some(self, origin: Origin, asked: timedelta, after: int) -> Shortened | None:
        """Shorten some of the tokens with an id above `after`; None if there are none."""
        with self._transactions.change(origin) as change:
            return shorten_some(change, asked, after)


@contextmanager
def policy_in_force(change: Change) -> Iterator[Policy]:
    """The policy, by which a block makes a token, and which is still the same when it has.

    Raises Unavailable otherwise, so that it is made anew. Nothing is locked, so nobody waits for a policy to be set.
    The policy is read again after the token was stored: if it is another one by then, that is seen here; if it becomes
    another one later, the change of it waits for this transaction (`Policies.enforce`), and finds the token. On
    SQLite, which takes one change at a time, it stays the same.
    """
    connection = change.connection
    policy = stored.get_policy(connection)
    yield policy.by(change.implied)
    if connection.dialect.name != "sqlite" and stored.get_policy(connection) != policy:
        raise Unavailable("the policy was changed meanwhile", collided=True)


def shorten_some(change: Change, asked: timedelta, after: int) -> Shortened | None:
    """Shorten some of the tokens with an id above `after`, to what was asked for or what the policy allows by now.

    None if there are none.
    """
    allowed = stored.get_policy(change.connection).lifetime_max
    if allowed is None:
        return None
    lifetime = max(asked, allowed)
    found = stored.lock_long_lived(change.connection, lifetime, change.now, after=after, limit=BATCH)
    if not found:
        return None
    stored.shorten_tokens(change.connection, [token.id for token in found], lifetime)
    _record_shortened(change, found)
    at_once = sum(token.shortened <= change.now for token in found)
    return Shortened(at_once, len(found) - at_once, found[-1].id)


def _record_shortened(change: Change, tokens: Sequence[stored.LongLived]) -> None:
    """Record it, of whoever asked for it in the account of that one alone: other accounts are told of nobody there."""
    asker = change.origin.user_id
    user = None if asker is None else find_user_by_id(change.connection, asker)
    own = None if user is None else user.account_id
    named = [token for token in tokens if asker is None or token.account_id == own]
    others = [token for token in tokens if asker is not None and token.account_id != own]
    for by, those in ((change, named), (replace(change, origin=BY_POLICY), others)):
        by.record(*(TokenShortened(token.id, token.expiry, token.shortened) for token in those))


def count_for(change: Change, policy: Policy, user_id: int) -> int:
    """Count a user's live tokens where a policy limits them: nobody else makes one meanwhile. Where none does, 0."""
    if policy.tokens_per_user_max is None:
        return 0
    lock_user(change.connection, user_id)
    return stored.count_live_tokens(change.connection, user_id, change.now, limit=policy.tokens_per_user_max)
