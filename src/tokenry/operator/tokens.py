"""`tokenry admin token …` for operators: on the local database, for any user."""

import sys
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Annotated, Literal

import typer

from tokenry.cli.expiry import read_expiry, read_grace, read_start
from tokenry.cli.issuing import advise_again, issuing, perhaps_made, require_delivery, revoking
from tokenry.cli.options import COUNT_MAX, ID_MAX, ChangedLimit, NewLimit, NotBefore, RotatesItselfOnly, read_text
from tokenry.cli.running import complain, group
from tokenry.domain.details import STATES, Reason, Selection
from tokenry.domain.rotation import NewRotation
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.operator.options import LOCAL, SCOPED, operator, takes_settings
from tokenry.operator.tables import print_table
from tokenry.printable import printable
from tokenry.settings import Settings
from tokenry.wiring import open_installation

app = group(help="Tokens of any user.", no_args_is_help=True)


@app.command()
@takes_settings(*SCOPED, "token_prefix")
def create(
    user: Annotated[str, typer.Option(help="The user who gets the token.")],
    expires: Annotated[str, typer.Option(metavar="WHEN", help="90d, 12h, 2030-01-01T00:00:00 (UTC), or never.")],
    label: Annotated[
        str | None, typer.Option(metavar="TEXT", parser=read_text, show_default="token-<id>", help="The token's label.")
    ] = None,
    scopes: Annotated[
        str, typer.Option(help='Separated by spaces, as in "linodes:read_only domains:read_write".')
    ] = "*",
    not_before: NotBefore = None,
    rotates_itself_only: RotatesItselfOnly = False,
    requests_per_minute: NewLimit = None,
    *,
    settings: Settings,
) -> None:
    """Make a token and print it, once: the token alone on standard output, what it is on standard error."""
    expiry, start = read_expiry(expires, "--expires") or NEVER, read_start(not_before)
    installation = open_installation(settings)
    new = NewToken(
        label=label,
        scopes=scopes,
        expiry=expiry,
        requests_per_minute=requests_per_minute or 0,
        not_before=start,
        rotates_itself_only=rotates_itself_only,
    )
    require_delivery()
    with issuing(perhaps_made(label, "tokenry admin token list")) as issue:
        token, secret = installation.tokens.create_token_for(operator(), user, new)
        issue.take_back = revoking(token.id, token.label, partial(installation.tokens.revoke_any_token, operator()))
        print(secret.reveal())
    named = f'Token {token.id} "{printable(token.label)}" of {printable(user)}'
    complain(f"{named}: {token.scopes}. Its text is shown this once.")


@app.command("list")
@takes_settings(*LOCAL)
def list_tokens(
    user: Annotated[str | None, typer.Option(help="Show only this user's tokens.")] = None,
    state: Annotated[
        Literal["active", "pending", "disabled", "expired", "revoked", "all"],
        typer.Option(help="Show tokens in this state."),
    ] = "active",
    limit: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="Show at most this many.")] = 1000,
    *,
    settings: Settings,
) -> None:
    """List tokens by user and id."""
    pieces = open_installation(settings).inventory.export_all(Selection(STATES[state]), user)
    found = list(islice(chain.from_iterable(pieces), limit + 1))
    print_table(
        (
            "id",
            "user",
            "label",
            "scopes",
            "token",
            "created",
            "by",
            "expires",
            "last used",
            "state",
            "revoked by",
            "reason",
            "disabled by",
        ),
        [
            (
                one.token.id,
                one.username,
                one.token.label,
                one.token.scopes,
                one.token.preview,
                one.token.created,
                one.created_by,
                one.token.expiry,
                None if one.last_use is None else one.last_use.at,
                one.state.value,
                None if one.revocation is None else one.revocation.by,
                None if one.revocation is None else one.revocation.reason,
                None if one.disabled is None else one.disabled.by,
            )
            for one in found[:limit]
        ],
    )
    if len(found) > limit:
        print(f"tokenry: there are more than {limit}: raise --limit to see them.", file=sys.stderr)


@app.command()
@takes_settings(*LOCAL)
def revoke(
    token_id: Annotated[int, typer.Argument(max=ID_MAX, help="Its id, as in lists and in X-Auth-Token-Id.")],
    reason: Annotated[
        Literal["leaked", "unused", "offboarding", "rotated", "other"] | None,
        typer.Option(show_default=False, help="Why, for the audit and the token's details."),
    ] = None,
    *,
    settings: Settings,
) -> None:
    """Revoke a token: from this moment on it is refused."""
    origin = replace(operator(), reason=None if reason is None else Reason(reason))
    open_installation(settings).tokens.revoke_any_token(origin, token_id)
    print(f"Token {token_id} is revoked.")


@app.command()
@takes_settings(*LOCAL)
def update(
    token_id: Annotated[int, typer.Argument(max=ID_MAX, help="Its id, as in lists and in X-Auth-Token-Id.")],
    requests_per_minute: ChangedLimit = None,
    *,
    settings: Settings,
) -> None:
    """Set how often a token may be used, where its uses are counted."""
    if requests_per_minute is None:
        raise typer.BadParameter("say what is to change", param_hint="--requests-per-minute")
    changed = open_installation(settings).details.limit_any_token(operator(), token_id, requests_per_minute)
    limit = f"{requests_per_minute} requests a minute" if requests_per_minute else "no limit of its own"
    print(f"Token {token_id} {'now has' if changed else 'already had'} {limit}.")


@app.command()
@takes_settings(*LOCAL, "token_prefix")
def rotate(
    token_id: Annotated[int, typer.Argument(max=ID_MAX, help="Its id, as in lists and in X-Auth-Token-Id.")],
    grace: Annotated[
        str,
        typer.Option(
            metavar="SPAN", help="How long the old secret keeps working after the new one is first used: 12h, 7d."
        ),
    ] = "1d",
    now: Annotated[bool, typer.Option("--now", help="Count that from now instead.")] = False,
    *,
    settings: Settings,
) -> None:
    """Give a service account's token another secret and print it, once: it alone on standard output."""
    span = read_grace(grace)
    installation = open_installation(settings)
    require_delivery()
    left = span if now else None
    unknown = f"It is not known whether token {token_id} was rotated. If it was: {advise_again(token_id, left)}"
    with issuing(unknown) as issue:
        new = NewRotation(int(span.total_seconds()), on_first_use=not now)
        token, secret = installation.rotations.rotate_any_token(operator(), token_id, new)
        issue.take_back = partial(advise_again, token_id, left)
        print(secret.reveal())
    complain(f'Token {token.id} "{printable(token.label)}" has another secret. Its text is shown this once.')


@app.command()
@takes_settings(*LOCAL)
def disable(
    token_id: Annotated[int, typer.Argument(max=ID_MAX, help="Its id, as in lists and in X-Auth-Token-Id.")],
    *,
    settings: Settings,
) -> None:
    """Disable a token: from this moment on it is refused, until it is enabled here or by who manages its user."""
    open_installation(settings).inventory.turn_any_token(operator(), token_id, disabled=True)
    print(f"Token {token_id} is disabled.")


@app.command()
@takes_settings(*LOCAL)
def enable(
    token_id: Annotated[int, typer.Argument(max=ID_MAX, help="Its id, as in lists and in X-Auth-Token-Id.")],
    *,
    settings: Settings,
) -> None:
    """Enable a token that is disabled: from this moment on it works again."""
    open_installation(settings).inventory.turn_any_token(operator(), token_id, disabled=False)
    print(f"Token {token_id} is enabled.")
