"""Statements on how many tokens an account has, and of which kind: counted now and then, and kept by day."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from tokenry.domain.overview import EXPIRING_SOON, LONG_UNUSED, Gauge
from tokenry.domain.tokens import NEVER_SECONDS
from tokenry.domain.usage import DAYS_KEPT, date_of, day_of, last_days
from tokenry.storage.database import to_seconds
from tokenry.storage.schema import account_counts, accounts, token_uses, tokens, users
from tokenry.storage.tokens import PERSONAL, lives
from tokenry.storage.usage import upsert_rows


def list_accounts_after(connection: Connection, last: int, limit: int) -> Sequence[int]:
    """List the ids of some accounts, which follow one."""
    statement = select(accounts.c.id).where(accounts.c.id > last).order_by(accounts.c.id).limit(limit)
    return connection.execute(statement).scalars().all()


def store_gauges(connection: Connection, account_ids: Sequence[int], now: datetime) -> None:
    """Count the live tokens of some accounts, and keep the numbers as those of today."""
    at = to_seconds(now)
    soon, long_ago = to_seconds(now + EXPIRING_SOON), to_seconds(now - LONG_UNUSED)
    kinds = {
        Gauge.EXPIRING: tokens.c.expires_at <= soon,
        Gauge.ENDLESS: tokens.c.expires_at >= NEVER_SECONDS,
        Gauge.ALL_SCOPES: tokens.c.scopes == "*",
        Gauge.UNUSED: func.coalesce(token_uses.c.used_at, tokens.c.created_at) < long_ago,
    }
    counted = (
        select(
            users.c.account_id,
            func.count().label(Gauge.LIVE.value),
            *(func.sum(case((holds, 1), else_=0)).label(gauge.value) for gauge, holds in kinds.items()),
        )
        .select_from(tokens.join(users, tokens.c.user_id == users.c.id).outerjoin(token_uses))
        .where(users.c.account_id.in_(account_ids), PERSONAL, lives(now))
        .group_by(users.c.account_id)
    )
    found = {row["account_id"]: row for row in connection.execute(counted).mappings()} if account_ids else {}
    rows = [
        {
            "account_id": account_id,
            "day": day_of(at),
            "result": gauge.value,
            "number": int(found[account_id][gauge.value]) if account_id in found else 0,
        }
        for account_id in sorted(account_ids)
        for gauge in sorted(Gauge)
    ]
    upsert_rows(connection, account_counts, rows, lambda new: {"number": new.number})


def list_numbers(connection: Connection, account_id: int, now: datetime) -> Mapping[str, Mapping[str, int]]:
    """List all numbers of an account by day, the first day first, and by their name; also those of account 0."""
    table, days = account_counts, last_days(now, DAYS_KEPT)
    found = select(table).where(table.c.account_id == account_id, table.c.day >= days[0]).order_by(table.c.day)
    numbers: dict[str, dict[str, int]] = {}
    for row in connection.execute(found):
        numbers.setdefault(date_of(row.day).isoformat(), {})[row.result] = row.number
    return numbers
