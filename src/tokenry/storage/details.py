"""Statements on what is known of a personal token beyond the wire format."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache, partial
from ipaddress import ip_network
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, bindparam, exists, func, select, update

from tokenry.domain.details import LIVE_TOKENS, Details, Disabling, Reason, Revocation, Selection, Several, State, Use
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.scopes import stored_scopes
from tokenry.domain.tokens import Token
from tokenry.storage.changes import execute_naming, name_these
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.disabling import is_disabled
from tokenry.storage.filters import filtered, ordered
from tokenry.storage.metadata import from_column, to_column
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.schema import credentials, disabled_tokens, token_starts, token_uses, tokens, users
from tokenry.storage.tokens import COLUMNS, FOLDED, PERSONAL, lives

NEVER_USED = -(1 << 40)
"""When a token that was never used counts as used: before the year 1, so it comes first, and before any moment."""
OF_CREDENTIALS = ("networks", "requests_per_minute")
"""Details that are kept with what opens a token, since deciding on it needs them."""
DETAILS_COLUMNS = {
    **COLUMNS,
    "last_used": func.coalesce(token_uses.c.used_at, NEVER_USED),
    "metadata": tokens.c.metadata,
    "preview": tokens.c.preview,
}


def find_details(connection: Connection, token_id: int, *, user_id: int, now: datetime) -> Details | None:
    """Find one of a user's tokens, also an expired or a revoked one."""
    row = connection.execute(_select_one(), {"token": token_id, "owner": user_id}).one_or_none()
    return None if row is None else read_details(row, now)


def list_details(
    connection: Connection,
    *,
    user_id: int,
    now: datetime,
    request: PageRequest,
    filter: Filter = EVERY_ROW,
    selection: Selection = LIVE_TOKENS,
) -> Page[Details]:
    """List a user's tokens."""
    statement = select(tokens.c.id).select_from(joined(selection, filter))
    statement = statement.where(tokens.c.user_id == user_id, *selected(selection, now))
    found = filtered(statement, filter, DETAILS_COLUMNS, FOLDED)
    rows = ordered(select_details(), filter, DETAILS_COLUMNS)
    return page_of(connection, pages_of(found, rows), request, partial(read_details, now=now))


def lock_details(connection: Connection, token_id: int, *, user_id: int) -> None:
    """Keep others from changing a token of this user, live or not, and what opens it, until the transaction ends."""
    statement = select(tokens.c.id).where(tokens.c.id == token_id, tokens.c.user_id == user_id, PERSONAL)
    connection.execute(statement.with_for_update(key_share=True))


def store_details(connection: Connection, token_id: int, values: Mapping[str, Any]) -> bool:
    """Store some of what `NewDetails` has for a token, by name; False if the token can no longer be used.

    That matters to what says how it may be used, OF_CREDENTIALS.
    """
    if "description" in values:
        statement = update(tokens).where(tokens.c.id == token_id)
        connection.execute(statement.values(description=values["description"]))
    if "metadata" in values:
        set_metadata(connection, token_id, values["metadata"])
    opening = {name: value for name, value in values.items() if name in OF_CREDENTIALS}
    if "networks" in opening:
        opening["networks"] = " ".join(map(str, opening["networks"]))
    changed = update(credentials).where(credentials.c.token_id == token_id)
    return not opening or bool(execute_naming(connection, changed.values(opening)))


def set_metadata(connection: Connection, token_id: int, metadata: str) -> None:
    """Store a token's metadata, of which verification tells."""
    name_these(connection, credentials.c.token_id == token_id)
    connection.execute(update(tokens).where(tokens.c.id == token_id).values(metadata=to_column(metadata)))


@cache
def _select_one() -> Select[Any]:
    own = tokens.c.user_id == bindparam("owner")
    return select_details().where(tokens.c.id == bindparam("token"), own, PERSONAL)


