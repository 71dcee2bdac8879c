"""Accounts, users, their tokens, and what an installation needs beside them."""

from sqlalchemy import (
    BigInteger,
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
    true,
)

from tokenry.domain.accounts import CONTACT_FIELDS
from tokenry.domain.policy import UserKind
from tokenry.storage.schema.base import EMPTY, Id, Preview, Seconds, Words, metadata

LIMIT_COLUMNS = {kind: f"requests_per_minute_of_{kind.value}" for kind in UserKind}
"""Where the policy has the limit of each kind of user."""

accounts = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("euuid", String(36), nullable=False, unique=True),
    Column("company", Words, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("parent_id", Id, ForeignKey("accounts.id")),
    *(Column(name, Words, nullable=False, server_default=EMPTY) for name in CONTACT_FIELDS),
    sqlite_autoincrement=True,
)
Index(None, accounts.c.parent_id, accounts.c.id)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.id"), nullable=False),
    Column("username", Words, nullable=False, unique=True),
    Column("email", Words, nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("disabled_at", Seconds),
    # A deleted user's row stays for the audit, disabled and under a name that nobody can ask for.
    Column("deleted_at", Seconds),
    Column("proxy", Boolean, nullable=False, server_default=false()),
    Column("child_account_access", Boolean, nullable=False, server_default=false()),
    Column("timezone", Words, nullable=False, server_default="UTC"),
    Column("email_notifications", Boolean, nullable=False, server_default=true()),
    Column("ip_whitelist_enabled", Boolean, nullable=False, server_default=false()),
    Column("lish_auth_method", Words, nullable=False, server_default="keys_only"),
    Column("authorized_keys", Text),  # a JSON list
    # The name that nobody else may have in another case. NULL for deleted users, and for those who were there before
    # this was so and whose name an older one has.
    Column("username_folded", Words),
    # The most that the user's new tokens may do, in scopes, by the provider that the user signs in with.
    Column("ceiling", Words),
    # A program's, which never signs in. Its ceiling is for the tokens that it makes for users.
    Column("service", Boolean, nullable=False, server_default=false()),
    # The name that a product has for the user, once in an account.
    Column("external_id", Words),
    Column("metadata", Text),  # a JSON object
    # Whether a service account disabled the user, which then may enable the user again.
    Column("disabled_by_backend", Boolean, nullable=False, server_default=false()),
    Column("language", Words),  # NULL: the user never chose one
    sqlite_autoincrement=True,
)
# An account's users, and those of them whom a backend may manage, are listed and counted in an index alone.
Index(
    "ix_users_of_account",
    users.c.account_id,
    users.c.id,
    users.c.deleted_at,
    users.c.external_id,
    users.c.admin,
    users.c.service,
    users.c.proxy,
)
Index(None, users.c.username_folded, unique=True)
Index(None, users.c.email)
_WITH_EXTERNAL_ID = text("external_id IS NOT NULL")
Index(
    "ix_users_account_id_external_id",
    users.c.account_id,
    users.c.external_id,
    unique=True,
    sqlite_where=_WITH_EXTERNAL_ID,
    postgresql_where=_WITH_EXTERNAL_ID,
)

