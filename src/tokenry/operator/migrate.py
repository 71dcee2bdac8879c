"""`tokenry migrate`."""

from tokenry.cli.running import alone
from tokenry.operator.options import DatabaseUrl, DataDir, ScopesFile, local_settings
from tokenry.operator.usernames import complain_of_ambiguous
from tokenry.settings import DEFAULT_DATA_DIR
from tokenry.wiring import prepare


def migrate(
    data_dir: DataDir = DEFAULT_DATA_DIR, database_url: DatabaseUrl = None, scopes_file: ScopesFile = None
) -> None:
    """Make the database, or bring it to this version's schema."""
    ambiguous = prepare(local_settings(data_dir, database_url, scopes_file))
    print("The database is up to date.")
    complain_of_ambiguous(ambiguous)


app = alone(migrate)
