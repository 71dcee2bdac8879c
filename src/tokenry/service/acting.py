"""Who acts, as the database has it inside the transaction that acts: verification may be a moment ago."""

from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor
from tokenry.domain.errors import Forbidden, NotFound, Unauthorized, raise_faults
from tokenry.domain.managed import MANAGERS, require_managed
from tokenry.domain.policy import UserKind
from tokenry.domain.rotation import reach_faults
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import PAGE, SESSION
from tokenry.domain.tokens import Token
from tokenry.domain.users import User
from tokenry.service.transactions import Change
from tokenry.storage import tokens as stored_tokens
from tokenry.storage import users as stored_users
from tokenry.storage.page_tokens import keep_page_open
from tokenry.storage.sessions import keep_session_open

_KEEP_OPEN = {PAGE.prefix: keep_page_open, SESSION.prefix: keep_session_open}
"""What keeps open what is no token, by what it begins with."""


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

    Returns which kind of user it is of, of a page token who made it. Raises Unauthorized.
    """
    keep_open = _KEEP_OPEN.get(actor.preview[: len(PAGE.prefix)], stored_tokens.keep_open)
    kind = keep_open(connection, actor.preview, now=now)
    if kind is None:
        raise Unauthorized
    return kind


def require_owner(change: Change) -> UserKind:
    """Refuse a secret that no longer opens its token, and whoever no longer manages the user who is meant, if any.

    Returns which kind of user it is whose tokens are meant, and who is kept or locked. Raises Forbidden, Unauthorized,
    and NotFound where that user is gone.
    """
    kind = require_open(change.connection, change.actor, now=change.now)
    if change.origin.managed is None:
        return kind
    if kind not in MANAGERS:
        raise Forbidden
    return get_managed(change.connection, change.actor, change.owner_id).kind


def require_maker(change: Change) -> UserKind:
    """The same, and refuse a proxy user, who may list, view and revoke tokens. Raises Forbidden, Unauthorized."""
    kind = require_owner(change)
    if kind is UserKind.PROXY:
        raise Forbidden
    return kind


def get_managed(connection: Connection, actor: Actor, user_id: int) -> User:
    """A user whom managers of the account manage. Raises NotFound, and Forbidden for one whom nobody does."""
    user = stored_users.get_user(connection, user_id)
    if user.account_id != actor.account_id or user.external_id is None:
        raise NotFound
    require_managed(user)
    return user


def find_reach(change: Change) -> Scopes:
    """The most that what is made may do: as much as the acting token, or what its service account may give users."""
    if change.origin.managed is None:
        actor = change.actor
        scopes = None if change.origin.page_token else stored_tokens.find_scopes(change.connection, actor.token_id)
        if scopes is None:
            return actor.scopes
        # What verification read may have been narrowed since.
        return actor.scopes.within(scopes.managing() if actor.admin else scopes)
    return stored_users.find_ceiling(change.connection, change.actor.user_id).by(change.implied)


def require_reach(change: Change, token: Token) -> None:
    """Refuse a secret of a token that may do more than what is made may. Raises Invalid.

    The acting token gets one of its own, also if it was made with scopes that the catalogue has no more.
    """
    if token.id != change.actor.token_id:
        raise_faults(reach_faults(find_reach(change), token))
