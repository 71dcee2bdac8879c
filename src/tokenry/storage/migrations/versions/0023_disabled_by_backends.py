"""Whether a service account disabled a user; for those who are disabled, by what the audit says of the last time."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

LAST = """
    SELECT actor_user_id FROM audit_events
    WHERE subject = 'user\\:' || users.id AND action = 'user.disable' ORDER BY id DESC LIMIT 1
"""
FILL = f"""
    UPDATE users SET disabled_by_backend = true WHERE disabled_at IS NOT NULL AND deleted_at IS NULL
    AND EXISTS (SELECT 1 FROM users AS backends WHERE backends.service AND backends.id = ({LAST}))
"""  # noqa: S608 - no input


def upgrade() -> None:
    added = sa.Column("disabled_by_backend", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("users", added)
    op.execute(sa.text(FILL))
