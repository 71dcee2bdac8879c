"""The accounts and users of events that were recorded before there was a place for them, and indexes by both."""

import sqlalchemy as sa
from alembic import op

from tokenry.storage.indexes import NewIndex, create_indexes

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BATCH = 10_000
ASKED = ["id", "at", "action", "actor"]
INDEXES = (
    NewIndex("ix_audit_events_of_account", "audit_events", ["account_id", *ASKED]),
    NewIndex("ix_audit_events_of_user", "audit_events", ["user_id", *ASKED]),
)
USER, TOKEN, CLIENT, ACCOUNT = (
    f"CAST(substr(subject, {len(kind) + 2}) AS BIGINT)" for kind in ("user", "token", "client", "account")
)
FILL = f"""
    UPDATE audit_events SET
        user_id = CASE
            WHEN subject LIKE 'user\\:%' THEN {USER}
            WHEN subject LIKE 'token\\:%' THEN (SELECT user_id FROM tokens WHERE id = {TOKEN})
        END,
        account_id = CASE
            WHEN subject LIKE 'account\\:%' THEN {ACCOUNT}
            WHEN subject LIKE 'user\\:%' THEN (SELECT account_id FROM users WHERE id = {USER})
            WHEN subject LIKE 'token\\:%' THEN (SELECT account_id FROM users WHERE id = (
                SELECT user_id FROM tokens WHERE id = {TOKEN}))
            WHEN subject LIKE 'client\\:%' THEN (SELECT account_id FROM oauth_clients WHERE id = {CLIENT})
        END
    WHERE id > :after AND id <= :last AND account_id IS NULL
"""  # noqa: S608 - no input


def upgrade() -> None:
    connection = op.get_bind()
    newest = connection.execute(sa.text("SELECT max(id) FROM audit_events")).scalar_one() or 0
    for after in range(0, newest, BATCH):
        connection.execute(sa.text(FILL), {"after": after, "last": after + BATCH})
    create_indexes(INDEXES)
