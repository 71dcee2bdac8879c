"""`tokenry migrate`."""

from tokenry.cli.running import alone
from tokenry.operator.options import SCOPED, takes_settings
from tokenry.operator.usernames import complain_of_ambiguous
from tokenry.settings import Settings
from tokenry.wiring import prepare


@takes_settings(*SCOPED)
def migrate(*, settings: Settings) -> None:
    """Make the database, or bring it to this version's schema."""
    ambiguous = prepare(settings)
    print("The database is up to date.")
    complain_of_ambiguous(ambiguous)


app = alone(migrate)
