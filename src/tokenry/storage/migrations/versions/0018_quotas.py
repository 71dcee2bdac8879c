"""How many requests a minute may be made with a token."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add("credentials", "requests_per_minute")
    for kind in ("admin", "user", "proxy", "service"):
        _add("policy", f"requests_per_minute_of_{kind}")


def _add(table: str, name: str) -> None:
    op.add_column(table, sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0")))
