"""Statements on accounts."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from tokenry.domain.accounts import NO_CONTACT, Account, Contact
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import CONTACT_FIELDS, accounts


def create_account(
    connection: Connection, *, euuid: str, company: str, created: datetime, contact: Contact = NO_CONTACT
) -> Account:
    """Store an account."""
    row = {"euuid": euuid, "company": company, "created_at": to_seconds(created), **asdict(contact)}
    account_id = connection.execute(insert(accounts).values(row).returning(accounts.c.id)).scalar_one()
    return Account(id=account_id, euuid=euuid, company=company, created=created, contact=contact)


def get_account(connection: Connection, account_id: int) -> Account:
    """Read the account of a user, which is always there."""
    return _account(connection.execute(select(accounts).where(accounts.c.id == account_id)).one())


def find_first_account(connection: Connection) -> Account | None:
    """Find the account that the installation began with."""
    row = connection.execute(select(accounts).order_by(accounts.c.id).limit(1)).one_or_none()
    return None if row is None else _account(row)


def lock_account(connection: Connection, account_id: int) -> None:
    """Make others who lock it wait until this transaction ends: what is decided about its users is decided in turn."""
    statement = select(accounts.c.id).where(accounts.c.id == account_id)
    connection.execute(statement.with_for_update(key_share=True))


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        euuid=row.euuid,
        company=row.company,
        created=from_seconds(row.created_at),
        contact=Contact(**{name: getattr(row, name) for name in CONTACT_FIELDS}),
    )
