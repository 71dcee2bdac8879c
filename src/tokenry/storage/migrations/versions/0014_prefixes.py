"""Room for previews of tokens that begin with a longer prefix of the operator's."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

PREVIEWS = (
    ("credentials", "preview"),  # locked first, as look-ups do
    ("tokens", "preview"),
    ("rotations", "preview"),
    ("rotations", "previous"),
    ("idempotency_keys", "preview"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite holds no text to its column's length
        for table, column in PREVIEWS:
            op.alter_column(table, column, type_=sa.String(24))  # writes no row and no index anew
