"""A secret that was just made and can be shown this once: somebody gets it, or it opens nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tokenry.cli.running import CommandError, complain
from tokenry.cli.streams import OutputError, require_output
from tokenry.printable import first_line, printable


def require_delivery() -> None:
    """Call it before a secret is made. Raises CommandError if nobody would get it."""
    try:
        require_output()
    except OutputError as failure:
        raise CommandError(f"{failure}, so nothing was made.") from None


@contextmanager
def delivering(take_back: Callable[[], str]) -> Iterator[None]:
    """Show a secret in this block. If that fails, `take_back` sees to it, and says what became of it."""
    try:
        yield
        sys.stdout.flush()
    except OutputError as failure:
        raise CommandError(f"{failure}. {take_back()}") from None
    except BaseException:
        complain(take_back())
        raise


def revoking(token_id: int, label: str, revoke: Callable[[int], object]) -> Callable[[], str]:
    """How a new token is taken back: by revoking it; where that fails too, it is named."""
    return partial(_revoke, token_id, label, revoke)


def _revoke(token_id: int, label: str, revoke: Callable[[int], object]) -> str:
    named = f"Token {token_id} ({printable(label)}), whose secret nobody has,"
    try:
        revoke(token_id)
    except Exception as error:  # noqa: BLE001 - whatever it is, the token has to be named
        return f"{named} is live, and could not be revoked ({first_line(error)}): revoke it."
    return f"{named} is revoked."
