"""Statements on rotations: what opens a token while its secret is being replaced."""

from datetime import timedelta

from sqlalchemy import Connection, event, select, update

from tests.making import NOW, add_token
from tokenry.domain.rotation import NewRotation, Rotation
from tokenry.domain.secrets import Keyed
from tokenry.domain.tokens import NEVER, Token
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.rotations import (
    activate_used,
    claim_rotation,
    delete_credential,
    find_unused,
    insert_successor,
    limit_credential,
    replace_rotation,
    show_newest,
)
from tokenry.storage.schema import credentials
from tokenry.storage.tokens import find_token

SECOND = to_seconds(NOW)
DAY = 24 * 60 * 60
NEW = "pat_newnewnewnew"


def rotate(connection: Connection, token: Token, new: NewRotation, preview: str = NEW) -> None:
    insert_successor(connection, Keyed(preview, bytes(32), 1), beside=token.preview)
    replace_rotation(connection, token.id, new, newest=preview, previous=token.preview, started=NOW)


def expiries(connection: Connection, token: Token) -> dict[str, int]:
    """Until when each credential of a token opens it."""
    rows = connection.execute(
        select(credentials.c.preview, credentials.c.expires_at).where(credentials.c.token_id == token.id)
    )
    return {row.preview: row.expires_at for row in rows}


def test_successor_opens_from_the_same_networks_as_often_until_the_token_expires(
    database: Database, user_id: int
) -> None:
    with database.write() as connection:
        token = add_token(connection, user_id, expiry=NOW + timedelta(days=9))
        connection.execute(
            update(credentials).values(
                networks="192.0.2.0/24", expires_at=SECOND + 5, not_before=SECOND, requests_per_minute=7
            )
        )
        insert_successor(connection, Keyed(NEW, b"\1" * 32, 3), beside=token.preview)
        row = connection.execute(select(credentials).where(credentials.c.preview == NEW)).one()
    of_a_client = (None, "", None)  # personal tokens alone are rotated
    kept = ("192.0.2.0/24", "pat", *of_a_client, SECOND, 7)
    assert tuple(row) == (NEW, token.id, b"\1" * 32, 3, SECOND + 9 * DAY, *kept)


def test_lists_show_the_newest(database: Database, user_id: int) -> None:
    with database.write() as connection:
        token = add_token(connection, user_id)
        show_newest(connection, token.id, NEW)
        found = find_token(connection, token.id, user_id=user_id, now=NOW)
    assert found is not None
    assert found.preview == NEW


def test_there_is_one_rotation_of_a_token_at_a_time(database: Database, user_id: int) -> None:
    with database.write() as connection:
        token, other = add_token(connection, user_id), add_token(connection, user_id)
        assert claim_rotation(connection, token.id) is None
        rotate(connection, token, NewRotation())
        assert claim_rotation(connection, token.id) == Rotation(NEW, token.preview, NEVER, used=False)
        rotate(connection, token, NewRotation(), "pat_other0000000")
        assert claim_rotation(connection, token.id) == Rotation("pat_other0000000", token.preview, NEVER, used=False)
        assert claim_rotation(connection, other.id) is None


def test_rotation_knows_that_the_old_secret_is_gone(database: Database, user_id: int) -> None:
    with database.write() as connection:
        token = add_token(connection, user_id)
        rotate(connection, token, NewRotation())
        assert [delete_credential(connection, token.preview) for _ in range(2)] == [True, False]
        assert claim_rotation(connection, token.id) == Rotation(NEW, token.preview, None, used=False)


def test_limit_only_ever_shortens(database: Database, user_id: int) -> None:
    with database.write() as connection:
        token = add_token(connection, user_id, expiry=NOW + timedelta(days=1))
        changed = [limit_credential(connection, token.preview, SECOND + later) for later in (DAY, 60, 61, 60, 59)]
        assert expiries(connection, token) == {token.preview: SECOND + 59}
    assert changed == [False, True, False, False, True]


def test_first_use_begins_the_grace_of_the_old_secret(database: Database, user_id: int) -> None:
    with database.write() as connection:
        token = add_token(connection, user_id)
        rotate(connection, token, NewRotation(grace_seconds=60))
        assert [activate_used(connection, *use) for use in ((NEW, SECOND + 7), (token.preview, SECOND + 1))] == [
            True,
            False,
        ]
        assert expiries(connection, token) == {token.preview: SECOND + 67, NEW: to_seconds(NEVER)}
        found = claim_rotation(connection, token.id)
    assert found is not None
    assert found.used


def test_only_the_first_use_counts(database: Database, user_id: int) -> None:
    with database.write() as connection:
        token = add_token(connection, user_id)
        rotate(connection, token, NewRotation(grace_seconds=60))
        activate_used(connection, NEW, SECOND + 7)
        assert not activate_used(connection, NEW, SECOND + 1)
        assert expiries(connection, token)[token.preview] == SECOND + 67


def test_grace_never_outlasts_the_expiry(database: Database, user_id: int) -> None:
    with database.write() as connection:
        token = add_token(connection, user_id, expiry=NOW + timedelta(seconds=30))
        rotate(connection, token, NewRotation(grace_seconds=60))
        assert not activate_used(connection, NEW, SECOND)
        assert expiries(connection, token)[token.preview] == SECOND + 30


def test_first_use_after_a_rotation_that_did_not_wait_for_it_changes_no_expiry(
    database: Database, user_id: int
) -> None:
    with database.write() as connection:
        token = add_token(connection, user_id)
        rotate(connection, token, NewRotation(grace_seconds=0, on_first_use=False))
        assert not activate_used(connection, NEW, SECOND)
        assert claim_rotation(connection, token.id) == Rotation(
            NEW, token.preview, NEVER, used=True, new=NewRotation(grace_seconds=0, on_first_use=False)
        )


def test_new_secrets_that_were_never_used_are_found_among_many(database: Database, user_id: int) -> None:
    names = [f"pat_new{number:09}" for number in range(3)]
    with database.write() as connection:
        for name in names:
            rotate(connection, add_token(connection, user_id), NewRotation(), name)
        activate_used(connection, names[1], SECOND)
        previews = [names[0], *(f"pat_{number:012}" for number in range(1200)), *names[1:]]
        assert sorted(find_unused(connection, previews)) == [names[0], names[2]]


def test_no_use_is_no_statement_and_a_use_of_nothing_new_one_look_into_the_index(
    database: Database, user_id: int
) -> None:
    asked: list[str] = []
    with database.write() as connection:
        token = add_token(connection, user_id)
        event.listen(connection, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
        find_unused(connection, [])
        assert asked == []
        find_unused(connection, [token.preview])
        (statement,) = asked
        connection.exec_driver_sql("PRAGMA no_op" if database.is_sqlite else "SET enable_seqscan = off")
        parameters = (token.preview,) if database.is_sqlite else {"preview_1_1": token.preview}
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        plan = str(connection.exec_driver_sql(f"{explain} {statement}", parameters).all())
    assert "ix_rotations_preview_unused" in plan
