"""What administrators of the first account do with the policy, which holds for all accounts."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.errors import Conflict, Fault, Forbidden, Invalid, raise_faults
from tokenry.domain.events import PolicySet
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.policy import Policy
from tokenry.domain.policy_changes import (
    NAMED_MAX,
    Outliving,
    OutlivingToken,
    OutlivingUser,
    PolicyChange,
    Preview,
    Shortening,
    list_differences,
)
from tokenry.domain.users import User
from tokenry.service.acting import get_reader, get_writer
from tokenry.service.transactions import Transactions
from tokenry.storage import policy as stored
from tokenry.storage import policy_effects as effects
from tokenry.storage.accounts import find_first_account
from tokenry.storage.database import retried
from tokenry.storage.shortenings import begin_shortening, claim_shortening, find_shortening

_ENDLESS = Fault("Must have a maximum lifetime to shorten tokens to", "shorten_existing")


class PolicyChanges:
    """The use cases. Each raises Forbidden for anybody but an administrator of the first account.

    Nor may a token change it that an OAuth client was given. Users and tokens of other accounts are counted, not named.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def get_policy(self, actor: Actor) -> tuple[Policy, Shortening | None]:
        """Read the whole policy, and the last shortening of tokens that was asked for."""
        with self._transactions.read() as connection:
            _require_governor(connection, actor, get_reader(connection, actor))
            return stored.get_policy(connection), find_shortening(connection)

    def preview_change(self, actor: Actor, wanted: PolicyChange, *, shorten: bool = False) -> Preview:
        """Say what a change would make of the policy, and do. Raises Invalid with every fault."""
        raise_faults(wanted.faults)
        now, account_id = self._transactions.now(), actor.account_id
        with self._transactions.read() as connection:
            user = get_reader(connection, actor)
            _require_governor(connection, actor, user)
            before = stored.get_policy(connection)
            after = _apply(wanted, before, shorten=shorten)
            lifetime, most, concerned = after.lifetime_max, after.tokens_per_user_max, after.second_factor
            outliving, outliving_users = Outliving(), tuple[OutlivingUser, ...]()
            if lifetime is not None:
                outliving = effects.count_outliving(connection, lifetime, now, account_id=account_id)
                outliving_users = (
                    *effects.list_outliving_users(connection, lifetime, now, account_id=account_id, limit=NAMED_MAX),
                )
            factorless = effects.find_factorless(connection, concerned, account_id=account_id, limit=NAMED_MAX)
            return Preview(
                before=before,
                after=after,
                differences=list_differences(before, after, effects.count_users(connection)),
                outliving=outliving,
                outliving_users=outliving_users,
                factorless=replace(factorless, oneself=concerned.includes(admin=user.admin) and not user.second_factor),
                without_room=0 if most is None else effects.count_without_room(connection, most, now),
            )

    def list_outliving(self, actor: Actor, lifetime: timedelta | None, request: PageRequest) -> Page[OutlivingToken]:
        """List the tokens of the account that outlive a maximum lifetime, or else that of the policy, by id."""
        now = self._transactions.now()
        with self._transactions.read() as connection:
            _require_governor(connection, actor, get_reader(connection, actor))
            lifetime = lifetime or stored.get_policy(connection).lifetime_max
            if lifetime is None:
                return Page((), request, 0)
            return effects.list_outliving(connection, lifetime, now, account_id=actor.account_id, request=request)

    @retried
    def change_policy(
        self, origin: Origin, wanted: PolicyChange, *, version: str | None = None, shorten: bool = False
    ) -> tuple[Policy, Shortening | None]:
        """Change the policy: who reads it from now on keeps to it.

        With `shorten`, tokens that outlive it are shortened as well, by a job. With a `version` it is that policy which
        is changed. Raises Invalid with every fault; Conflict for a policy of another version.
        """
        raise_faults(wanted.faults)
        with self._transactions.change(origin) as change:
            connection = change.connection
            before = stored.claim_policy(connection)
            earlier = claim_shortening(connection)
            _require_governor(connection, change.actor, get_writer(change))
            if version not in {None, before.version}:
                reason = "The policy was changed meanwhile: look again at what your change would do"
                raise Conflict(Fault(reason, "version"))
            after = _apply(wanted, before, shorten=shorten)
            if after != before:
                stored.store_policy(connection, after)
                change.record(PolicySet(before, after, change.actor.account_id))
            if shorten and after.lifetime_max is not None:
                begin_shortening(connection, earlier, after.lifetime_max, origin, change.now)
                return after, find_shortening(connection)
            return after, earlier


def _require_governor(connection: Connection, actor: Actor, user: User) -> None:
    """Raise Forbidden for who does not manage the account that the installation began with, by a token of its own."""
    require_administrator(user)
    first = find_first_account(connection)
    if user.proxy or actor.client_id is not None or first is None or user.account_id != first.id:
        raise Forbidden


def _apply(wanted: PolicyChange, policy: Policy, *, shorten: bool) -> Policy:
    """The policy as it is to be. Raises Invalid where there is nothing to shorten tokens to."""
    after = wanted.applied_to(policy)
    if shorten and after.lifetime_max is None:
        raise Invalid(_ENDLESS)
    return after
