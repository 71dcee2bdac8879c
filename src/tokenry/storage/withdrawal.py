"""Statements on what clients were given with scopes that the catalogue has no more."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, exists, or_, select, union

from tokenry.storage.database import to_seconds
from tokenry.storage.schema import apps, authorization_codes, device_codes, oauth_grants, tokens


def list_given(connection: Connection, now: datetime) -> Sequence[str]:
    """List what live grants, their access tokens, and codes have in scopes, each text once."""
    at = to_seconds(now)
    places = (
        select(oauth_grants.c.scopes).where(oauth_grants.c.ended_at.is_(None), oauth_grants.c.expires_at > at),
        select(tokens.c.scopes).where(
            tokens.c.grant_id.is_not(None), tokens.c.revoked_at.is_(None), tokens.c.expires_at > at
        ),
        *(select(codes.c.scopes).where(codes.c.expires_at > at) for codes in (authorization_codes, device_codes)),
    )
    return connection.execute(union(*places)).scalars().all()


def lock_grants_with(connection: Connection, scopes: Sequence[str], now: datetime, *, limit: int) -> Sequence[int]:
    """Find some live grants that have one of these texts, themselves or an access token, and lock their apps."""
    at = to_seconds(now)
    theirs = exists().where(
        tokens.c.grant_id == oauth_grants.c.id,
        tokens.c.scopes.in_(scopes),
        tokens.c.revoked_at.is_(None),
        tokens.c.expires_at > at,
    )
    found = connection.execute(
        select(oauth_grants.c.id, oauth_grants.c.app_id)
        .where(
            or_(oauth_grants.c.scopes.in_(scopes), theirs),
            oauth_grants.c.ended_at.is_(None),
            oauth_grants.c.expires_at > at,
        )
        .order_by(oauth_grants.c.id)
        .limit(limit)
    ).all()
    lock = select(apps.c.id).where(apps.c.id.in_({row.app_id for row in found})).order_by(apps.c.id)
    connection.execute(lock.with_for_update(key_share=True))
    return [row.id for row in found]


def forget_codes_with(connection: Connection, scopes: Sequence[str]) -> None:
    """Delete codes that have one of these texts, but for those that somebody has in hand.

    What brought something already stays: used again, it ends that.
    """
    for codes in (authorization_codes, device_codes):
        unused = select(codes.c.preview).where(codes.c.scopes.in_(scopes), codes.c.used_at.is_(None))
        connection.execute(delete(codes).where(codes.c.preview.in_(unused.with_for_update(skip_locked=True))))
