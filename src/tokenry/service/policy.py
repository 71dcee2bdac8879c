"""What an operator allows, and what a change of that does to the tokens there are."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.policy import Policy, Rules, Shortening
from tokenry.domain.spans import write_span
from tokenry.storage import audit
from tokenry.storage import policy as stored
from tokenry.storage.database import Database
from tokenry.storage.users import hold_user

BATCH = 1000
"""Tokens that are shortened with one look at the table."""


class Policies:
    """The use cases of the policy."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def get_policy(self) -> Policy:
        """Read the whole policy."""
        with self._database.read() as connection:
            return stored.get_policy(connection)

    def get_rules(self, actor: Actor) -> Rules:
        """Read what holds for the actor's user."""
        with self._database.read() as connection:
            live_tokens = stored.count_live_tokens(connection, actor.user_id, self._now())
            kind = stored.find_kind(connection, actor.user_id)
            return stored.get_policy(connection).rules_for(kind, live_tokens=live_tokens)

    def preview_lifetime(self, lifetime: timedelta) -> Sequence[Shortening]:
        """Say what this maximum lifetime would do to the tokens there are."""
        with self._database.read() as connection:
            return stored.list_shortenings(connection, lifetime, self._now())

    def set_policy(
        self, origin: Origin, change: Callable[[Policy], Policy], *, shorten: bool = False
    ) -> Sequence[Shortening]:
        """Put in force what `change` makes of the policy.

        With `shorten`, tokens that outlive its maximum lifetime expire when that ends, those past it at once. Returns
        what became of them.
        """
        with self._database.write() as connection:
            before = stored.claim_policy(connection)
            policy = change(before)
            stored.store_policy(connection, policy)
            audit.record(
                connection,
                origin=origin,
                at=self._now(),
                action="policy.set",
                subject="policy",
                details={"from": _as_data(before), "to": _as_data(policy)},
            )
            return self._shorten(connection, origin, policy.lifetime_max) if shorten and policy.lifetime_max else ()

    def _shorten(self, connection: Connection, origin: Origin, lifetime: timedelta) -> Sequence[Shortening]:
        now = self._now()
        done = stored.list_shortenings(connection, lifetime, now)
        while batch := stored.list_long_lived(connection, lifetime, now, limit=BATCH):
            for token in batch:
                if not stored.shorten_token(connection, token.id, token.shortened):
                    continue
                audit.record(
                    connection,
                    origin=origin,
                    at=now,
                    action="token.shorten",
                    subject=f"token:{token.id}",
                    details={"from": token.expiry.isoformat(), "to": token.shortened.isoformat()},
                )
        return done


def hold_rules(connection: Connection, user_id: int, *, now: datetime) -> Rules:
    """What holds for the next token of a user, and stays so until the transaction ends."""
    policy = stored.hold_policy(connection)
    live_tokens = 0
    if policy.tokens_per_user_max is not None:
        hold_user(connection, user_id)  # of several that make one at once, each counts those before it
        live_tokens = stored.count_live_tokens(connection, user_id, now)
    return policy.rules_for(stored.find_kind(connection, user_id), live_tokens=live_tokens)


def _as_data(policy: Policy) -> dict[str, object]:
    return {
        "lifetime_max": None if policy.lifetime_max is None else write_span(policy.lifetime_max),
        "expiry_required": policy.expiry_required,
        "tokens_per_user_max": policy.tokens_per_user_max,
        "scopes": {kind.value: str(scopes) for kind, scopes in policy.scopes.items()},
    }
