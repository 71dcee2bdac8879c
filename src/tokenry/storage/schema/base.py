"""What the tables share: the names of constraints, and the types of columns."""

from sqlalchemy import BigInteger, Integer, MetaData, Text, text

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
EMPTY = text("''")
