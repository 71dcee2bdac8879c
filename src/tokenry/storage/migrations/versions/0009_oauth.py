"""Sign-in, and OAuth: clients, apps, grants, and access tokens beside personal ones."""

import sqlalchemy as sa
from alembic import op

from tokenry.storage.indexes import NewIndex, create_indexes

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


INDEXES = (NewIndex("ix_users_email", "users", ["email"]),)


def upgrade() -> None:
    create_indexes(INDEXES)
    _sign_in()
    _factors()
    _clients()
    _apps()
    _refresh_tokens_and_codes()
    _requests()
    _access_tokens()


def _sign_in() -> None:
    op.create_table(
        "passwords",
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("preview", sa.String(16), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("pepper_generation", sa.SmallInteger, nullable=False),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "sessions",
        sa.Column("id", Id, primary_key=True),
        sa.Column("preview", sa.String(16), nullable=False, unique=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("pepper_generation", sa.SmallInteger, nullable=False),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("address", Words),
        sa.Column("agent", Words),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("authenticated_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sessions_user_id_id_expires_at", "sessions", ["user_id", "id", "expires_at"])
    op.create_table(
        "logins",
        sa.Column("id", Id, primary_key=True),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False, index=True),
        sa.Column("address", Words),
        sa.Column("succeeded", sa.Boolean, nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_logins_user_id_id", "logins", ["user_id", "id"])
    op.create_index("ix_logins_user_id_succeeded_at", "logins", ["user_id", "succeeded", "at"])


def _factors() -> None:
    op.create_table(
        "passkeys",
        sa.Column("id", Id, primary_key=True),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", Id, nullable=False),
        sa.Column("label", Words, nullable=False, server_default=""),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "authenticators",
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("used_step", Id, nullable=False),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("pepper_generation", sa.SmallInteger, nullable=False),
    )
    op.add_column(
        "policy", sa.Column("second_factor", sa.String(16), nullable=False, server_default=sa.text("'nobody'"))
    )
    op.create_table(
        "identities",
        sa.Column("id", Id, primary_key=True),
        sa.Column("issuer", Words, nullable=False),
        sa.Column("subject", Words, nullable=False),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("issuer", "subject"),
        sqlite_autoincrement=True,
    )


def _clients() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", Id, primary_key=True),
        sa.Column("client_id", Words, nullable=False, unique=True),
        sa.Column("account_id", Id, sa.ForeignKey("accounts.id")),
        sa.Column("label", Words, nullable=False),
        sa.Column("website", Words, nullable=False, server_default=""),
        sa.Column("public", sa.Boolean, nullable=False),
        sa.Column("verified", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("redirect_uris", sa.Text, nullable=False),
        sa.Column("grant_types", sa.Text, nullable=False),
        sa.Column("scopes", Words, nullable=False),
        sa.Column("authentication", sa.String(32), nullable=False),
        sa.Column("jwks", sa.Text),
        sa.Column("pkce_required", sa.Boolean, nullable=False),
        sa.Column("dpop_required", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("par_required", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("narrowing", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("preview", sa.String(16), unique=True),
        sa.Column("digest", sa.LargeBinary(32)),
        sa.Column("pepper_generation", sa.SmallInteger),
        sa.Column("registration_preview", sa.String(16), unique=True),
        sa.Column("registration_digest", sa.LargeBinary(32)),
        sa.Column("service_user_id", Id, sa.ForeignKey("users.id")),
        sa.Column("prune_at", sa.BigInteger, index=True),
        sa.Column("document_until", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", Words, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
        sa.Column("deleted_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_oauth_clients_account_id_id", "oauth_clients", ["account_id", "id"])


def _apps() -> None:
    op.create_table(
        "apps",
        sa.Column("id", Id, primary_key=True),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("oauth_client_id", Id, sa.ForeignKey("oauth_clients.id"), nullable=False, index=True),
        sa.Column("scopes", Words, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    live = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_apps_user_id_oauth_client_id_live",
        "apps",
        ["user_id", "oauth_client_id"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_index("ix_apps_user_id_id", "apps", ["user_id", "id"])
    ended = sa.text("ended_at IS NOT NULL")
    op.create_index("ix_apps_ended_at", "apps", ["ended_at"], sqlite_where=ended, postgresql_where=ended)
    op.create_table(
        "oauth_grants",
        sa.Column("id", Id, primary_key=True),
        sa.Column("app_id", Id, sa.ForeignKey("apps.id"), nullable=False, index=True),
        sa.Column("grant_type", sa.String(64), nullable=False),
        sa.Column("scopes", Words, nullable=False),
        sa.Column("audience", sa.Text, nullable=False, server_default=""),
        sa.Column("jkt", sa.String(43)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("ended_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )


def _refresh_tokens_and_codes() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("preview", sa.String(16), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("pepper_generation", sa.SmallInteger, nullable=False),
        sa.Column("grant_id", Id, sa.ForeignKey("oauth_grants.id"), nullable=False, index=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_table(
        "authorization_codes",
        sa.Column("preview", sa.String(16), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("pepper_generation", sa.SmallInteger, nullable=False),
        sa.Column("app_id", Id, sa.ForeignKey("apps.id"), nullable=False, index=True),
        sa.Column("redirect_uri", sa.Text),
        sa.Column("scopes", Words, nullable=False),
        sa.Column("audience", sa.Text, nullable=False, server_default=""),
        sa.Column("code_challenge", sa.String(43)),
        sa.Column("jkt", sa.String(43)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("used_at", sa.BigInteger),
        sa.Column("grant_id", Id, sa.ForeignKey("oauth_grants.id"), index=True),
    )


def _requests() -> None:
    op.create_table(
        "device_codes",
        sa.Column("preview", sa.String(16), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("pepper_generation", sa.SmallInteger, nullable=False),
        sa.Column("user_code", sa.String(16), nullable=False, unique=True),
        sa.Column("oauth_client_id", Id, sa.ForeignKey("oauth_clients.id"), nullable=False, index=True),
        sa.Column("scopes", Words, nullable=False),
        sa.Column("audience", sa.Text, nullable=False, server_default=""),
        sa.Column("jkt", sa.String(43)),
        sa.Column("address", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("interval_seconds", sa.Integer, nullable=False),
        sa.Column("polled_at", sa.BigInteger),
        sa.Column("app_id", Id, sa.ForeignKey("apps.id"), index=True),
        sa.Column("refused_at", sa.BigInteger),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_table(
        "pushed_requests",
        sa.Column("preview", sa.String(16), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("pepper_generation", sa.SmallInteger, nullable=False),
        sa.Column("oauth_client_id", Id, sa.ForeignKey("oauth_clients.id"), nullable=False, index=True),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "seen_assertions",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    )


def _access_tokens() -> None:
    op.add_column("credentials", sa.Column("client_id", Words))
    op.add_column("credentials", sa.Column("audience", sa.Text, nullable=False, server_default=""))
    op.add_column("credentials", sa.Column("jkt", sa.String(43)))
    kind = "INTEGER" if op.get_context().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE tokens ADD COLUMN grant_id {kind} CONSTRAINT fk_tokens_grant_id REFERENCES oauth_grants (id)"
    )
    for name in ("subject_id", "actor_client_id"):
        op.add_column("tokens", sa.Column(name, Id))
        exchanged = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_tokens_{name}", "tokens", [name], sqlite_where=exchanged, postgresql_where=exchanged)
    from_grants = sa.text("grant_id IS NOT NULL")
    op.create_index(
        "ix_tokens_grant_id", "tokens", ["grant_id"], sqlite_where=from_grants, postgresql_where=from_grants
    )
    op.add_column("users", sa.Column("ceiling", Words))  # after those that a look-up reads before this one
