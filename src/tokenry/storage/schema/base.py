"""What the tables share: the names of constraints, and the types of columns."""

from sqlalchemy import BigInteger, Integer, MetaData, String, Text, text

from tokenry.domain.secrets import PREVIEW_LENGTH_MAX

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives out row ids for INTEGER only; AUTOINCREMENT keeps it from giving one out twice.
Id = BigInteger().with_variant(Integer, "sqlite")
Seconds = BigInteger()
# Ordered and compared byte by byte, so that both engines agree: SQLite does so by itself.
Words = Text().with_variant(Text(collation="C"), "postgresql")
# Of personal tokens, whose prefix may be chosen. SQLite holds no text to its column's length.
Preview = String(16).with_variant(String(PREVIEW_LENGTH_MAX), "postgresql")
EMPTY = text("''")
