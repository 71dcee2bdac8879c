"""`tokenry token …`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial, reduce
from operator import and_
from typing import Annotated, Any, Literal

import typer

from tokenry.cli.access import Connection, opened
from tokenry.cli.candidates import complete_ids, complete_scopes
from tokenry.cli.expiry import read_expiry, read_grace
from tokenry.cli.inputs import read_input
from tokenry.cli.issuing import SHOWN_ONCE, advise_again, issuing, perhaps_made, require_delivery, revoking
from tokenry.cli.metadata import ChangedMetadata, NewMetadata, read_metadata
from tokenry.cli.options import COUNT_MAX, ID_MAX, ChangedLimit, read_text, takes_groups
from tokenry.cli.output import Output
from tokenry.cli.progress import tracked
from tokenry.cli.restrictions import Restrictions
from tokenry.cli.rows import DETAILS, DETAILS_SHOWN, TOKEN, write_details, write_token
from tokenry.cli.running import REFUSED, CommandError, agrees, complain, group, require_terminal
from tokenry.cli.streams import OutputError
from tokenry.cli.token_activity import activity, advice, shadow
from tokenry.cli.token_audit import audit
from tokenry.cli.whose import Whose
from tokenry.client import ApiError, Client, NotFound, Order, TokenRecord, Unauthorized, where
from tokenry.client.client import Tokens
from tokenry.client.tokens import Changes, NewToken

PAGE_SIZE_MAX = 500
STANDARD_INPUT = "-"
INPUT_BYTES_MAX = 16 << 20
"""As long as a list of more than a million ids may be."""
ANYWHERE = "any"
SHOWN_MAX = 20
"""More tokens than these are not shown before they are revoked: nobody would read them."""
NEWEST = "tokenry token list --order-by created --order desc"

app = group(help="Make, list, view, rename, rotate, disable, revoke and audit your tokens.", no_args_is_help=True)

TokenId = Annotated[
    int,
    typer.Argument(metavar="ID", min=1, max=ID_MAX, autocompletion=complete_ids, help="The token's id, as in lists."),
]


@app.command("list")
@takes_groups
def list_tokens(
    output: Output,
    connection: Connection,
    whose: Whose,
    label: Annotated[
        str | None,
        typer.Option(metavar="TEXT", parser=read_text, show_default=False, help="Show only tokens with this label."),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", parser=read_text, show_default=False, help="Show only tokens whose label contains this."
        ),
    ] = None,
    order_by: Annotated[
        Literal["id", "label", "scopes", "created", "expiry"] | None,
        typer.Option(show_default="id", help="Sort by this column."),
    ] = None,
    order: Annotated[Literal["asc", "desc"], typer.Option(help="Sort up or down.")] = "asc",
    limit: Annotated[
        int | None, typer.Option(min=1, max=COUNT_MAX, show_default=False, help="Show at most this many.")
    ] = None,
    state: Annotated[
        Literal["active", "pending", "disabled", "expired", "revoked", "all"],
        typer.Option(help="Show tokens in this state; all but active come with details."),
    ] = "active",
    details: Annotated[bool, typer.Option("--details", help="Add details, such as the last use.")] = False,
) -> None:
    """List tokens, the live ones unless you say otherwise."""
    detailed = details or state != "active"
    printer = output.of(DETAILS, shown=DETAILS_SHOWN) if detailed else output.of(TOKEN)
    conditions = [] if label is None else [where.label == label]
    if search is not None:
        conditions.append(where.label.contains(search))
    filter = reduce(and_, conditions) if conditions else None
    ordered = None if order_by is None and order == "asc" else Order(order_by or "id", order == "desc")
    with connection.open() as client:
        asked: dict[str, Any] = {"order_by": ordered, "page_size": PAGE_SIZE_MAX}
        tokens = whose.tokens(client)
        rows = (
            map(write_details, tokens.list_details(filter, state=state, **asked))
            if detailed
            else map(write_token, tokens.list(filter, **asked))
        )
        printer.write_list(rows, limit)


@app.command()
@takes_groups
def create(
    output: Output,
    connection: Connection,
    whose: Whose,
    restrictions: Restrictions,
    expires: Annotated[str, typer.Option(metavar="WHEN", help="90d, 12h, 2030-01-01T00:00:00 (UTC), or never.")],
    scopes: Annotated[
        str,
        typer.Option(
            autocompletion=complete_scopes,
            help="Separated by spaces, as in 'linodes:read_only domains:read_write'; * for everything.",
        ),
    ],
    label: Annotated[
        str | None, typer.Option(metavar="TEXT", parser=read_text, show_default="token-<id>", help="The token's label.")
    ] = None,
    create_user: Annotated[
        bool, typer.Option("--create-user", help="With --user: make the user if nobody is called so.")
    ] = False,
    metadata: NewMetadata = None,
) -> None:
    """Make a token. Its secret is shown only this once; with -q nothing else is printed."""
    for given, option in ((create_user, "--create-user"), (metadata is not None, "--metadata")):
        if given and whose.user is None:
            raise typer.BadParameter("it needs --user", param_hint=option)
    printer = output.of(TOKEN, bare="token")
    wanted: NewToken = {
        "label": label,
        "scopes": scopes,
        "expiry": read_expiry(expires, "--expires"),
        "metadata": read_metadata(metadata),
    }
    restricted = restrictions.read()
    require_delivery()
    with connection.open() as client, issuing(perhaps_made(label, whose.told(NEWEST))) as issue:
        made = whose.create(client, create_user=create_user, **wanted, **restricted)
        issue.take_back = revoking(made.id, made.label, whose.tokens(client).revoke)
        printer.write_one(write_token(made))
    if printer.is_table:
        complain(SHOWN_ONCE)


@app.command()
@takes_groups
def view(
    token_id: TokenId,
    output: Output,
    connection: Connection,
    whose: Whose,
    details: Annotated[
        bool, typer.Option("--details", help="Show all details, also of an expired or revoked token.")
    ] = False,
) -> None:
    """Show a token."""
    printer = output.of(DETAILS if details else TOKEN)
    with connection.open() as client:
        tokens = whose.tokens(client)
        printer.write_one(write_details(tokens.details(token_id)) if details else write_token(tokens.get(token_id)))


@app.command()
@takes_groups
def update(
    token_id: TokenId,
    output: Output,
    connection: Connection,
    whose: Whose,
    label: Annotated[
        str | None, typer.Option(metavar="TEXT", parser=read_text, show_default=False, help="Its new label.")
    ] = None,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", parser=read_text, show_default=False, help="What it is for.")
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(metavar="NETWORK", show_default=False, help="A network it may be used from, or any. Repeatable."),
    ] = None,
    metadata: ChangedMetadata = None,
    requests_per_minute: ChangedLimit = None,
) -> None:
    """Change a token's label, description, metadata, networks or limit. What you leave out stays as it is."""
    changes: Changes = {
        "description": description,
        "networks": [] if network == [ANYWHERE] else network,
        "metadata": read_metadata(metadata),
        "requests_per_minute": requests_per_minute,
    }
    detailed = any(value is not None for value in changes.values())
    if label is None and not detailed:
        raise typer.BadParameter("name something to change: --label, --description, --network, --metadata, …")
    printer = output.of(DETAILS if detailed else TOKEN)
    with connection.open() as client:
        if label is not None:
            row = write_token(whose.tokens(client).rename(token_id, label))
        if detailed:
            row = write_details(whose.tokens(client).update(token_id, **changes))
    printer.write_one(row)


