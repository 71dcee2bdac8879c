"""What the shell may complete a value to. Whatever goes wrong, there is nothing to suggest, and it is not said."""

from contextlib import AbstractContextManager
from functools import partial

import typer

from tokenry.cli.access import PATIENCE_SECONDS, find_access, opened
from tokenry.cli.running import CommandError
from tokenry.client import ONCE, Client, where

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


def complete_scopes(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The scopes that begin so, in a list of them that are not named yet, with their titles. It asks the service."""
    begun = max(incomplete.rfind(" "), incomplete.rfind(",")) + 1
    named = incomplete[:begun].replace(",", " ").split()
    try:
        with _asked(ctx) as client:
            scopes = client.scopes()
    except CommandError:
        return []
    return [
        (f"{incomplete[:begun]}{each.scope}", each.title)
        for each in scopes
        if each.scope.startswith(incomplete[begun:]) and each.scope not in named
    ]


def _asked(ctx: typer.Context) -> AbstractContextManager[Client]:
    """A client that does not wait long. Raises CommandError."""
    return opened(partial(Client, timeout=PATIENCE_SECONDS), find_access(ctx.params.get("context")), retries=ONCE)
