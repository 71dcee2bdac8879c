"""Who acts, as the database has it inside the transaction that acts: verification may be a moment ago."""

from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor
from tokenry.domain.errors import Forbidden, Unauthorized
from tokenry.domain.policy import UserKind
from tokenry.domain.users import User
from tokenry.service.transactions import Change
from tokenry.storage import tokens as stored_tokens
from tokenry.storage import users as stored_users


def get_reader(connection: Connection, actor: Actor) -> User:
    """The user behind a token, for an answer that changes nothing. Raises Unauthorized if that user is gone."""
    user = stored_users.find_user_by_id(connection, actor.user_id)
    if user is None:
        raise Unauthorized
    return user


def get_writer(change: Change) -> User:
    """The user behind a secret that still opens. Raises Unauthorized."""
    require_open(change.connection, change.actor, now=change.now)
    return get_reader(change.connection, change.actor)


def require_open(connection: Connection, actor: Actor, *, now: datetime) -> UserKind:
    """Refuse a secret revoked since it was verified: inside the transaction, so nothing it makes outlives it.

    Returns which kind of user it is of. Raises Unauthorized.
    """
    kind = stored_tokens.keep_open(connection, actor.preview, now=now)
    if kind is None:
        raise Unauthorized
    return kind


def require_maker(change: Change) -> UserKind:
    """Refuse a proxy user, who may list, view and revoke tokens, and a secret that no longer opens its token.

    Returns which kind of user it is of. Raises Forbidden, Unauthorized.
    """
    kind = require_open(change.connection, change.actor, now=change.now)
    if kind is UserKind.PROXY:
        raise Forbidden
    return kind