@app.command()
@takes_groups
def rotate(
    token_id: TokenId,
    output: Output,
    connection: Connection,
    whose: Whose,
    grace: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN",
            show_default="1d",
            help="How long the old secret keeps working after the new one is first used: 12h, 7d.",
        ),
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Count that from now instead.")] = False,
    command: Annotated[
        str | None,
        typer.Option(
            "--exec",
            metavar="COMMAND",
            show_default=False,
            help="Make a new token instead, give its secret to this command of sh on standard input, and revoke the"
            " old token when that succeeds. If it breaks off, run it again.",
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            show_default="as the old one",
            help="With --exec, when the new token expires: 90d, or never.",
        ),
    ] = None,
) -> None:
    """Give a token another secret, which is shown only this once; with -q nothing else is printed."""
    if command is not None:
        _replace(
            token_id, output, connection, whose, command, expires, given=grace is not None or now or connection.curl
        )
        return
    if expires is not None:
        raise typer.BadParameter("it needs --exec", param_hint="--expires")
    printer = output.of(TOKEN, bare="token")
    span = read_grace("1d" if grace is None else grace)
    require_delivery()
    left = span if now else None
    unknown = f"It is not known whether token {token_id} was rotated. If it was: {advise_again(token_id, left)}"
    with connection.open() as client, issuing(unknown) as issue:
        rotated = whose.tokens(client).rotate(token_id, grace=span, at_once=now)
        issue.take_back = partial(advise_again, token_id, left)
        printer.write_one(write_token(rotated))
    if printer.is_table:
        complain(SHOWN_ONCE)


