"""Statements on users. A deleted user is not found by any of them."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, exists, func, insert, or_, select, update

from tokenry.domain.errors import NotFound
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.metadata import NO_METADATA
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.profile import Profile
from tokenry.domain.scopes import EVERYTHING, Scopes, stored_scopes
from tokenry.domain.texts import fold
from tokenry.domain.users import User, UserType
from tokenry.storage.changes import execute_unread, name_these
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import filtered, ordered
from tokenry.storage.metadata import from_column, to_column
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.schema import accounts, authenticators, credentials, oauth_clients, passkeys, tokens, users
from tokenry.storage.tokens import PERSONAL, lives

_COLUMNS = {
    "id": users.c.id,
    "username": users.c.username,
    "email": users.c.email,
    "external_id": users.c.external_id,
    "metadata": users.c.metadata,
}


def create_user(
    connection: Connection,
    *,
    account_id: int,
    username: str,
    email: str,
    admin: bool,
    created: datetime,
    proxy: bool = False,
    service: bool = False,
    external_id: str | None = None,
    metadata: str = NO_METADATA,
) -> User:
    """Store a user. The name is unique by the database's word, in any case: IntegrityError if it is taken."""
    row = {
        "account_id": account_id,
        "username": username,
        "username_folded": fold(username),
        "email": email,
        "admin": admin,
        "created_at": to_seconds(created),
        "proxy": proxy,
        "service": service,
        "external_id": external_id,
        "metadata": to_column(metadata),
    }
    user_id = connection.execute(insert(users).values(row).returning(users.c.id)).scalar_one()
    return read_user(connection.execute(select_users().where(users.c.id == user_id)).one())


def set_language(connection: Connection, user_id: int, language: str) -> None:
    """Store in which language a user is spoken to."""
    execute_unread(connection, update(users).where(users.c.id == user_id).values(language=language))


def find_user(connection: Connection, username: str, *, account_id: int | None = None) -> User | None:
    """Find a user by name, in one account if it is named."""
    own = () if account_id is None else (users.c.account_id == account_id,)
    row = connection.execute(select_users().where(users.c.username == username, *own)).one_or_none()
    return None if row is None else read_user(row)


def find_managed(connection: Connection, external_id: str, *, account_id: int) -> User | None:
    """Find a user of an account by a product's name for it."""
    own = (users.c.account_id == account_id) & (users.c.external_id == external_id)
    row = connection.execute(select_users().where(own)).one_or_none()
    return None if row is None else read_user(row)


def find_user_by_id(connection: Connection, user_id: int) -> User | None:
    """Find a user by id."""
    row = connection.execute(_select_user_by_id(), {"user_id": user_id}).one_or_none()
    return None if row is None else read_user(row)


def get_user(connection: Connection, user_id: int) -> User:
    """Read a user. Raises NotFound, also for one who was deleted."""
    user = find_user_by_id(connection, user_id)
    if user is None:
        raise NotFound
    return user


def find_proxy(connection: Connection, account_id: int) -> User | None:
    """Find the parent account's user in a child account."""
    own = (users.c.account_id == account_id) & users.c.proxy
    row = connection.execute(select_users().where(own)).one_or_none()
    return None if row is None else read_user(row)


def find_profile(connection: Connection, user_id: int) -> Profile | None:
    """Find a user with the settings."""
    row = connection.execute(_select_profile(), {"user_id": user_id}).one_or_none()
    if row is None:
        return None
    return Profile(
        user=read_user(row),
        timezone=row.timezone,
        email_notifications=row.email_notifications,
        ip_whitelist_enabled=row.ip_whitelist_enabled,
        lish_auth_method=row.lish_auth_method,
        authorized_keys=tuple(json.loads(row.authorized_keys or "[]")),
        language=row.language,
    )


