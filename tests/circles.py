"""Use cases that are wrong: two of each kind lock the same in another order, so that they can wait in a circle."""

from collections.abc import Callable, Mapping

from sqlalchemy import Executable, select, update
from sqlalchemy.dialects.postgresql import insert

from tests.changes import Case
from tokenry.storage.schema import (
    apps,
    authorization_codes,
    device_codes,
    jobs,
    oauth_grants,
    refresh_tokens,
    seen_assertions,
    users,
)

Statement = Callable[[Case], Executable]


def _update_grant(case: Case) -> Executable:
    return update(oauth_grants).where(oauth_grants.c.id == case.place.client.id).values(jkt="k")


def _update_code(case: Case) -> Executable:
    found = authorization_codes.c.preview == case.place.code.preview
    return update(authorization_codes).where(found).values(jkt="k")


def _lock_device_code(case: Case) -> Executable:
    found = select(device_codes).where(device_codes.c.preview == case.place.device.preview)
    return found.with_for_update(key_share=True)


def _lock_refresh_token(case: Case) -> Executable:
    found = select(refresh_tokens).where(refresh_tokens.c.preview == case.place.refresh.preview)
    return found.with_for_update(key_share=True)


def _claim_user(case: Case) -> Executable:
    return select(users).where(users.c.id == _owner_id(case)).with_for_update()


def _keep_user(case: Case) -> Executable:
    return select(users).where(users.c.id == _owner_id(case)).with_for_update(read=True, key_share=True)


def _lock_app(case: Case) -> Executable:
    return select(apps).where(apps.c.id == case.place.client.id).with_for_update(key_share=True)


def _insert_assertion(case: Case) -> Executable:
    row = {"digest": case.place.number.to_bytes(32, "big"), "expires_at": 0}
    return insert(seen_assertions).values(row).on_conflict_do_nothing()


def _insert_job(case: Case) -> Executable:
    row = {"name": f"place {case.place.number}", "claimed_at": 0}
    return insert(jobs).values(row).on_conflict_do_nothing()


def _owner_id(case: Case) -> int:
    return case.place.holders["boss"].actor.user_id


def _change(*statements: Statement) -> Callable[[Case], None]:
    """A use case that does these one after the other."""

    def change(case: Case) -> None:
        with case.installation.database.write() as connection:
            for statement in statements:
                connection.execute(statement(case))

    return change


CIRCLES: Mapping[tuple[str, str], tuple[Callable[[Case], None], Callable[[Case], None]]] = {
    ("code, grant", "grant, code"): (_change(_update_code, _update_grant), _change(_update_grant, _update_code)),
    ("device, token", "token, device"): (
        _change(_lock_device_code, _lock_refresh_token),
        _change(_lock_refresh_token, _lock_device_code),
    ),
    ("app, kept user", "claimed user, app"): (_change(_lock_app, _keep_user), _change(_claim_user, _lock_app)),
    ("assertion, job", "job, assertion"): (
        _change(_insert_assertion, _insert_job),
        _change(_insert_job, _insert_assertion),
    ),
}
"""By their names: those that update, that lock, of which the one keeps what the other claims, and that insert."""