@app.command()
@takes_groups
def revoke(
    ids: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...", autocompletion=complete_ids, help="The tokens' ids; - reads them from standard input."
        ),
    ],
    connection: Connection,
    whose: Whose,
    reason: Annotated[
        Literal["leaked", "unused", "offboarding", "rotated", "other"] | None,
        typer.Option(show_default=False, help="Why, for the audit and the token's details."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the ids of those that are revoked.")] = False,
) -> None:
    """Revoke tokens: they are refused from that moment on. If one cannot be revoked, the others still are."""
    chosen = _read_ids(ids)
    with connection.open() as client:
        if not (yes or connection.curl):
            _confirm(whose.tokens(client), chosen)
        if not _revoke_all(whose.tokens(client), chosen, "{}" if quiet else "Token {} is revoked.", reason):
            raise typer.Exit(REFUSED)


@app.command()
@takes_groups
def disable(token_id: TokenId, connection: Connection, whose: Whose) -> None:
    """Disable a token: it is refused from that moment on, until you enable it."""
    with connection.open() as client:
        whose.tokens(client).disable(token_id)
        print(f"Token {token_id} is disabled.")


@app.command()
@takes_groups
def enable(token_id: TokenId, connection: Connection, whose: Whose) -> None:
    """Enable a token that you disabled: it works again from that moment on."""
    with connection.open() as client:
        whose.tokens(client).enable(token_id)
        print(f"Token {token_id} is enabled.")


app.command()(audit)
app.command()(activity)
app.command()(advice)
app.command()(shadow)


def _replace(
    token_id: int,
    output: Output,
    connection: Connection,
    whose: Whose,
    command: str,
    expires: str | None,
    *,
    given: bool,
) -> None:
    """Rotate by a command. Raises BadParameter if an option was `given` that has no meaning there."""
    if sys.platform == "win32":
        raise CommandError("--exec needs Unix: only there can a command that outlives its caller keep its lock.")
    from tokenry.cli.rotation import replace_token  # noqa: PLC0415 - not on Windows

    if given:
        raise typer.BadParameter("--grace, --now and --curl cannot be combined with it", param_hint="--exec")
    if expires is not None:
        read_expiry(expires, "--expires")
    printer = output.of(TOKEN)
    access = connection.find()
    with opened(Client, access) as client:
        made = replace_token(client, access, whose, token_id, command=command, expires=expires)
    printer.write_one(write_token(replace(made, secret=None)))


def _read_ids(given: list[str]) -> list[int]:
    """The ids that were given, each once. Raises BadParameter."""
    words = read_input("a list of ids", bytes_max=INPUT_BYTES_MAX).split() if given == [STANDARD_INPUT] else given
    if not all(map(_is_id, words)):
        raise typer.BadParameter("an id is a number, as lists show it", param_hint="ID")
    return list(dict.fromkeys(map(int, words)))


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= len(str(ID_MAX)) and 1 <= int(word) <= ID_MAX


def _confirm(tokens: Tokens, ids: list[int]) -> None:
    """Show what is about to be revoked, and ask. Raises CommandError for a no, and where nobody can answer."""
    require_terminal("Nothing was revoked")
    if len(ids) <= SHOWN_MAX:
        Output().of(TOKEN).draw(map(write_token, _find_all(tokens, ids)), sys.stderr)
    if not agrees("Revoke this token?" if len(ids) == 1 else f"Revoke these {len(ids)} tokens?"):
        raise CommandError("Nothing was revoked.")


def _find_all(tokens: Tokens, ids: list[int]) -> Iterator[TokenRecord]:
    """Those that there are."""
    for token_id in ids:
        with suppress(NotFound):
            yield tokens.get(token_id)


def _revoke_all(tokens: Tokens, ids: Sequence[int], said: str, reason: str | None = None) -> bool:
    """Revoke them and say so of each, or why not; whether all are revoked. None stays because it cannot be said."""
    failed, unsaid = 0, None
    for token_id in tracked(ids, "Revoking", total=len(ids), shown=not sys.stdout.isatty()):
        if not _revoke(tokens, token_id, reason):
            failed += 1
            continue
        try:
            print(said.format(token_id))
        except OutputError as failure:
            unsaid = failure
    if unsaid is not None:
        raise unsaid
    return not failed


def _revoke(tokens: Tokens, token_id: int, reason: str | None) -> bool:
    """Revoke one, or say why not; whether it is revoked."""
    try:
        tokens.revoke(token_id, reason=reason)
    except Unauthorized:
        raise  # so will be all the others
    except ApiError as error:
        complain(f"Token {token_id}: {'; '.join(map(str, error.faults))}")
        return False
    return True
