"""Whose the events of the audit are: of which account, and of which user.

They are filled, and their indexes built, by the next migration, which holds up nobody who records an event.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("account_id", "user_id"):
        op.add_column("audit_events", sa.Column(name, Id))
