"""Usernames unique whatever their case, names that are not free yet, and labels that both forms of an ä find."""

from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BATCH = 1000

users = sa.table("users", sa.column("id"), sa.column("username"), sa.column("username_folded"), sa.column("deleted_at"))
reservations = sa.table("username_reservations", *map(sa.column, ("username_folded", "user_id", "freed_at")))
tokens = sa.table("tokens", sa.column("id"), sa.column("label"), sa.column("label_folded"))


def upgrade() -> None:
    op.add_column("users", sa.Column("username_folded", Words))
    op.create_table(
        "username_reservations",
        sa.Column("username_folded", Words, primary_key=True),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("freed_at", sa.BigInteger, nullable=False),
    )
    _fold_usernames()
    op.create_index("ix_users_username_folded", "users", ["username_folded"], unique=True)
    _fold_labels()


def _fold_usernames() -> None:
    """Of users whose names are one now the oldest has it; the others keep theirs, and are told of by `doctor`."""
    connection = op.get_bind()
    taken: set[str] = set()
    for user in connection.execute(sa.select(users).order_by(users.c.id)).all():
        if user.deleted_at is not None:
            _reserve(user)
        elif user.username.lower() not in taken:
            taken.add(user.username.lower())
            folded = sa.update(users).where(users.c.id == user.id)
            connection.execute(folded.values(username_folded=user.username.lower()))


def _reserve(user: sa.Row[tuple[int, str, str, int]]) -> None:
    """Of those who had a name the last counts. A deleted user's row is called `deleted:<id>:<name>`."""
    connection = op.get_bind()
    folded = user.username.split(":", 2)[-1].lower()
    connection.execute(sa.delete(reservations).where(reservations.c.username_folded == folded))
    row = {"username_folded": folded, "user_id": user.id, "freed_at": user.deleted_at}
    connection.execute(sa.insert(reservations), row)


def _fold_labels() -> None:
    connection = op.get_bind()
    last = 0
    while found := connection.execute(
        sa.select(tokens).where(tokens.c.id > last).order_by(tokens.c.id).limit(BATCH)
    ).all():
        for token in found:
            folded = normalize("NFC", normalize("NFD", token.label).casefold())
            if folded != token.label_folded:
                connection.execute(sa.update(tokens).where(tokens.c.id == token.id).values(label_folded=folded))
        last = found[-1].id
