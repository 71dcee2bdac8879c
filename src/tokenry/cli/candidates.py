"""What the shell may complete a value to. Whatever goes wrong, there is nothing to suggest, and it is not said."""

from functools import partial

import typer

from tokenry.cli.access import find_access, opened
from tokenry.cli.running import CommandError
from tokenry.client import ONCE, Client

PATIENCE_SECONDS = 2
TOKENS_MAX = 500


def complete_ids(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The ids of the live tokens that are not named yet, with their labels. It asks the service."""
    named = ctx.params.get("ids") or []
    try:
        access = find_access(ctx.params.get("context"))
        with opened(partial(Client, timeout=PATIENCE_SECONDS), access, retries=ONCE) as client:
            rows = client.tokens.page(page_size=TOKENS_MAX).rows
    except CommandError:
        return []
    return [(str(token.id), token.label) for token in rows if str(token.id) not in named]
