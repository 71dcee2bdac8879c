"""Statements on accounts and users."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from tokenry.domain.accounts import Account, User
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import accounts, credentials, tokens, users


def create_account(connection: Connection, *, euuid: str, company: str, created: datetime) -> Account:
    """Store an account."""
    row = {"euuid": euuid, "company": company, "created_at": to_seconds(created)}
    account_id = connection.execute(insert(accounts).values(row).returning(accounts.c.id)).scalar_one()
    return Account(id=account_id, euuid=euuid, company=company)


def find_first_account(connection: Connection) -> Account | None:
    """Find the account that the installation began with."""
    row = connection.execute(
        select(accounts.c.id, accounts.c.euuid, accounts.c.company).order_by(accounts.c.id).limit(1)
    ).one_or_none()
    return None if row is None else Account(id=row.id, euuid=row.euuid, company=row.company)


def create_user(
    connection: Connection, *, account_id: int, username: str, email: str, admin: bool, created: datetime
) -> User:
    """Store a user. The name is unique by the database's word: IntegrityError if it is taken."""
    row = {
        "account_id": account_id,
        "username": username,
        "email": email,
        "admin": admin,
        "created_at": to_seconds(created),
    }
    user_id = connection.execute(insert(users).values(row).returning(users.c.id)).scalar_one()
    return User(
        id=user_id,
        account_id=account_id,
        username=username,
        email=email,
        admin=admin,
        created=created,
        disabled=None,
    )


def find_user(connection: Connection, username: str) -> User | None:
    """Find a user by name."""
    row = connection.execute(_select_users().where(users.c.username == username)).one_or_none()
    return None if row is None else _user(row)


def list_users(connection: Connection, now: datetime) -> Sequence[tuple[User, int]]:
    """List all users by name, each with the number of tokens that open something."""
    open_tokens = (
        select(func.count())
        .select_from(credentials.join(tokens))
        .where(tokens.c.user_id == users.c.id, credentials.c.expires_at > to_seconds(now))
        .scalar_subquery()
        .label("open_tokens")
    )
    rows = connection.execute(_select_users().add_columns(open_tokens).order_by(users.c.username)).all()
    return [(_user(row), row.open_tokens) for row in rows]


def set_disabled(connection: Connection, user_id: int, disabled: datetime | None) -> bool:
    """Disable a user (from that moment) or enable one (None); whether that changed anything."""
    changes = users.c.disabled_at.is_not(None) if disabled is None else users.c.disabled_at.is_(None)
    statement = update(users).where(users.c.id == user_id, changes)
    value = None if disabled is None else to_seconds(disabled)
    return connection.execute(statement.values(disabled_at=value)).rowcount == 1


def _select_users() -> Select[tuple[int, int, str, str, bool, int, int | None]]:
    return select(
        users.c.id,
        users.c.account_id,
        users.c.username,
        users.c.email,
        users.c.admin,
        users.c.created_at,
        users.c.disabled_at,
    )


def _user(row: Row[tuple[int, int, str, str, bool, int, int | None]]) -> User:
    return User(
        id=row.id,
        account_id=row.account_id,
        username=row.username,
        email=row.email,
        admin=row.admin,
        created=from_seconds(row.created_at),
        disabled=None if row.disabled_at is None else from_seconds(row.disabled_at),
    )
