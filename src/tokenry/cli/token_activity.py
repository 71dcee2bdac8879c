"""`tokenry token activity|advice|shadow`: what a token is used for, and keeping it to what it needs."""

from typing import Annotated

import typer

from tokenry.cli.access import Connection
from tokenry.cli.candidates import complete_ids, complete_scopes
from tokenry.cli.options import ID_MAX, takes_groups
from tokenry.cli.output import Output, write_time
from tokenry.cli.running import complain

DAYS = ("day", "accepted", "refused")
SCOPES = ("scope", "asked")
REFUSALS = ("day", "scope", "number", "last", "last_address")
SILENCES = {
    "too_young": "nothing can be said yet: its uses are counted for less than 30 days, since {}",
    "unused": "nothing can be said: it was not used in 30 days",
    "unasked": "nothing can be said: nobody asked for a scope in 30 days",
}

TokenId = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=ID_MAX, autocompletion=complete_ids, help="The token's id.")
]


@takes_groups
def activity(token_id: TokenId, output: Output, connection: Connection) -> None:
    """Show how often a token was accepted on each day, and refused and why: your own, or any if you manage them."""
    printer = output.of(DAYS)
    with connection.open() as client:
        days = client.activity.list_days(token_id)
    printer.write(
        {"day": each.day.isoformat(), "accepted": each.accepted, "refused": dict(each.refused)} for each in days
    )


@takes_groups
def advice(token_id: TokenId, output: Output, connection: Connection) -> None:
    """Show which scopes of a token were asked for in 30 days, and which would have sufficed."""
    printer = output.of(SCOPES)
    with connection.open() as client:
        found = client.activity.advise(token_id)
    printer.write(
        {"scope": use.scope, "asked": None if use.asked is None else use.asked.isoformat()} for use in found.scopes
    )
    if found.sufficient is not None:
        complain(f"These would have sufficed: {' '.join(found.sufficient)}")
    else:
        said = SILENCES.get(found.reason or "", "nothing can be said").format(found.since.isoformat())
        complain(f"{said[:1].upper()}{said[1:]}.")


@takes_groups
def shadow(
    token_id: TokenId,
    output: Output,
    connection: Connection,
    scopes: Annotated[
        str | None,
        typer.Option(
            autocompletion=complete_scopes, show_default=False, help="Watch whether these scopes would do, from now on."
        ),
    ] = None,
    enforce: Annotated[bool, typer.Option("--enforce", help="Keep the token to the scopes that are watched.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Watch it no more; the token keeps its scopes.")] = False,
) -> None:
    """Show what would be refused if a token had fewer scopes; watch for it, keep the token to them, or give up."""
    if (scopes is not None) + enforce + give_up > 1:
        raise typer.BadParameter("only one of --scopes, --enforce and --give-up", param_hint="--scopes")
    printer = output.of(REFUSALS)
    with connection.open() as client:
        if enforce:
            kept = client.activity.enforce(token_id)
            complain(f"Token {token_id} is kept to {' '.join(kept)}.")
            return
        if give_up:
            client.activity.unwatch(token_id)
            complain(f"Token {token_id} is watched no more.")
            return
        found = client.activity.get_shadow(token_id) if scopes is None else client.activity.watch(token_id, scopes)
    printer.write(
        {
            "day": each.day.isoformat(),
            "scope": each.scope,
            "number": each.number,
            "last": write_time(each.last),
            "last_address": each.last_address,
        }
        for each in found.refusals
    )
    if printer.is_table:
        complain(f"Token {token_id} is watched to {' '.join(found.scopes)} since {write_time(found.began)}.")
