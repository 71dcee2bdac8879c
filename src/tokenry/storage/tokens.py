"""Statements on tokens and their credentials.

What lists, counts, finds or changes tokens means personal ones; what ends them reaches access tokens too.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, delete, insert, select, update

from tokenry.domain.details import Reason
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.metadata import NO_METADATA
from tokenry.domain.networks import ANYWHERE, Networks
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.policy import UserKind
from tokenry.domain.scopes import Scopes, stored_scopes
from tokenry.domain.secrets import Keyed, kind_of
from tokenry.domain.texts import fold
from tokenry.domain.tokens import Token
from tokenry.storage.changes import execute_creating, execute_naming
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import filtered, ordered
from tokenry.storage.metadata import to_column
from tokenry.storage.paging import Pages, page_of, pages_of
from tokenry.storage.schema import credentials, token_starts, tokens, users

_T = TypeVar("_T")

IDS_MAX = 500
"""How many ids one statement names."""


class Bound(NamedTuple):
    """What an access token is bound to: a client, those it is meant for, a key. A personal one is bound to nothing."""

    client_id: str | None = None
    audience: tuple[str, ...] = ()
    jkt: str | None = None


class Source(NamedTuple):
    """Where an access token came from: a grant; and where it was exchanged for another token, which, and by whom.

    By their ids. A personal one came from nowhere.
    """

    grant_id: int | None = None
    subject_id: int | None = None
    actor_client_id: int | None = None


class Personal(NamedTuple):
    """What personal tokens alone have.

    By its id the parent account's user for whom a proxy user's is made; what a product keeps with it; whether it
    may rotate itself, and do nothing else here; and what its maker says that it is for.
    """

    delegated_by: int | None = None
    metadata: str = NO_METADATA
    rotates_itself_only: bool = False
    description: str = ""


UNBOUND = Bound()
PERSONALLY = Source()
PLAIN = Personal()
COLUMNS = {
    "id": tokens.c.id,
    "label": tokens.c.label,
    "scopes": tokens.c.scopes,
    "created": tokens.c.created_at,
    "expiry": tokens.c.expires_at,
}
PERSONAL = tokens.c.grant_id.is_(None)
"""Those that users make; the others came from a grant (`storage/apps.py`)."""
FOLDED = {"label": tokens.c.label_folded, "scopes": tokens.c.scopes}

# Those of the statements that are needed all the time are made once: making one takes longer than carrying it out.
_SELECT: Select[Any] = select(
    tokens.c.id,
    tokens.c.user_id,
    tokens.c.label,
    tokens.c.scopes,
    tokens.c.preview,
    tokens.c.created_at,
    tokens.c.expires_at,
)
_LIVE = and_(
    tokens.c.user_id == bindparam("owner"),
    PERSONAL,
    tokens.c.revoked_at.is_(None),
    tokens.c.expires_at > bindparam("at"),
)
_FIND = _SELECT.where(_LIVE, tokens.c.id == bindparam("token"))
_LOCK_TOKEN = _FIND.with_for_update(key_share=True, of=tokens)
_SCOPES = select(tokens.c.scopes).where(tokens.c.id == bindparam("token"))
_INSERT_TOKEN = insert(tokens).returning(tokens.c.id)
_INSERT_CREDENTIAL = insert(credentials)
_INSERT_START = insert(token_starts)
_REVOKE = (
    update(tokens)
    .where(tokens.c.id == bindparam("token"), tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"), revoked_by=bindparam("by"), revoked_reason=bindparam("reason"))
)
_REVOKE_OWN = _REVOKE.where(tokens.c.user_id == bindparam("owner"), PERSONAL, tokens.c.expires_at > bindparam("at"))
_CLOSE = delete(credentials).where(credentials.c.token_id == bindparam("token"))
_KEEP_OPEN = (
    select(users.c.admin, users.c.proxy, users.c.service)
    .select_from(credentials.join(tokens).join(users, tokens.c.user_id == users.c.id))
    .where(
        credentials.c.preview == bindparam("preview"),
        credentials.c.expires_at > bindparam("now"),
        credentials.c.not_before <= bindparam("now"),
        users.c.disabled_at.is_(None),
    )
    # The user first, as everybody does: in another order two would wait for each other.
    .with_for_update(read=True, key_share=True, of=(users, credentials))
)


def _list(filter: Filter) -> Pages:
    found = filtered(select(tokens.c.id).where(_LIVE), filter, COLUMNS, FOLDED)
    return pages_of(found, ordered(_SELECT, filter, COLUMNS))


_EVERY = _list(EVERY_ROW)


def find_scopes(connection: Connection, token_id: int) -> Scopes | None:
    """Find what a token may do by now; None for what is no token, such as a session."""
    text = connection.execute(_SCOPES, {"token": token_id}).scalar()
    return None if text is None else stored_scopes(text)


def insert_token(
    connection: Connection,
    *,
    user_id: int,
    label: str | None,
    scopes: Scopes,
    preview: str,
    created: datetime,
    expiry: datetime,
    created_by: str,
    personal: Personal = PLAIN,
    source: Source = PERSONALLY,
) -> Token:
    """Store a token, which is an access token if it comes from a grant.

    Without a label it is named `token-<id>`, which takes a second statement: the id comes first.
    """
    row = {
        "user_id": user_id,
        "label": label or "",
        "label_folded": fold(label or ""),
        "scopes": str(scopes),
        "preview": preview,
        "created_at": to_seconds(created),
        "expires_at": to_seconds(expiry),
        "created_by": created_by,
        **personal._asdict(),
        "metadata": to_column(personal.metadata),
        **source._asdict(),
    }
    token_id = connection.execute(_INSERT_TOKEN, row).scalar_one()
    if label is None:
        label = f"token-{token_id}"
        _set_label(connection, tokens.c.id == token_id, label)
    return Token(
        id=token_id, user_id=user_id, label=label, scopes=scopes, created=created, expiry=expiry, preview=preview
    )


def insert_credential(
    connection: Connection,
    keyed: Keyed,
    *,
    token_id: int,
    expiry: datetime,
    bound: Bound = UNBOUND,
    not_before: datetime | None = None,
    requests_per_minute: int = 0,
    networks: Networks = ANYWHERE,
) -> None:
    """Store what opens a token: from the commit on, or from a moment on, the text behind `digest` is accepted.

    Without `networks` it is from anywhere.
    """
    start = 0 if not_before is None else to_seconds(not_before)
    row = {
        **keyed._asdict(),
        "kind": kind_of(keyed.preview).name,
        "token_id": token_id,
        "expires_at": to_seconds(expiry),
        "client_id": bound.client_id,
        "audience": " ".join(bound.audience),
        "jkt": bound.jkt,
        "not_before": start,
        "requests_per_minute": requests_per_minute,
        "networks": " ".join(map(str, networks)),
    }
    execute_creating(connection, _INSERT_CREDENTIAL, keyed.preview, row)
    if start:
        connection.execute(_INSERT_START, {"token_id": token_id, "not_before": start})


def find_token(connection: Connection, token_id: int, *, user_id: int, now: datetime) -> Token | None:
    """Find one of a user's personal tokens that is neither revoked nor expired."""
    row = connection.execute(_FIND, {"token": token_id, **_own(user_id, now)}).one_or_none()
    return None if row is None else _token(row)


