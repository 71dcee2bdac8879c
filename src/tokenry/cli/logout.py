"""`tokenry logout`."""

from tokenry.cli import keyrings
from tokenry.cli.configuration import ContextName, locked_contexts, read_contexts, write_contexts
from tokenry.cli.running import NOT_LOGGED_IN, CommandError, alone
from tokenry.printable import printable


def logout(
    context: ContextName = None,
) -> None:
    """Forget a login and its token. The token itself stays valid until it is revoked."""
    with locked_contexts():
        contexts = read_contexts()
        name = contexts.current if context is None else context
        if name is None:
            raise CommandError("You are not logged in.", NOT_LOGGED_IN)
        found = contexts.get(name)
        if found.token is None:
            keyrings.delete_token(name)
        write_contexts(contexts.remove(name))
    said = (
        f"The token of {found.user} at {found.url} is forgotten here but still valid: `tokenry token revoke` ends it."
    )
    print(printable(said))


app = alone(logout)
