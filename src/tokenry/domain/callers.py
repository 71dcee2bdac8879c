"""Who may call an operation: what stands in a route table beside the scope."""

from collections.abc import Callable
from enum import Enum

from tokenry.domain.errors import Forbidden
from tokenry.domain.managed import require_manager
from tokenry.domain.users import User, UserType


class Callers(Enum):
    """Those who may call. Each but ANYBODY presents a token whose scopes suffice."""

    ANYBODY = "no token is looked at"
    USERS = "every user"
    ADMINISTRATORS = "users who manage their account"
    MANAGERS = "service accounts, and administrators"
    PARENTS = "users of a parent account who may enter its child accounts"


def require_administrator(user: User) -> None:
    """Raise Forbidden for a user who does not manage the account."""
    if user.restricted:
        raise Forbidden


def require_inspector(user: User) -> None:
    """Raise Forbidden for a user who is told nothing of the account's tokens: no administrator, no service account."""
    if user.restricted and not user.service:
        raise Forbidden


def require_parent(user: User) -> None:
    """Raise Forbidden for a user who may not enter child accounts, or has none to enter."""
    if user.type is not UserType.PARENT or not user.enters_children:
        raise Forbidden


RULES: dict[Callers, Callable[[User], None]] = {
    Callers.ADMINISTRATORS: require_administrator,
    Callers.MANAGERS: require_manager,
    Callers.PARENTS: require_parent,
}
"""What has to hold for a user beyond a valid token. For whom there is no rule, the database need not be asked."""
