"""Statements on accounts."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from tokenry.domain.accounts import CONTACT_FIELDS, NO_CONTACT, SETTINGS, Account, Contact
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.storage.changes import execute_unread
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import filtered, ordered
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.schema import accounts

_COLUMNS = {name: accounts.c[name] for name in ("id", *SETTINGS)}


def create_account(
    connection: Connection,
    *,
    euuid: str,
    company: str,
    created: datetime,
    contact: Contact = NO_CONTACT,
    parent_id: int | None = None,
) -> Account:
    """Store an account."""
    row = {
        "euuid": euuid,
        "company": company,
        "created_at": to_seconds(created),
        "parent_id": parent_id,
        **asdict(contact),
    }
    account_id = connection.execute(insert(accounts).values(row).returning(accounts.c.id)).scalar_one()
    return get_account(connection, account_id)


def get_account(connection: Connection, account_id: int) -> Account:
    """Read an account that is known to be there: accounts are never deleted."""
    return _account(connection.execute(select(accounts).where(accounts.c.id == account_id)).one())


def find_first_account(connection: Connection) -> Account | None:
    """Find the account that the installation began with."""
    row = connection.execute(select(accounts).order_by(accounts.c.id).limit(1)).one_or_none()
    return None if row is None else _account(row)


def find_account(connection: Connection, euuid: str) -> Account | None:
    """Find an account."""
    row = connection.execute(select(accounts).where(accounts.c.euuid == euuid)).one_or_none()
    return None if row is None else _account(row)


def find_accounts(connection: Connection, text: str) -> Sequence[Account]:
    """Find the account with this euuid, else those of this name: names are not unique, and may look like an euuid."""
    identified = find_account(connection, text.upper())
    if identified is not None:
        return [identified]
    named = select(accounts).where(accounts.c.company == text).order_by(accounts.c.id)
    return [_account(row) for row in connection.execute(named)]


def list_accounts(connection: Connection) -> Sequence[Account]:
    """List all accounts, the oldest first."""
    return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.id))]


def list_children(
    connection: Connection, *, parent_id: int, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[Account]:
    """List the child accounts of an account."""
    found = filtered(select(accounts.c.id).where(accounts.c.parent_id == parent_id), filter, _COLUMNS, {})
    return page_of(connection, pages_of(found, ordered(select(accounts), filter, _COLUMNS)), request, _account)


def find_child(connection: Connection, euuid: str, *, parent_id: int) -> Account | None:
    """Find a child account of an account."""
    row = connection.execute(_select_child(euuid, parent_id)).one_or_none()
    return None if row is None else _account(row)


def lock_child(connection: Connection, euuid: str, *, parent_id: int) -> Account | None:
    """Find a child account as `find_child` does, and lock it as `lock_account` does: it stays one meanwhile."""
    row = connection.execute(_select_child(euuid, parent_id).with_for_update(key_share=True)).one_or_none()
    return None if row is None else _account(row)


def set_account(connection: Connection, account: Account) -> bool:
    """Store what can change about an account; whether there is such an account."""
    statement = update(accounts).where(accounts.c.id == account.id).values(**account.settings)
    return execute_unread(connection, statement) == 1


def detach_account(connection: Connection, account_id: int) -> bool:
    """Detach a child account from its parent; False if it had none."""
    statement = update(accounts).where(accounts.c.id == account_id, accounts.c.parent_id.is_not(None))
    return execute_unread(connection, statement.values(parent_id=None)) == 1


def lock_account(connection: Connection, account_id: int) -> None:
    """Make others who lock it wait until this transaction ends: what is decided about its users is decided in turn."""
    statement = select(accounts.c.id).where(accounts.c.id == account_id)
    connection.execute(statement.with_for_update(key_share=True))


def _select_child(euuid: str, parent_id: int) -> Select[Any]:
    return select(accounts).where(accounts.c.euuid == euuid, accounts.c.parent_id == parent_id)


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        euuid=row.euuid,
        company=row.company,
        created=from_seconds(row.created_at),
        contact=Contact(**{name: getattr(row, name) for name in CONTACT_FIELDS}),
        parent_id=row.parent_id,
    )
