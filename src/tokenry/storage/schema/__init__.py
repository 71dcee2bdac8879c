"""The tables. Times are integer seconds since 1970, UTC; a time that may be missing is NULL.

A token is a row of `tokens` for ever: revoking it sets `revoked_at`. What can be presented at the door is a row of
`credentials`, keyed by the token's prefix and public id; revoking deletes it, so a look-up is right by itself. Whatever
verification reads beside them (users, accounts) never changes without `storage/changes.py` hearing of it.

What locks rows until its transaction ends, and changes nothing, says by its verb how:

    keep_   FOR KEY SHARE      they stay; side by side with others that keep or lock them
    lock_   FOR NO KEY UPDATE  one at a time; side by side with those that keep them
    claim_  FOR UPDATE         alone
"""

from tokenry.storage.schema.base import Id, Seconds, Words, metadata
from tokenry.storage.schema.core import (
    LIMIT_COLUMNS,
    accounts,
    audit_events,
    credentials,
    disabled_tokens,
    idempotency_keys,
    installation,
    jobs,
    page_tokens,
    policy,
    rotations,
    shortenings,
    token_starts,
    token_uses,
    tokens,
    username_reservations,
    users,
)
from tokenry.storage.schema.notices import alarms, digests, mailed_addresses, notices, seen_networks, unwanted_notices
from tokenry.storage.schema.oauth import (
    apps,
    authorization_codes,
    device_codes,
    oauth_clients,
    oauth_grants,
    pushed_requests,
    refresh_tokens,
    seen_assertions,
)
from tokenry.storage.schema.sign_in import (
    authenticators,
    identities,
    links,
    logins,
    passkeys,
    passwords,
    recovery_codes,
    sessions,
)
from tokenry.storage.schema.usage import (
    account_counts,
    asked_scopes,
    revoked_uses,
    token_counts,
    watched_refusals,
    watched_tokens,
)
from tokenry.storage.schema.webhooks import outbox, webhooks

__all__ = [
    "LIMIT_COLUMNS",
    "Id",
    "Seconds",
    "Words",
    "account_counts",
    "accounts",
    "alarms",
    "apps",
    "asked_scopes",
    "audit_events",
    "authenticators",
    "authorization_codes",
    "credentials",
    "device_codes",
    "digests",
    "disabled_tokens",
    "idempotency_keys",
    "identities",
    "installation",
    "jobs",
    "links",
    "logins",
    "mailed_addresses",
    "metadata",
    "notices",
    "oauth_clients",
    "oauth_grants",
    "outbox",
    "page_tokens",
    "passkeys",
    "passwords",
    "policy",
    "pushed_requests",
    "recovery_codes",
    "refresh_tokens",
    "revoked_uses",
    "rotations",
    "seen_assertions",
    "seen_networks",
    "sessions",
    "shortenings",
    "token_counts",
    "token_starts",
    "token_uses",
    "tokens",
    "unwanted_notices",
    "username_reservations",
    "users",
    "watched_refusals",
    "watched_tokens",
    "webhooks",
]
