"""Statements on authorization codes.

Single use is a row count: of two who present a code at once, one is told that it used it. A code that was used keeps
its row for as long as what it brought may live, since whoever presents it again ends that.
"""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from tokenry.domain.codes import Code, NewCode
from tokenry.domain.scopes import stored_scopes
from tokenry.domain.secrets import Keyed
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import apps
from tokenry.storage.schema import authorization_codes as codes

# Put together once, as they are carried out for each code.
_INSERT = insert(codes)
_THIS = codes.c.preview == bindparam("used")
_USE = update(codes).where(_THIS, codes.c.used_at.is_(None)).values(used_at=bindparam("used_at"))
_NOTE_GRANT = update(codes).where(_THIS).values(grant_id=bindparam("grant_id"))


def insert_code(
    connection: Connection,
    app_id: int,
    new: NewCode,
    keyed: Keyed,
    *,
    created: datetime,
    expiry: datetime,
) -> None:
    """Store a code of an app."""
    row = {
        **keyed._asdict(),
        "app_id": app_id,
        "redirect_uri": new.redirect_uri,
        "scopes": str(new.scopes),
        "audience": " ".join(new.audience),
        "code_challenge": new.code_challenge,
        "jkt": new.jkt,
        "created_at": to_seconds(created),
        "expires_at": to_seconds(expiry),
    }
    connection.execute(_INSERT, row)


def find_code(connection: Connection, preview: str) -> Code | None:
    """Find a code, also a used or expired one."""
    row = connection.execute(_select_code(), {"preview": preview}).one_or_none()
    if row is None:
        return None
    return Code(
        app_id=row.app_id,
        user_id=row.user_id,
        oauth_client_id=row.oauth_client_id,
        stands_for=NewCode(
            redirect_uri=row.redirect_uri,
            scopes=stored_scopes(row.scopes),
            audience=tuple(row.audience.split()),
            code_challenge=row.code_challenge,
            jkt=row.jkt,
        ),
        digest=row.digest,
        pepper_generation=row.pepper_generation,
        expiry=from_seconds(row.expires_at),
        used=row.used_at is not None,
        grant_id=row.grant_id,
    )


def use_code(connection: Connection, preview: str, now: datetime) -> bool:
    """Use a code; whether this was its first use."""
    return connection.execute(_USE, {"used": preview, "used_at": to_seconds(now)}).rowcount == 1


def note_grant(connection: Connection, preview: str, grant_id: int) -> None:
    """Write down what a code brought."""
    connection.execute(_NOTE_GRANT, {"used": preview, "grant_id": grant_id})


@cache
def _select_code() -> Select[Any]:
    return (
        select(codes, apps.c.user_id, apps.c.oauth_client_id)
        .select_from(codes.join(apps))
        .where(codes.c.preview == bindparam("preview"))
    )