# Former usernames: a system that stored one must not mistake its next owner for the former one.
username_reservations = Table(
    "username_reservations",
    metadata,
    Column("username_folded", Words, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("freed_at", Seconds, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("label", Words, nullable=False),
    Column("label_folded", Words, nullable=False),
    Column("scopes", Words, nullable=False),
    Column("preview", Preview, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False),
    Column("revoked_at", Seconds),
    Column("description", Words, nullable=False, server_default=EMPTY),
    Column("created_by", Words, nullable=False, server_default=EMPTY),
    Column("revoked_by", Words),
    # The parent account's user who asked for a proxy user's token; disabling that user revokes it.
    Column("delegated_by", Id, ForeignKey("users.id")),
    # Of an access token: the grant it came from. Personal tokens have none.
    Column("grant_id", Id, ForeignKey("oauth_grants.id")),
    # Of one that was given for another: that one, and the client that exchanged it. Rows of both are deleted some time
    # after their end, so neither is a key.
    Column("subject_id", Id),
    Column("actor_client_id", Id),
    Column("revoked_reason", Words),
    Column("metadata", Text),  # a JSON object
    Column("rotates_itself_only", Boolean, nullable=False, server_default=false()),
    Column("watched", Words),  # scopes to which it is not kept yet, but watched whether it could be
    sqlite_autoincrement=True,
)
_REVOKED = text("revoked_at IS NOT NULL")
_PERSONAL_LIVE = text("grant_id IS NULL AND revoked_at IS NULL")
_PERSONAL_REVOKED = text("grant_id IS NULL AND revoked_at IS NOT NULL")
_FROM_GRANTS = text("grant_id IS NOT NULL")
# Lists, counts and exports are of users' personal tokens by id: of those that were not revoked, mostly; of those that
# were; or of all. They are found in an index alone, which has to hold what is asked: for SQLite `revoked_at` and
# `grant_id`, too. The index of all has access tokens as well, and is the widest (that is what its last column is for),
# so that planners take the others where these do.
Index(
    "ix_tokens_personal_live",
    tokens.c.user_id,
    tokens.c.id,
    tokens.c.expires_at,
    tokens.c.revoked_at,
    tokens.c.grant_id,
    sqlite_where=_PERSONAL_LIVE,
    postgresql_where=_PERSONAL_LIVE,
)
Index(
    "ix_tokens_personal_revoked",
    tokens.c.user_id,
    tokens.c.id,
    tokens.c.revoked_at,
    tokens.c.grant_id,
    sqlite_where=_PERSONAL_REVOKED,
    postgresql_where=_PERSONAL_REVOKED,
)
Index(
    "ix_tokens_of_all",
    tokens.c.user_id,
    tokens.c.id,
    tokens.c.revoked_at,
    tokens.c.expires_at,
    tokens.c.grant_id,
    tokens.c.preview,
)
# Access tokens end with their grant.
Index("ix_tokens_grant_id", tokens.c.grant_id, sqlite_where=_FROM_GRANTS, postgresql_where=_FROM_GRANTS)
# Those that were given for others end with them, and with the client that exchanged them.
for _name in ("subject_id", "actor_client_id"):
    _exchanged = text(f"{_name} IS NOT NULL")
    Index(f"ix_tokens_{_name}", tokens.c[_name], sqlite_where=_exchanged, postgresql_where=_exchanged)
# And are deleted some time after they expired.
Index("ix_tokens_access_expires_at", tokens.c.expires_at, sqlite_where=_FROM_GRANTS, postgresql_where=_FROM_GRANTS)

Index(
    "ix_tokens_delegated_by_live",
    tokens.c.delegated_by,
    sqlite_where=text("delegated_by IS NOT NULL AND revoked_at IS NULL"),
    postgresql_where=text("delegated_by IS NOT NULL AND revoked_at IS NULL"),
)

# What is explained of a token that was revoked is found by its first characters; of others the credential tells.
Index(
    "ix_tokens_preview_revoked",
    tokens.c.preview,
    sqlite_where=_REVOKED,
    postgresql_where=_REVOKED,
)

credentials = Table(
    "credentials",
    metadata,
    Column("preview", Preview, primary_key=True),
    Column("token_id", Id, ForeignKey("tokens.id"), nullable=False, index=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("pepper_generation", SmallInteger, nullable=False),
    Column("expires_at", Seconds, nullable=False),  # negative while the token is disabled
    Column("networks", Text, nullable=False, server_default=EMPTY),  # CIDR, space-separated; empty: from anywhere
    Column("kind", String(8), nullable=False, server_default=text("'pat'")),  # by name, as in domain/secrets.py
    # Of an access token: the client it was given to, for whom it is meant (space-separated, empty: this service and
    # whoever asks it), and the thumbprint of the key that has to be proved with it (RFC 9449).
    Column("client_id", Words),
    Column("audience", Text, nullable=False, server_default=EMPTY),
    Column("jkt", String(43)),
    Column("not_before", Seconds, nullable=False, server_default=text("0")),  # 0: it opens from the beginning
    # How many requests a minute may be made with the token, where they are counted; 0: any number.
    Column("requests_per_minute", Integer, nullable=False, server_default=text("0")),
    sqlite_with_rowid=False,
)

# Personal tokens that are refused until they are enabled. There are few, and lists leave them out without
# another column in their indexes.
disabled_tokens = Table(
    "disabled_tokens",
    metadata,
    Column("token_id", Id, ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
    Column("disabled_at", Seconds, nullable=False),
    Column("disabled_by", Words, nullable=False),
)

# Personal tokens that were made to be refused before a moment. There are few, and lists tell those apart that still are
# without another column in their indexes.
token_starts = Table(
    "token_starts",
    metadata,
    Column("token_id", Id, ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
    Column("not_before", Seconds, nullable=False),
)

# With one a user's own browser changes that user's tokens for some minutes. It ends with the token that made it.
page_tokens = Table(
    "page_tokens",
    metadata,
    Column("preview", String(16), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("pepper_generation", SmallInteger, nullable=False),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("token_id", Id, ForeignKey("tokens.id"), nullable=False, index=True),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False, index=True),
)

# The newest use of a token that was seen; written in batches, never by the request that used it.
token_uses = Table(
    "token_uses",
    metadata,
    Column("token_id", Id, ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
    Column("used_at", Seconds, nullable=False),
    Column("address", Text),
    Column("agent", Text),
)

# The last rotation of a token: the newest credential and the one before it, which may still live. With `first_used_at`
# NULL nobody has presented the new secret yet.
rotations = Table(
    "rotations",
    metadata,
    Column("token_id", Id, ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
    Column("preview", Preview, nullable=False),
    Column("previous", Preview, nullable=False, index=True),
    Column("started_at", Seconds, nullable=False),
    Column("grace_seconds", Integer, nullable=False),
    Column("on_first_use", Boolean, nullable=False),
    Column("first_used_at", Seconds),
)
# Every flush of uses asks for the secrets among them that were new; hardly ever is one.
Index(
    "ix_rotations_preview_unused",
    rotations.c.preview,
    sqlite_where=text("first_used_at IS NULL"),
    postgresql_where=text("first_used_at IS NULL"),
)

# What a request with an Idempotency-Key gave out, so that its repetition makes nothing more; NULL only within the
# transaction that makes it.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("key", String(255), primary_key=True),
    Column("request", LargeBinary(32), nullable=False),  # SHA-256 of what was asked
    Column("token_id", Id, ForeignKey("tokens.id"), index=True),  # which a token that is deleted is looked for in
    Column("preview", Preview),
    Column("created_at", Seconds, nullable=False, index=True),
    Column("made", String(255)),  # of what is no token of one's own its id
)

# When somebody last took the turn of a job that one process does for all.
jobs = Table(
    "jobs",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("claimed_at", Seconds, nullable=False),
)

# What the operator allows; one row, which is always there. NULL: no limit.
policy = Table(
    "policy",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("lifetime_seconds_max", BigInteger),
    Column("expiry_required", Boolean, nullable=False),
    Column("tokens_per_user_max", Integer),
    Column("scopes", Text, nullable=False),  # a JSON object: kind of user to the scopes it may have
    # Who may not sign in by a password alone, by name.
    Column("second_factor", String(16), nullable=False, server_default=text("'nobody'")),
    # How many requests a minute may be made with each token, by the kind of its user; 0: any number.
    *(Column(name, Integer, nullable=False, server_default=text("0")) for name in LIMIT_COLUMNS.values()),
)

# That tokens are shortened which outlive the policy, since somebody asked for it with a change of it; the last time.
shortenings = Table(
    "shortenings",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("lifetime_seconds", BigInteger, nullable=False),
    # Who asked, as the audit has it.
    Column("actor", Words, nullable=False),
    Column("actor_user_id", Id),
    Column("address", Text),
    Column("session_id", Id),
    Column("started_at", Seconds, nullable=False),
    Column("last_token_id", Id, nullable=False),
    Column("at_once", Integer, nullable=False),
    Column("sooner", Integer, nullable=False),
    Column("ended_at", Seconds),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Seconds, nullable=False),
    Column("actor", Words, nullable=False),
    Column("actor_user_id", Id),
    Column("actor_token_id", Id),
    Column("address", Text),
    Column("action", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("details", Text, nullable=False),
    # Whose the subject is: of which account, and of a token or user which user. NULL for the policy, and for clients of
    # no account.
    Column("account_id", Id),
    Column("user_id", Id),
    sqlite_autoincrement=True,
)
Index(None, audit_events.c.subject, audit_events.c.id)
# Newest first; what else is mostly asked is counted in the index alone.
_ASKED = (audit_events.c.id, audit_events.c.at, audit_events.c.action, audit_events.c.actor)
Index("ix_audit_events_of_account", audit_events.c.account_id, *_ASKED)
Index("ix_audit_events_of_user", audit_events.c.user_id, *_ASKED)

installation = Table(
    "installation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("pepper_check", LargeBinary(32), nullable=False),
)
