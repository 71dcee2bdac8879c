"""A secret that was just made and can be shown this once: somebody gets it, or it opens nothing."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import FrameType
from typing import Never

from tokenry.cli.front import SIGNALLED
from tokenry.cli.running import CommandError, complain
from tokenry.cli.streams import OutputError, require_output
from tokenry.client import ConnectionFailed, ServerError, UnreadableAnswer
from tokenry.printable import first_line, printable

SHOWN_ONCE = "This is the only time that the token's text is shown."
ENDING = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


def require_delivery() -> None:
    """Check before a secret is made. Raises CommandError if nobody would get it."""
    try:
        require_output()
    except OutputError as failure:
        raise CommandError(f"{failure}, so nothing was made.") from None


@dataclass(slots=True)
class Issue:
    """A secret that is being made. Once it is, `take_back` revokes one that nobody gets, and says what became of it."""

    take_back: Callable[[], str] | None = None


@contextmanager
def issuing(unknown: str) -> Iterator[Issue]:
    """Make a secret in this block, set `take_back` at once, and show it. If that fails, the secret is taken back.

    Where the block is ended while nobody knows whether a secret was made, `unknown` is said. SIGTERM and SIGHUP end it
    as Ctrl-C does.
    """
    issue = Issue()
    with ended_by_signals():
        try:
            yield issue
            sys.stdout.flush()
        except OutputError as failure:
            if issue.take_back is None:
                raise
            raise CommandError(f"{failure}. {issue.take_back()}") from None
        except BaseException as error:
            if issue.take_back is not None:
                complain(issue.take_back())
            elif _leaves_open(error):
                complain(unknown)
            raise


def perhaps_made(label: str | None, shown_by: str) -> str:
    """What is said of a token that may have been made; the command `shown_by` shows whether it was."""
    labelled = "" if label is None else f" labelled {printable(label)}"
    return f"A token{labelled} may have been made whose secret nobody has: find it with `{shown_by}`, and revoke it."


def advise_again(token_id: int, left: timedelta | None) -> str:
    """What to do about a new secret that nobody has; `left` is how long the old one works on, None for ever."""
    if left is None:
        return f"Nobody has the new secret of token {token_id}, and the old one still works: run this again."
    if left:
        return (
            f"Nobody has the new secret of token {token_id}, and the old one stops working after the grace: run this "
            "again."
        )
    return f"Nobody has a secret of token {token_id} that works: rotate it again, with another token, or revoke it."


def _leaves_open(error: BaseException) -> bool:
    """Whether what was asked for may have been done: there was no answer, or none of the service's own."""
    if isinstance(error, ConnectionFailed):
        return error.sent
    return isinstance(error, (KeyboardInterrupt, SystemExit, ServerError, UnreadableAnswer))


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Make an exception of what would end the process in this block without a word. Ignored signals stay ignored."""

    def end(number: int, _: FrameType | None) -> Never:
        sys.exit(SIGNALLED + number)

    before = {number: signal.getsignal(number) for number in ENDING}
    handled = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in handled:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)


def revoking(token_id: int, label: str, revoke: Callable[[int], object]) -> Callable[[], str]:
    """The way to take back a new token: revoke it; where that fails too, name it."""
    return partial(_revoke, token_id, label, revoke)


def _revoke(token_id: int, label: str, revoke: Callable[[int], object]) -> str:
    named = f"Token {token_id} ({printable(label)}), whose secret nobody has,"
    try:
        revoke(token_id)
    except Exception as error:  # noqa: BLE001 - whatever it is, the token has to be named
        return f"{named} is live, and could not be revoked ({first_line(error)}): revoke it."
    except BaseException:  # somebody is in a hurry
        complain(f"{named} may be live: revoke it.")
        raise
    return f"{named} is revoked."
