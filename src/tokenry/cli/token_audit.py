"""`tokenry token audit`: the live tokens that somebody should look at, and why."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Annotated

import typer

from tokenry.cli.access import Connection
from tokenry.cli.expiry import read_span
from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output, Row, write_time
from tokenry.cli.rows import write_token
from tokenry.cli.running import complain
from tokenry.cli.whose import Whose
from tokenry.client import Details, NotFound, TokenRecord
from tokenry.client.client import Tokens

COLUMNS = ("id", "label", "scopes", "created", "expiry", "last_used", "reasons")
PAGE_SIZE_MAX = 500
EVERYTHING = "*"


@takes_groups
def audit(
    output: Output,
    connection: Connection,
    whose: Whose,
    unused: Annotated[str, typer.Option(metavar="SPAN", help="Unused for this long: 12h, 90d, 4w.")] = "90d",
) -> None:
    """List tokens that were long unused, never expire, or may do everything, and why each is listed."""
    printer = output.of(COLUMNS)
    since = datetime.now(UTC) - read_span(unused, "--unused")
    with connection.open() as client:
        found, told = _find_tokens(whose.tokens(client), ours=whose.user is not None)
        if not told:
            complain("This service does not tell when a token was used: only expiry and scopes were checked.")
            printer = replace(printer, absent={**printer.absent, "last_used": "-"})
        judged = ((token, find_reasons(token, since)) for token in found)
        printer.write(_write(token, reasons) for token, reasons in judged if reasons)


def find_reasons(token: TokenRecord, since: datetime) -> list[str]:
    """Why somebody should look at a token: it was not used `since`, never expires, or holds `*`.

    One that was never used is unused since it was made. Where the last use is not told, the first is never a reason.
    """
    reasons = {
        "unused": isinstance(token, Details) and (token.last_used or token.created) < since,
        "no-expiry": token.expiry is None,
        "all-scopes": EVERYTHING in token.scopes,
    }
    return [reason for reason, holds in reasons.items() if holds]


def _find_tokens(tokens: Tokens, *, ours: bool) -> tuple[Iterator[TokenRecord], bool]:
    """The live tokens, and whether it is told when they were used: if not, the service is not `ours`."""
    detailed = tokens.list_details(page_size=PAGE_SIZE_MAX)
    try:
        first = list(islice(detailed, 1))
    except NotFound:
        if ours:
            raise
        return tokens.list(page_size=PAGE_SIZE_MAX), False
    return chain(first, detailed), True


def _write(token: TokenRecord, reasons: list[str]) -> Row:
    return {
        **write_token(token),
        "last_used": write_time(token.last_used) if isinstance(token, Details) else None,
        "reasons": reasons,
    }
