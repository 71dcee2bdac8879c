"""What the shell may complete a value to. Whatever goes wrong, there is nothing to suggest, and it is not said."""

from contextlib import AbstractContextManager
from functools import partial

import typer

from tokenry.cli.access import find_access, opened
from tokenry.cli.running import CommandError
from tokenry.client import ONCE, Client, where

PATIENCE_SECONDS = 2
ROWS_MAX = 500


def complete_users(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The names of a product's users that begin so, with their addresses. It asks the service."""
    begun = where.external_id.contains(incomplete) if incomplete else None
    try:
        with _asked(ctx) as client:
            rows = client.users.page(1, begun, page_size=ROWS_MAX).rows
    except CommandError:
        return []
    return [
        (user.external_id, user.email)
        for user in rows
        if user.external_id.startswith(incomplete) and user.external_id.isprintable()
    ]


def complete_ids(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The ids of the live tokens that are not named yet, with their labels. It asks the service."""
    named, user = ctx.params.get("ids") or [], ctx.params.get("user")
    try:
        with _asked(ctx) as client:
            tokens = client.tokens if user is None else client.users.tokens(user)
            rows = tokens.page(page_size=ROWS_MAX).rows
    except CommandError:
        return []
    return [(str(token.id), token.label) for token in rows if str(token.id) not in named]


def _asked(ctx: typer.Context) -> AbstractContextManager[Client]:
    """A client that does not wait long. Raises CommandError."""
    return opened(partial(Client, timeout=PATIENCE_SECONDS), find_access(ctx.params.get("context")), retries=ONCE)
