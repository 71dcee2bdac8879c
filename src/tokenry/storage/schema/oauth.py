"""OAuth: clients, what users let them in for, and what they were given.

    users ─┐
           apps ── oauth_grants ── refresh_tokens
    oauth_clients ┘             └─ tokens (access tokens)

An app is what one user let one client in for. A grant of it is what one authorization brought: a line of refresh tokens
and their access tokens, which end together. What has ended keeps its row, for a while; what could be presented is gone.
"""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    false,
    text,
)

from tokenry.storage.schema.base import EMPTY, Id, Seconds, Words, metadata

oauth_clients = Table(
    "oauth_clients",
    metadata,
    Column("id", Id, primary_key=True),
    # How the client calls itself: 20 hexadecimal digits, or the address of its metadata document.
    Column("client_id", Words, nullable=False, unique=True),
    # None of a client that registered itself, and of the operator's.
    Column("account_id", Id, ForeignKey("accounts.id")),
    Column("label", Words, nullable=False),
    Column("website", Words, nullable=False, server_default=EMPTY),
    Column("public", Boolean, nullable=False),
    Column("verified", Boolean, nullable=False, server_default=false()),
    Column("redirect_uris", Text, nullable=False),  # a JSON list
    Column("grant_types", Text, nullable=False),  # by OAuth's names, space-separated
    Column("scopes", Words, nullable=False),  # the most it can get
    Column("authentication", String(32), nullable=False),  # token_endpoint_auth_method (RFC 7591)
    Column("jwks", Text),  # a JSON object, for private_key_jwt
    Column("pkce_required", Boolean, nullable=False),
    Column("dpop_required", Boolean, nullable=False, server_default=false()),
    Column("par_required", Boolean, nullable=False, server_default=false()),
    Column("narrowing", Boolean, nullable=False, server_default=false()),  # users may untick scopes
    Column("preview", String(16), unique=True),  # of its secret, which private_key_jwt and public clients have none of
    Column("digest", LargeBinary(32)),
    Column("pepper_generation", SmallInteger),
    Column("registration_preview", String(16), unique=True),  # of its registration access token (RFC 7592)
    Column("registration_digest", LargeBinary(32)),
    # Who it is when it acts for itself.
    Column("service_user_id", Id, ForeignKey("users.id")),
    # Of one that registered itself, and has not been seen to be used: when it is deleted, unless it was. Of one that
    # was deleted: when its row is, unless its id has to stay taken.
    Column("prune_at", Seconds, index=True),
    # Of one that is a document: until when that is believed without being fetched again.
    Column("document_until", Seconds),
    Column("created_at", Seconds, nullable=False),
    Column("created_by", Words, nullable=False),
    Column("disabled_at", Seconds),
    Column("deleted_at", Seconds),
    sqlite_autoincrement=True,
)
Index(None, oauth_clients.c.account_id, oauth_clients.c.id)

apps = Table(
    "apps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("oauth_client_id", Id, ForeignKey("oauth_clients.id"), nullable=False, index=True),
    Column("scopes", Words, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("ended_at", Seconds),
    sqlite_autoincrement=True,
)
_LIVE = text("ended_at IS NULL")
Index(
    "ix_apps_user_id_oauth_client_id_live",
    apps.c.user_id,
    apps.c.oauth_client_id,
    unique=True,
    sqlite_where=_LIVE,
    postgresql_where=_LIVE,
)
Index(None, apps.c.user_id, apps.c.id)
_ENDED = text("ended_at IS NOT NULL")
Index("ix_apps_ended_at", apps.c.ended_at, sqlite_where=_ENDED, postgresql_where=_ENDED)  # by which they are deleted

oauth_grants = Table(
    "oauth_grants",
    metadata,
    Column("id", Id, primary_key=True),
    Column("app_id", Id, ForeignKey("apps.id"), nullable=False, index=True),
    Column("grant_type", String(64), nullable=False),
    Column("scopes", Words, nullable=False),
    Column("audience", Text, nullable=False, server_default=EMPTY),
    Column("jkt", String(43)),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False, index=True),  # no token of it outlives this
    Column("ended_at", Seconds),
    sqlite_autoincrement=True,
)

# Each is used once. A used one stays as long as it would have lived: who presents it again ends the whole grant.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("preview", String(16), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("pepper_generation", SmallInteger, nullable=False),
    Column("grant_id", Id, ForeignKey("oauth_grants.id"), nullable=False, index=True),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False, index=True),
    Column("used_at", Seconds),
)

# `grant_id` is what a code brought: its second use ends that.
authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("preview", String(16), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("pepper_generation", SmallInteger, nullable=False),
    Column("app_id", Id, ForeignKey("apps.id"), nullable=False, index=True),
    Column("redirect_uri", Text),  # as the request had it; NULL if it had none
    Column("scopes", Words, nullable=False),
    Column("audience", Text, nullable=False, server_default=EMPTY),
    Column("code_challenge", String(43)),
    Column("jkt", String(43)),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False, index=True),
    Column("used_at", Seconds),
    Column("grant_id", Id, ForeignKey("oauth_grants.id"), index=True),
)

# `app_id` is there once a user agreed; who refuses sets `refused_at`.
device_codes = Table(
    "device_codes",
    metadata,
    Column("preview", String(16), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("pepper_generation", SmallInteger, nullable=False),
    Column("user_code", String(16), nullable=False, unique=True),
    Column("oauth_client_id", Id, ForeignKey("oauth_clients.id"), nullable=False, index=True),
    Column("scopes", Words, nullable=False),
    Column("audience", Text, nullable=False, server_default=EMPTY),
    Column("jkt", String(43)),
    Column("address", Text),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False, index=True),
    Column("interval_seconds", Integer, nullable=False),
    Column("polled_at", Seconds),
    Column("app_id", Id, ForeignKey("apps.id"), index=True),
    Column("refused_at", Seconds),
    Column("used_at", Seconds),
)

# Requests that clients left here before they sent the user's browser (RFC 9126).
pushed_requests = Table(
    "pushed_requests",
    metadata,
    Column("preview", String(16), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("pepper_generation", SmallInteger, nullable=False),
    Column("oauth_client_id", Id, ForeignKey("oauth_clients.id"), nullable=False, index=True),
    Column("parameters", Text, nullable=False),  # a JSON object
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False, index=True),
)

# Signed texts that count once, such as DPoP proofs: SHA-256 of what tells one from others, until it would not be taken.
seen_assertions = Table(
    "seen_assertions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("expires_at", Seconds, nullable=False, index=True),
)
