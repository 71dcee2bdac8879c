"""What a parent account's users do with its child accounts: see them, and enter them for a short time."""

from datetime import timedelta
from itertools import count

from tokenry.domain.accounts import Account, Actor, Origin, proxy_username
from tokenry.domain.callers import require_parent
from tokenry.domain.errors import Forbidden, NotFound
from tokenry.domain.events import UserCreated
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.policy import Rules, UserKind
from tokenry.domain.secrets import Secret
from tokenry.domain.tokens import LABEL_LENGTH_MAX, NewToken, Token
from tokenry.domain.users import User
from tokenry.service.acting import get_reader, get_writer
from tokenry.service.idempotency import do_once
from tokenry.service.policy import policy_in_force
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import accounts as stored
from tokenry.storage import users as stored_users
from tokenry.storage.database import retried
from tokenry.storage.usernames import find_holders

PROXY_TOKEN_RULES = Rules(lifetime_max=timedelta(minutes=15))


class Children:
    """The use cases of child accounts. Each raises Forbidden for a user who may not enter any."""

    def __init__(self, transactions: Transactions, tokens: Tokens) -> None:
        self._transactions = transactions
        self._tokens = tokens

    def list_children(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[Account]:
        """List the child accounts."""
        with self._transactions.read() as connection:
            require_parent(parent := get_reader(connection, actor))
            return stored.list_children(connection, parent_id=parent.account_id, request=request, filter=filter)

    def get_child(self, actor: Actor, euuid: str) -> Account:
        """Read one. Raises NotFound, also for another account's child."""
        with self._transactions.read() as connection:
            require_parent(parent := get_reader(connection, actor))
            child = stored.find_child(connection, euuid, parent_id=parent.account_id)
            if child is None:
                raise NotFound
            return child

    @retried
    def create_token(self, origin: Origin, euuid: str, request: KeyedRequest | None = None) -> tuple[Token, Secret]:
        """Make a token of the parent's user in a child account, for 15 minutes; for the same `request` only once.

        It may do everything there, unless the policy allows proxy users less; the policy's other rules are for those
        who make tokens of their own. Raises NotFound, AlreadyMade.
        """
        with self._transactions.change(origin) as change, policy_in_force(change) as policy:
            require_parent(parent := get_writer(change))
            allowed = policy.most_for(UserKind.PROXY).within(parent.ceiling)
            child = stored.lock_child(change.connection, euuid, parent_id=parent.account_id)
            if child is None:
                raise NotFound

            def make() -> tuple[Token, Secret]:
                proxy = _get_proxy(change, parent, child)
                ending = f"_{parent.id}_{int(change.now.timestamp())}"
                label = f"{parent.username[: LABEL_LENGTH_MAX - len(ending)]}{ending}"
                return self._tokens.issue(
                    change,
                    user_id=proxy.id,
                    limit=allowed,
                    rules=PROXY_TOKEN_RULES,
                    new=NewToken(label=label),
                    delegated_by=parent.id,
                )

            return do_once(change, request, make, lambda made: made[0].id)


def _get_proxy(change: Change, parent: User, child: Account) -> User:
    """The parent account's user in the child account, which is locked: made when it is first needed."""
    connection = change.connection
    proxy = stored_users.find_proxy(connection, child.id)
    if proxy is None:
        company = stored.get_account(connection, parent.account_id).company
        names = (proxy_username(parent_company=company, child_euuid=child.euuid, turn=turn) for turn in count())
        free = next(name for name in names if not find_holders(connection, name))
        return _add_proxy(change, account_id=child.id, username=free)
    if proxy.disabled is not None:
        raise Forbidden
    return proxy


def _add_proxy(change: Change, *, account_id: int, username: str) -> User:
    """Make a parent account's user in a child account, in a change of the caller's. Its name is never reserved."""
    user = stored_users.create_user(
        change.connection,
        account_id=account_id,
        username=username,
        email="",
        admin=True,
        created=change.now,
        proxy=True,
    )
    change.record(UserCreated(user.id, username, admin=True))
    return user