def select_details() -> Select[Any]:
    """Select all tokens of all users with what is known of them, for `read_details`; access tokens too."""
    # While a secret is being rotated a token has two credentials, which have the same of each.
    of_credentials = (
        select(func.max(credentials.c[name])).where(credentials.c.token_id == tokens.c.id).scalar_subquery().label(name)
        for name in OF_CREDENTIALS
    )
    return select(
        tokens,
        users.c.username,
        *of_credentials,
        token_uses.c.used_at,
        token_uses.c.address,
        token_uses.c.agent,
        disabled_tokens.c.disabled_at.label("off_at"),
        disabled_tokens.c.disabled_by.label("off_by"),
        token_starts.c.not_before,
    ).select_from(
        tokens.join(users, tokens.c.user_id == users.c.id)
        .outerjoin(token_uses, token_uses.c.token_id == tokens.c.id)
        .outerjoin(disabled_tokens, disabled_tokens.c.token_id == tokens.c.id)
        .outerjoin(token_starts, token_starts.c.token_id == tokens.c.id)
    )


def joined(selection: Selection, filter: Filter) -> FromClause:
    """The tokens, with their uses if these are asked for."""
    if "last_used" in filter.fields or selection.last_used_before or selection.last_used_after:
        return tokens.outerjoin(token_uses)
    return tokens


def selected(selection: Selection, now: datetime) -> Iterator[ColumnElement[bool]]:
    """What a selection asks of a token; that it is a personal one before all."""
    yield PERSONAL
    seconds = to_seconds(now)
    not_ended = lives(now)
    match selection.state:
        case State.ACTIVE:
            yield not_ended & ~is_disabled() & ~is_pending(now)
        case State.PENDING:
            yield not_ended & ~is_disabled() & is_pending(now)
        case State.DISABLED:
            yield not_ended & is_disabled()
        case State.EXPIRED:
            yield tokens.c.revoked_at.is_(None) & (tokens.c.expires_at <= seconds)
        case State.REVOKED:
            yield tokens.c.revoked_at.is_not(None)
        case Several.NOT_ENDED:
            yield not_ended
    for column, before, after in (
        (DETAILS_COLUMNS["last_used"], selection.last_used_before, selection.last_used_after),
        (DETAILS_COLUMNS["expiry"], selection.expires_before, selection.expires_after),
    ):
        if before is not None:
            yield column < to_seconds(before)
        if after is not None:
            yield column > to_seconds(after)


def is_pending(now: datetime) -> ColumnElement[bool]:
    """Whether a token is refused since its moment has not come, for a statement on tokens."""
    later = token_starts.c.not_before > to_seconds(now)
    return exists().where(token_starts.c.token_id == tokens.c.id, later).correlate(tokens)


def read_details(row: Row[Any], now: datetime) -> Details:
    """Read a row of `select_details`; `now` decides which tokens have expired."""
    used = row.used_at is not None
    return Details(
        token=Token(
            id=row.id,
            user_id=row.user_id,
            label=row.label,
            scopes=stored_scopes(row.scopes),
            created=from_seconds(row.created_at),
            expiry=from_seconds(row.expires_at),
            preview=row.preview,
        ),
        username=row.username,
        state=_state(row, now),
        description=row.description,
        networks=None if row.networks is None else tuple(ip_network(text) for text in row.networks.split()),
        requests_per_minute=row.requests_per_minute,
        created_by=row.created_by or None,
        last_use=Use(from_seconds(row.used_at), row.address, row.agent) if used else None,
        revocation=None if row.revoked_at is None else _revocation(row),
        disabled=None if row.off_at is None else Disabling(from_seconds(row.off_at), row.off_by),
        not_before=None if row.not_before is None else from_seconds(row.not_before),
        metadata=from_column(row.metadata),
        rotates_itself_only=row.rotates_itself_only,
    )


def _revocation(row: Row[Any]) -> Revocation:
    reason = row.revoked_reason
    return Revocation(from_seconds(row.revoked_at), row.revoked_by, None if reason is None else Reason(reason))


def _state(row: Row[Any], now: datetime) -> State:
    if row.revoked_at is not None:
        return State.REVOKED
    if row.expires_at <= to_seconds(now):
        return State.EXPIRED
    if row.off_at is not None:
        return State.DISABLED
    return State.ACTIVE if row.not_before is None or row.not_before <= to_seconds(now) else State.PENDING