def list_users(
    connection: Connection, *, account_id: int, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[User]:
    """List an account's users."""
    own = select(users.c.id).where(users.c.account_id == account_id, users.c.deleted_at.is_(None))
    return _page(connection, own, request, filter)


def list_managed(
    connection: Connection, *, account_id: int, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[User]:
    """List those of an account's users whom a product has a name for, and who may be managed."""
    own = select(users.c.id).where(
        users.c.account_id == account_id,
        users.c.external_id.is_not(None),
        ~users.c.admin & ~users.c.service & ~users.c.proxy,
    )
    return _page(connection, own, request, filter)


def list_service_accounts(
    connection: Connection, *, account_id: int, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[User]:
    """List an account's service accounts."""
    own = select(users.c.id).where(
        users.c.account_id == account_id,
        users.c.service,
        users.c.deleted_at.is_(None),
        users.c.id.not_in(_of_clients(account_id)),
    )
    return _page(connection, own, request, filter)


def _page(connection: Connection, own: Select[tuple[int]], request: PageRequest, filter: Filter) -> Page[User]:
    """One page of the users with these ids, as a filter says."""
    found = filtered(own, filter, _COLUMNS, {})
    return page_of(connection, pages_of(found, ordered(select_users(), filter, _COLUMNS)), request, read_user)


def list_all_users(connection: Connection, now: datetime, *, after: str = "", limit: int) -> Sequence[tuple[User, int]]:
    """List users of all accounts by name, from the one after `after`, each with the number of its live tokens.

    Access tokens are not counted.
    """
    rows = connection.execute(select_users().where(users.c.username > after).order_by(users.c.username).limit(limit))
    found = [read_user(row) for row in rows.all()]
    own = tokens.c.user_id.in_([user.id for user in found]) & PERSONAL
    counted = select(tokens.c.user_id, func.count().label("live")).where(own, lives(now)).group_by(tokens.c.user_id)
    counts = {row.user_id: row.live for row in connection.execute(counted)}
    return [(user, counts.get(user.id, 0)) for user in found]


def set_disabled(connection: Connection, user_id: int, disabled: datetime | None, *, by_backend: bool = False) -> bool:
    """Disable a user (from that moment) or enable one (None); whether that changed anything.

    Whoever is no backend takes over a user whom a backend disabled.
    """
    statement = update(users).where(users.c.id == user_id)
    if disabled is None:
        changed = statement.where(users.c.disabled_at.is_not(None)).values(disabled_at=None, disabled_by_backend=False)
    else:
        let_in = users.c.disabled_at.is_(None)
        open_to = let_in if by_backend else or_(let_in, users.c.disabled_by_backend)
        since = func.coalesce(users.c.disabled_at, to_seconds(disabled))
        changed = statement.where(open_to).values(disabled_at=since, disabled_by_backend=by_backend)
    return connection.execute(changed).rowcount == 1


def keep_user(connection: Connection, user_id: int) -> User | None:
    """Find a user, and keep it from being claimed until the transaction ends.

    For making a token: any number are made at once.
    """
    row = connection.execute(_keep_user(), {"user_id": user_id}).one_or_none()
    return None if row is None else read_user(row)


@cache
def _keep_user() -> Select[Any]:
    return _select_user_by_id().with_for_update(read=True, key_share=True, of=users)


def lock_user(connection: Connection, user_id: int) -> None:
    """Make others who lock or claim a user wait until the transaction ends; those who only keep it go on.

    For changing a token of the user: before any of that token's rows is locked.
    """
    connection.execute(select(users.c.id).where(users.c.id == user_id).with_for_update(key_share=True))


def lock_owners(connection: Connection, token_ids: Sequence[int]) -> None:
    """Lock the users whose tokens these are, in the order of their ids."""
    _lock_those(connection, select(tokens.c.user_id).where(tokens.c.id.in_(token_ids)))


def lock_entered(connection: Connection, user_id: int) -> None:
    """Lock the proxy users that a user has live tokens of, in the order of their ids."""
    entered = (tokens.c.delegated_by == user_id) & tokens.c.revoked_at.is_(None)
    _lock_those(connection, select(tokens.c.user_id).where(entered))


def claim_user(connection: Connection, user_id: int) -> None:
    """Wait for what a user is doing, and keep the user from doing more until the transaction ends."""
    connection.execute(select(users.c.id).where(users.c.id == user_id).with_for_update())


def has_other_administrator(connection: Connection, user: User) -> bool:
    """Whether the account would have an enabled administrator of its own without this user."""
    others = (
        (users.c.account_id == user.account_id)
        & (users.c.id != user.id)
        & users.c.admin
        & ~users.c.proxy
        & users.c.disabled_at.is_(None)
    )
    return connection.execute(select(users.c.id).where(others).limit(1)).first() is not None


def is_service(connection: Connection, user_id: int) -> bool:
    """Whether a user is a program's."""
    return bool(connection.execute(select(users.c.service).where(users.c.id == user_id)).scalar_one())


def is_of_client(connection: Connection, user: User) -> bool:
    """Whether this is who an OAuth client is when it acts for itself."""
    found = _of_clients(user.account_id).where(oauth_clients.c.service_user_id == user.id)
    return connection.execute(found).first() is not None


def _of_clients(account_id: int) -> Select[tuple[int]]:
    own = oauth_clients.c.account_id == account_id
    return select(oauth_clients.c.service_user_id).where(own, oauth_clients.c.service_user_id.is_not(None))


def find_ceiling(connection: Connection, user_id: int) -> Scopes:
    """Find the most that a user's new tokens may do."""
    ceiling = connection.execute(select(users.c.ceiling).where(users.c.id == user_id)).scalar_one()
    return EVERYTHING if ceiling is None else stored_scopes(ceiling)


def set_user(connection: Connection, user: User) -> bool:
    """Store what can change about a user, who is claimed, but for the name; whether there is such a user."""
    values = {
        "email": user.email,
        "admin": user.admin,
        "child_account_access": user.child_account_access,
        "ceiling": None if user.ceiling.everything else str(user.ceiling),
        "external_id": user.external_id,
        "metadata": to_column(user.metadata),
    }
    name_these(connection, credentials.c.token_id.in_(select(tokens.c.id).where(tokens.c.user_id == user.id)))
    return execute_unread(connection, update(users).where(users.c.id == user.id).values(values)) == 1


def rename_user(connection: Connection, user_id: int, username: str) -> bool:
    """Give a user another name. IntegrityError if it is taken; whether there is such a user."""
    statement = update(users).where(users.c.id == user_id)
    return connection.execute(statement.values(username=username, username_folded=fold(username))).rowcount == 1


def delete_user(connection: Connection, user: User, now: datetime) -> bool:
    """Hide a user from every look-up; whether it was there. The row stays, for the audit.

    No user can ask for the row's new name, which has colons. The old one is free by the word of this table; whether
    it is reserved is for `storage/usernames.py`.
    """
    statement = update(users).where(users.c.id == user.id, users.c.deleted_at.is_(None))
    values = {
        "username": f"deleted:{user.id}:{user.username}",
        "username_folded": None,
        "email": "",
        "external_id": None,
        "metadata": None,
        "disabled_at": to_seconds(now),
        "deleted_at": to_seconds(now),
    }
    return connection.execute(statement.values(values)).rowcount == 1


def set_profile(connection: Connection, user_id: int, profile: Profile) -> bool:
    """Store the address and the settings; whether there is such a user."""
    values = {
        "email": profile.user.email,
        "timezone": profile.timezone,
        "email_notifications": profile.email_notifications,
        "ip_whitelist_enabled": profile.ip_whitelist_enabled,
        "lish_auth_method": profile.lish_auth_method,
        "authorized_keys": json.dumps(profile.authorized_keys) if profile.authorized_keys else None,
        "language": profile.language,
    }
    return execute_unread(connection, update(users).where(users.c.id == user_id).values(values)) == 1


def _lock_those(connection: Connection, ids: Select[tuple[int]]) -> None:
    connection.execute(
        select(users.c.id).where(users.c.id.in_(ids)).order_by(users.c.id).with_for_update(key_share=True)
    )


@cache
def select_users() -> Select[Any]:
    """Select users that `read_user` reads."""
    child = accounts.alias("child")
    has_children = exists().where(child.c.parent_id == users.c.account_id)
    # Looked up for each user: for EXISTS, PostgreSQL reads the whole table where it lists many.
    has_authenticator, has_passkey = (
        select(of.c.user_id).where(of.c.user_id == users.c.id).limit(1).scalar_subquery().is_not(None)
        for of in (authenticators, passkeys)
    )
    return (
        select(
            users.c.id,
            users.c.account_id,
            users.c.username,
            users.c.email,
            users.c.admin,
            users.c.created_at,
            users.c.disabled_at,
            users.c.proxy,
            users.c.child_account_access,
            users.c.ceiling,
            users.c.service,
            users.c.external_id,
            users.c.metadata,
            users.c.disabled_by_backend,
            accounts.c.parent_id,
            has_children.label("has_children"),
            or_(has_authenticator, has_passkey).label("second_factor"),
        )
        .join(accounts)
        .where(users.c.deleted_at.is_(None))
    )


@cache
def _select_user_by_id() -> Select[Any]:
    """Made once: it is needed for every change that a user makes."""
    return select_users().where(users.c.id == bindparam("user_id"))


@cache
def _select_profile() -> Select[Any]:
    return _select_user_by_id().add_columns(
        users.c.timezone,
        users.c.email_notifications,
        users.c.ip_whitelist_enabled,
        users.c.lish_auth_method,
        users.c.authorized_keys,
        users.c.language,
    )


def read_user(row: Row[Any]) -> User:
    """Read what `select_users` selects."""
    return User(
        id=row.id,
        account_id=row.account_id,
        username=row.username,
        email=row.email,
        admin=row.admin,
        created=from_seconds(row.created_at),
        disabled=None if row.disabled_at is None else from_seconds(row.disabled_at),
        type=_type(row),
        child_account_access=row.child_account_access,
        second_factor=row.second_factor,
        ceiling=EVERYTHING if row.ceiling is None else stored_scopes(row.ceiling),
        service=row.service,
        external_id=row.external_id,
        metadata=from_column(row.metadata),
        disabled_by_backend=row.disabled_by_backend,
    )


def _type(row: Row[Any]) -> UserType:
    if row.proxy:
        return UserType.PROXY
    if row.parent_id is not None:
        return UserType.CHILD
    return UserType.PARENT if row.has_children else UserType.DEFAULT
