"""Statements on page tokens.

One opens while its user is enabled and somebody's to manage, and the token that made it opens and may do so.
"""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, select

from tokenry.domain.accounts import Actor
from tokenry.domain.managed import Managed
from tokenry.domain.page_tokens import PageToken
from tokenry.domain.policy import UserKind
from tokenry.domain.scopes import NOTHING
from tokenry.domain.secrets import Keyed
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.pruning import some_of
from tokenry.storage.schema import accounts, credentials, page_tokens, tokens, users

_makers = users.alias("makers")


def insert_page_token(
    connection: Connection, keyed: Keyed, *, user_id: int, token_id: int, now: datetime, expires: datetime
) -> None:
    """Store one for a user, made by a token."""
    row = {
        **keyed._asdict(),
        "user_id": user_id,
        "token_id": token_id,
        "created_at": to_seconds(now),
        "expires_at": to_seconds(expires),
    }
    connection.execute(insert(page_tokens).values(row))


def find_page_token(connection: Connection, preview: str, *, now: datetime) -> tuple[PageToken, bytes, int] | None:
    """Find one that opens by its preview, with the digest of its secret and its generation."""
    row = connection.execute(_find(), {"preview": preview, "now": to_seconds(now)}).first()
    if row is None:
        return None
    maker = Actor(
        token_id=row.token_id,
        scopes=NOTHING,
        expires_at=row.expires_at,
        user_id=row.maker_id,
        username=row.maker,
        account_id=row.account_id,
        account_euuid=row.euuid,
        preview=preview,
        admin=row.admin,
    )
    found = PageToken(maker, Managed(row.user_id, row.username), from_seconds(row.expires_at))
    return found, row.digest, row.pepper_generation


def keep_page_open(connection: Connection, preview: str, *, now: datetime) -> UserKind | None:
    """Keep one open until the transaction ends: which kind of user made it, or None if it opens nothing.

    Whatever ends it waits: the user, its maker, and the token by which it was made.
    """
    row = connection.execute(_keep_open(), {"preview": preview, "now": to_seconds(now)}).first()
    return None if row is None else UserKind.of(admin=row.admin, proxy=row.proxy, service=row.service)


def delete_page_tokens_of(connection: Connection, user_id: int) -> int:
    """End all of a user who is claimed; how many there were."""
    return connection.execute(delete(page_tokens).where(page_tokens.c.user_id == user_id)).rowcount


def delete_expired_page_tokens(connection: Connection, now: datetime) -> int:
    """Delete some of those that expired, oldest first; how many. Waits for nobody."""
    oldest = select(page_tokens.c.preview).where(page_tokens.c.expires_at <= to_seconds(now))
    oldest = some_of(oldest.order_by(page_tokens.c.expires_at))
    return connection.execute(delete(page_tokens).where(page_tokens.c.preview.in_(oldest))).rowcount


def _open(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(page_tokens)
        .join(users, users.c.id == page_tokens.c.user_id)
        .join(tokens, tokens.c.id == page_tokens.c.token_id)
        .join(_makers, _makers.c.id == tokens.c.user_id)
        .join(credentials, credentials.c.token_id == tokens.c.id)
        .where(
            page_tokens.c.preview == bindparam("preview"),
            page_tokens.c.expires_at > bindparam("now"),
            users.c.disabled_at.is_(None),
            users.c.deleted_at.is_(None),
            ~users.c.admin & ~users.c.service & ~users.c.proxy,
            _makers.c.disabled_at.is_(None),
            _makers.c.admin | _makers.c.service,
            credentials.c.expires_at > bindparam("now"),
        )
    )


@cache
def _find() -> Select[Any]:
    found = _open(
        page_tokens.c.digest,
        page_tokens.c.pepper_generation,
        page_tokens.c.expires_at,
        page_tokens.c.token_id,
        users.c.id.label("user_id"),
        users.c.username,
        users.c.account_id,
        _makers.c.id.label("maker_id"),
        _makers.c.username.label("maker"),
        _makers.c.admin,
        accounts.c.euuid,
    )
    return found.join(accounts, accounts.c.id == users.c.account_id)


@cache
def _keep_open() -> Select[Any]:
    kept = _open(_makers.c.admin, _makers.c.proxy, _makers.c.service)
    # Users first, as everybody does; the one who is meant is kept or locked by then.
    return kept.with_for_update(read=True, key_share=True, of=(users, _makers, credentials, page_tokens))
