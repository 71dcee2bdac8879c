"""Ending what clients were let in for, in a change of the caller's, with an event for each thing that ends.

Whoever issues tokens keeps their user and their client and locks the app. So who holds a claim on the user or on the
client, or has locked the app, ends everything there is and everything that was about to be.
"""

from collections.abc import Sequence

from tokenry.domain.events import AppEnded, GrantEnded, TokenRevoked
from tokenry.service.transactions import Change
from tokenry.storage import apps as stored
from tokenry.storage.tokens import revoke_exchanged_by, revoke_tokens_from


def end_grant(change: Change, grant_id: int, *, reason: str | None = None) -> bool:
    """End what one authorization brought, whose app is locked: its refresh and access tokens. Whether it was live.

    `reason` is for the audit, where neither the user nor the client asked for it.
    """
    return bool(end_grants(change, [grant_id], reason=reason))


def end_grants(change: Change, grant_ids: Sequence[int], *, reason: str | None = None) -> int:
    """End some grants whose apps are locked, likewise; how many were live."""
    return _record_grants(change, stored.end_grants(change.connection, grant_ids, change.now), reason)


def end_app(change: Change, app_id: int) -> bool:
    """End all that a user, who is locked, let a client in for; whether there was anything."""
    return bool(_record_apps(change, stored.end_app(change.connection, app_id, change.now)))


def end_apps_of(change: Change, user_id: int) -> int:
    """End all that a user, who is claimed, let clients in for; how many apps there were."""
    return _record_apps(change, stored.end_apps_of(change.connection, user_id, change.now))


def end_client(change: Change, oauth_client_id: int) -> int:
    """End all that users let a client, which is claimed, in for, what it has begun, and what it exchanged.

    How many apps there were.
    """
    stored.forget_requests_of(change.connection, oauth_client_id)
    ended = _record_apps(change, stored.end_apps_with(change.connection, oauth_client_id, change.now))
    by = change.origin.name
    token_ids = revoke_exchanged_by(
        change.connection, oauth_client_id, now=change.now, revoked_by=by, reason=change.origin.reason
    )
    change.record(*(TokenRevoked(token_id, reason=change.origin.reason) for token_id in token_ids))
    return ended


def _record_apps(change: Change, ended: Sequence[stored.EndedApp]) -> int:
    change.record(*(AppEnded(app.user_id, app.id, app.client_id) for app in ended))
    app_ids = [app.id for app in ended]
    _record_grants(change, stored.end_grants_of(change.connection, app_ids, change.now))
    return len(ended)


def _record_grants(change: Change, ended: Sequence[stored.EndedGrant], reason: str | None = None) -> int:
    change.record(*(GrantEnded(grant.user_id, grant.app_id, grant.id, reason) for grant in ended))
    grant_ids = [grant.id for grant in ended]
    by = change.origin.name
    token_ids = revoke_tokens_from(
        change.connection, grant_ids, now=change.now, revoked_by=by, reason=change.origin.reason
    )
    change.record(*(TokenRevoked(token_id, reason=change.origin.reason) for token_id in token_ids))
    return len(ended)
