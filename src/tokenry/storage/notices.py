"""Statements on what users are told in time. Each thing is told once: a row that is there already stays as it is."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    String,
    bindparam,
    cast,
    delete,
    insert,
    literal,
    null,
    select,
    update,
)

from tokenry.domain.notices import NETWORKS_MAX, Choices, Notice, NoticeKind, network_of
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.inserts import insert_into
from tokenry.storage.pruning import some_of
from tokenry.storage.schema import notices, seen_networks, tokens, unwanted_notices, users
from tokenry.storage.tokens import PERSONAL
from tokenry.storage.uses import Use

KEPT = timedelta(days=100)
CAUGHT_UP = timedelta(days=2)
"""A notice that is later than that is left to the next, nearer to the end."""
LISTED_MAX = 100


def find_expiring(connection: Connection, now: datetime, days: int) -> Sequence[int]:
    """Find tokens that expire in so many days: since up to CAUGHT_UP, for when nothing ran meanwhile."""
    until = to_seconds(now + timedelta(days=days))
    since = max(to_seconds(now), until - int(CAUGHT_UP.total_seconds()))
    concerned = (
        PERSONAL,
        tokens.c.revoked_at.is_(None),
        tokens.c.expires_at > since,
        tokens.c.expires_at <= until,
        tokens.c.expires_at - tokens.c.created_at > days * 86400,
    )
    return connection.execute(select(tokens.c.id).where(*concerned)).scalars().all()


def note_expiring(connection: Connection, token_ids: Collection[int], now: datetime, days: int) -> None:
    """Tell owners that their tokens expire in so many days."""
    thing = cast(tokens.c.id, String) + f":{days}:" + cast(tokens.c.expires_at, String)
    live = tokens.c.id.in_(token_ids) & tokens.c.revoked_at.is_(None)
    _note(connection, NoticeKind.TOKEN_EXPIRES, thing, now, live)


def note_leaked(connection: Connection, token_id: int, now: datetime) -> None:
    """Tell the owner of a token that it was revoked, since it leaked."""
    _note(connection, NoticeKind.TOKEN_LEAKED, cast(tokens.c.id, String), now, tokens.c.id == token_id)


def note_presented_again(connection: Connection, token_ids: Collection[int], now: datetime) -> None:
    """Tell the owners of revoked tokens that somebody presents them again: once for each token."""
    revoked = tokens.c.id.in_(token_ids) & tokens.c.revoked_at.is_not(None)
    _note(connection, NoticeKind.REVOKED_TOKEN_USED, cast(tokens.c.id, String), now, revoked)


def note_networks(connection: Connection, uses: Sequence[Use]) -> None:
    """Remember from which networks tokens are used, and tell the owner of one that was known at others."""
    used = {
        (use.token_id, network): use.used_at for use in uses if use.address and (network := network_of(use.address))
    }
    if not used:
        return
    ids = {token_id for token_id, _ in used}
    known = select(seen_networks.c.token_id, seen_networks.c.network).where(seen_networks.c.token_id.in_(ids))
    seen = {(row.token_id, row.network) for row in connection.execute(known)}
    counts = Counter(token_id for token_id, _ in seen)
    new = {key: at for key, at in used.items() if key not in seen and counts[key[0]] < NETWORKS_MAX}
    if not new:
        return
    columns = [seen_networks.c.token_id, seen_networks.c.network, seen_networks.c.seen_at]
    row = select(tokens.c.id, bindparam("network", type_=String), bindparam("at", type_=seen_networks.c.seen_at.type))
    statement = insert_into(connection, seen_networks).from_select(
        columns, row.where(tokens.c.id == bindparam("token_id"), PERSONAL)
    )
    rows = [{"token_id": key[0], "network": key[1], "at": at} for key, at in sorted(new.items())]
    connection.execute(statement.on_conflict_do_nothing(), rows)
    for (token_id, network), at in sorted(new.items()):
        if counts[token_id]:
            thing = cast(tokens.c.id, String) + f":{network}"
            _note(connection, NoticeKind.NEW_NETWORK, thing, from_seconds(at), tokens.c.id == token_id, network=network)


def list_notices(connection: Connection, user_id: int) -> Sequence[Notice]:
    """List what a user was told lately and has not dismissed, the newest first."""
    own = _select().where(notices.c.user_id == user_id, notices.c.dismissed_at.is_(None))
    return [_read(row) for row in connection.execute(own.order_by(notices.c.id.desc()).limit(LISTED_MAX)).all()]


def read_notices(connection: Connection, notice_ids: Collection[int]) -> Sequence[Notice]:
    """Read notices, the oldest first."""
    rows = connection.execute(_select().where(notices.c.id.in_(notice_ids)).order_by(notices.c.id)).all()
    return [_read(row) for row in rows]


def dismiss_notice(connection: Connection, notice_id: int, *, user_id: int, now: datetime) -> bool:
    """Note that a user has seen it, and so what was told before of the same; whether it was there."""
    seen = notices.alias()
    same = select(seen.c.id).where(
        seen.c.id == notice_id,
        seen.c.user_id == user_id,
        seen.c.kind == notices.c.kind,
        seen.c.token_id == notices.c.token_id,
        seen.c.network.is_not_distinct_from(notices.c.network),
    )
    own = update(notices).where(notices.c.user_id == user_id, notices.c.id <= notice_id, same.exists())
    return connection.execute(own.values(dismissed_at=to_seconds(now))).rowcount > 0


def find_choices(connection: Connection, user_id: int) -> Choices:
    """What a user wants to be told: everything, unless it is said otherwise."""
    own = select(unwanted_notices.c.kind).where(unwanted_notices.c.user_id == user_id)
    unwanted = set(connection.execute(own).scalars())
    return {kind: kind.value not in unwanted for kind in NoticeKind}


def set_choices(connection: Connection, user_id: int, choices: Choices) -> None:
    """Store what a user wants to be told."""
    connection.execute(delete(unwanted_notices).where(unwanted_notices.c.user_id == user_id))
    rows = [{"user_id": user_id, "kind": kind.value} for kind, wanted in choices.items() if not wanted]
    if rows:
        connection.execute(insert(unwanted_notices), rows)


def delete_old_notices(connection: Connection, now: datetime) -> int:
    """Delete some that were told long ago; how many. Waits for nobody."""
    old = select(notices.c.id).where(notices.c.created_at <= to_seconds(now - KEPT)).order_by(notices.c.created_at)
    return connection.execute(delete(notices).where(notices.c.id.in_(some_of(old)))).rowcount


def _note(
    connection: Connection,
    kind: NoticeKind,
    thing: ColumnElement[str],
    now: datetime,
    *concerned: ColumnElement[bool],
    network: str | None = None,
) -> None:
    """Tell owners of personal tokens who want to be told; service accounts and proxy users are nobody to tell."""
    unwanted = select(unwanted_notices.c.user_id).where(
        unwanted_notices.c.user_id == users.c.id, unwanted_notices.c.kind == kind.value
    )
    people = (users.c.disabled_at.is_(None), ~users.c.service, ~users.c.proxy, ~unwanted.exists())
    about = null() if network is None else literal(network)
    rows = (
        select(users.c.id, literal(kind.value), thing, tokens.c.id, about, literal(to_seconds(now)))
        .join_from(tokens, users, users.c.id == tokens.c.user_id)
        .where(PERSONAL, *concerned, *people)
    )
    columns = ["user_id", "kind", "thing", "token_id", "network", "created_at"]
    connection.execute(insert_into(connection, notices).from_select(columns, rows).on_conflict_do_nothing())


def _select() -> Any:
    told = (notices.c.id, notices.c.kind, notices.c.created_at, notices.c.token_id, notices.c.network)
    of_token = (tokens.c.label, tokens.c.preview, tokens.c.expires_at, tokens.c.revoked_at)
    return select(*told, *of_token).join_from(notices, tokens, tokens.c.id == notices.c.token_id)


def _read(row: Row[Any]) -> Notice:
    return Notice(
        id=row.id,
        kind=NoticeKind(row.kind),
        created=from_seconds(row.created_at),
        token_id=row.token_id,
        label=row.label,
        preview=row.preview,
        expiry=from_seconds(row.expires_at),
        revoked=None if row.revoked_at is None else from_seconds(row.revoked_at),
        network=row.network,
    )