def lock_token(connection: Connection, token_id: int, *, user_id: int, now: datetime) -> Token | None:
    """Find a token as `find_token` does; until this transaction ends, others that would change it wait."""
    row = connection.execute(_LOCK_TOKEN, {"token": token_id, **_own(user_id, now)}).one_or_none()
    return None if row is None else _token(row)


def list_tokens(
    connection: Connection, *, user_id: int, now: datetime, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[Token]:
    """List a user's personal tokens that are neither revoked nor expired."""
    pages = _EVERY if filter == EVERY_ROW else _list(filter)
    return page_of(connection, pages, request, _token, row=_own(user_id, now))


def rename_token(connection: Connection, token_id: int, label: str, *, user_id: int, now: datetime) -> bool:
    """Give a live personal token of this user another label; whether there was one."""
    return _set_label(connection, (tokens.c.id == token_id) & _LIVE, label, _own(user_id, now))


def revoke_token(
    connection: Connection,
    token_id: int,
    *,
    now: datetime,
    revoked_by: str,
    reason: Reason | None = None,
    user_id: int | None = None,
) -> bool:
    """Revoke a live token (of this user and personal, if one is named) and delete what opens it; whether there was one.

    Single by the row count: of two that revoke at once, one is told that it did.
    """
    row = {
        "token": token_id,
        "at": to_seconds(now),
        "by": revoked_by,
        "reason": None if reason is None else reason.value,
    }
    if user_id is None:
        revoked = connection.execute(_REVOKE, row).rowcount == 1
    else:
        revoked = connection.execute(_REVOKE_OWN, {**row, "owner": user_id}).rowcount == 1
    if revoked:
        execute_naming(connection, _CLOSE, {"token": token_id})
    return revoked


def revoke_tokens_of(
    connection: Connection, user_id: int, *, now: datetime, revoked_by: str, reason: Reason | None = None
) -> Sequence[int]:
    """Revoke all live personal tokens of a user who is claimed; their ids."""
    mine = (tokens.c.user_id == user_id) & PERSONAL & (tokens.c.expires_at > to_seconds(now))
    return _revoke_all(connection, mine, now=now, revoked_by=revoked_by, reason=reason)


def revoke_delegated_by(
    connection: Connection, user_id: int, *, now: datetime, revoked_by: str, reason: Reason | None = None
) -> Sequence[int]:
    """Revoke all live tokens of proxy users that a user who is claimed asked for; their ids."""
    delegated = (tokens.c.delegated_by == user_id) & (tokens.c.expires_at > to_seconds(now))
    return _revoke_all(connection, delegated, now=now, revoked_by=revoked_by, reason=reason)


def revoke_others(
    connection: Connection, *, user_id: int, kept: int, now: datetime, revoked_by: str, reason: Reason | None = None
) -> Sequence[int]:
    """Revoke all live personal tokens of a user who is claimed but the one with the id `kept`; their ids."""
    live = PERSONAL & (tokens.c.expires_at > to_seconds(now))
    others = (tokens.c.user_id == user_id) & (tokens.c.id != kept) & live
    return _revoke_all(connection, others, now=now, revoked_by=revoked_by, reason=reason)


def revoke_tokens_from(
    connection: Connection, grant_ids: Sequence[int], *, now: datetime, revoked_by: str, reason: Reason | None = None
) -> Sequence[int]:
    """Revoke all access tokens of grants whose apps are locked; their ids. Those that expired are left as they are."""
    live = tokens.c.expires_at > to_seconds(now)
    revoked: list[int] = []
    for some in in_pieces(grant_ids):
        theirs = select(tokens.c.id).where(tokens.c.grant_id.in_(some))
        revoked += _revoke_all(
            connection, tokens.c.id.in_(theirs) & live, now=now, revoked_by=revoked_by, reason=reason
        )
    return revoked


def list_exchanged(connection: Connection, token_ids: Sequence[int]) -> Sequence[int]:
    """List the tokens that were given for some, whose credentials are deleted in this transaction.

    So whoever was about to exchange one has done so, or does not.
    """
    given = select(tokens.c.id).where(tokens.c.subject_id.in_(bindparam("subjects", expanding=True)))
    return [id for some in in_pieces(token_ids) for id in connection.execute(given, {"subjects": some}).scalars()]


def revoke_exchanged_by(
    connection: Connection, oauth_client_id: int, *, now: datetime, revoked_by: str, reason: Reason | None = None
) -> Sequence[int]:
    """Revoke the tokens that a client, which is claimed, was given for others; their ids."""
    its = (tokens.c.actor_client_id == oauth_client_id) & (tokens.c.expires_at > to_seconds(now))
    return _revoke_all(connection, its, now=now, revoked_by=revoked_by, reason=reason)


def revoke_these(
    connection: Connection, token_ids: Sequence[int], *, now: datetime, revoked_by: str, reason: Reason | None = None
) -> Sequence[int]:
    """Revoke those of some tokens that are not revoked; their ids. Their users are locked."""
    return _revoke_all(connection, tokens.c.id.in_(token_ids), now=now, revoked_by=revoked_by, reason=reason)


def keep_open(connection: Connection, preview: str, *, now: datetime) -> UserKind | None:
    """Keep a secret open until the transaction ends: which kind of user it is of, or None if it opens nothing.

    It opens something when its credential is there, valid by now and not expired, and its user is enabled. Ending
    either now waits for this transaction: what it makes is made before the revocation, or not at all.
    """
    row = connection.execute(_KEEP_OPEN, {"preview": preview, "now": to_seconds(now)}).first()
    return None if row is None else UserKind.of(admin=row.admin, proxy=row.proxy, service=row.service)


def _revoke_all(
    connection: Connection, which: ColumnElement[bool], *, now: datetime, revoked_by: str, reason: Reason | None = None
) -> Sequence[int]:
    """Revoke tokens and delete what opens them; their ids.

    Their users are claimed or locked, so none is made meanwhile that ought to be found. They are locked in the order of
    their ids, as everywhere, and looked for from the last one on.
    """
    unrevoked = tokens.c.revoked_at.is_(None) & (tokens.c.id > bindparam("last"))
    found = select(tokens.c.id).where(which, unrevoked).order_by(tokens.c.id).limit(IDS_MAX)
    found = found.with_for_update(key_share=True)
    revoked: list[int] = []
    while ids := connection.execute(found, {"last": revoked[-1] if revoked else 0}).scalars().all():
        statement = update(tokens).where(tokens.c.id.in_(ids))
        connection.execute(
            statement.values(
                revoked_at=to_seconds(now),
                revoked_by=revoked_by,
                revoked_reason=None if reason is None else reason.value,
            )
        )
        execute_naming(connection, delete(credentials).where(credentials.c.token_id.in_(ids)))
        revoked += ids
    return revoked


def lives(now: datetime) -> ColumnElement[bool]:
    """That a token is neither revoked nor expired."""
    return tokens.c.revoked_at.is_(None) & (tokens.c.expires_at > to_seconds(now))


def in_pieces(ids: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Take some ids after the others, as many as one statement names."""
    return (ids[start : start + IDS_MAX] for start in range(0, len(ids), IDS_MAX))


def _own(user_id: int, now: datetime) -> dict[str, int]:
    """What `_LIVE` names."""
    return {"owner": user_id, "at": to_seconds(now)}


def _set_label(
    connection: Connection, which: ColumnElement[bool], label: str, row: Mapping[str, int] | None = None
) -> bool:
    """`row` has what the condition names."""
    statement = update(tokens).where(which).values(label=label, label_folded=fold(label))
    return connection.execute(statement, row).rowcount == 1


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        user_id=row.user_id,
        label=row.label,
        scopes=stored_scopes(row.scopes),
        created=from_seconds(row.created_at),
        expiry=from_seconds(row.expires_at),
        preview=row.preview,
    )
