"""`tokenry whoami`."""

from tokenry.cli.access import Connection
from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output
from tokenry.cli.running import alone

COLUMNS = ("user", "email", "restricted", "scopes", "url", "context", "token_from")


@takes_groups
def whoami(output: Output, connection: Connection) -> None:
    """Say whose token you use, what it may do, and where it was found."""
    printer = output.of(COLUMNS, bare="user")
    with connection.open() as client:
        identity = client.whoami()
    access = connection.find()
    printer.write_one(
        {
            "user": identity.user,
            "email": identity.email,
            "restricted": identity.restricted,
            "scopes": " ".join(identity.scopes),
            "url": access.url,
            "context": access.context,
            "token_from": access.origin,
        }
    )


app = alone(whoami)
