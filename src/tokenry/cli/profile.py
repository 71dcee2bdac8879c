"""`tokenry profile tokens-list …`: the commands, options and output of linode-cli, for what is written for it."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import typer

from tokenry.cli.access import Connection
from tokenry.cli.candidates import complete_ids
from tokenry.cli.issuing import issuing, perhaps_made, require_delivery, revoking
from tokenry.cli.options import COUNT_MAX, ID_MAX, read_text, takes_groups
from tokenry.cli.running import REFUSED, group
from tokenry.cli.wire_output import WireOutput
from tokenry.client import (
    ONCE,
    ApiError,
    GetPersonalAccessTokens200ResponseDataInner,
    Page,
    PersonalAccessTokensApi,
    PostPersonalAccessTokenRequest,
    PutPersonalAccessTokenRequest,
    TokenExpiresSoon,
)
from tokenry.client.times import write_time
from tokenry.client.walk import Walk
from tokenry.moments import read_moment

VERSION = "v4"
PAGE_SIZE_MAX = 500
NULL = "null"
NEWEST = "tokenry profile tokens-list --order-by created --order desc"

app = group(help="The commands, options and output of linode-cli for your tokens.", no_args_is_help=True)

TokenId = Annotated[
    int, typer.Argument(metavar="tokenId", max=ID_MAX, autocompletion=complete_ids, help="The token's id.")
]
Label = Annotated[
    str | None, typer.Option(metavar="label", parser=read_text, show_default=False, help="The token's label.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How the service is asked, as options of linode-cli's."""

    no_retry: Annotated[bool, typer.Option("--no-retry", help="Ask once only.")] = False
    suppress_warnings: Annotated[bool, typer.Option("--suppress-warnings", help="Say only what is an error.")] = False

    @contextmanager
    def open(self, connection: Connection, output: WireOutput) -> Iterator[PersonalAccessTokensApi]:
        """The five operations, for a block. A refusal ends the command as linode-cli does. Raises CommandError."""
        with connection.open_api(retries=ONCE if self.no_retry else None) as api:
            if self.suppress_warnings:
                warnings.simplefilter("ignore", TokenExpiresSoon)
            try:
                yield api
            except ApiError as error:
                output.write_refusal(error.status, [(fault.field, fault.reason) for fault in error.faults])
                raise typer.Exit(REFUSED) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which rows of a list, as options of linode-cli's."""

    page: Annotated[int, typer.Option(metavar="PAGE", max=COUNT_MAX, help="The page.")] = 1
    page_size: Annotated[int, typer.Option(metavar="PAGESIZE", max=COUNT_MAX, help="Rows on a page, 25 to 500.")] = 100
    all_rows: Annotated[bool, typer.Option("--all-rows", help="The rows of all pages.")] = False


@app.command("tokens-list")
@takes_groups
def list_tokens(
    output: WireOutput,
    paging: Paging,
    asking: Asking,
    connection: Connection,
    label: Label = None,
    created: Annotated[
        str | None, typer.Option(metavar="created", show_default=False, help="When it was made.")
    ] = None,
    order_by: Annotated[
        Literal["created", "label"] | None, typer.Option(show_default=False, help="In which order.")
    ] = None,
    order: Annotated[Literal["asc", "desc"] | None, typer.Option(show_default="asc", help="With --order-by.")] = None,
) -> None:
    """List personal access tokens."""
    if order is not None and order_by is None:
        raise typer.BadParameter("it needs --order-by", param_hint="--order")
    asked = {"label": label, "created": created, "+order_by": order_by, "+order": order_by and (order or "asc")}
    filter = {name: value for name, value in asked.items() if value is not None} or None
    with asking.open(connection, output) as api:
        if paging.all_rows:
            output.write(_read_all(api, filter))
            return
        page = api.get_personal_access_tokens(VERSION, page=paging.page, page_size=paging.page_size, filter=filter)
        output.write([_row(token) for token in page.data])
        output.write_page(page.page, page.pages)


@app.command("token-create")
@takes_groups
def create_token(
    output: WireOutput,
    asking: Asking,
    connection: Connection,
    label: Label = None,
    scopes: Annotated[str | None, typer.Option(metavar="scopes", show_default=False, help="What it may do.")] = None,
    expiry: Annotated[
        str | None, typer.Option(metavar="expiry", show_default=False, help="Until when: 2018-01-01T13:46:32, or null.")
    ] = None,
) -> None:
    """Create a personal access token."""
    new = PostPersonalAccessTokenRequest(label=label, scopes=scopes, expiry=_read_expiry(expiry))
    require_delivery()
    with asking.open(connection, output) as api, issuing(perhaps_made(label, NEWEST)) as issue:
        made = api.post_personal_access_token(VERSION, new)
        issue.take_back = revoking(made.id, made.label, partial(api.delete_personal_access_token, VERSION))
        output.write_new(_row(made))


@app.command("token-view")
@takes_groups
def view_token(token_id: TokenId, output: WireOutput, asking: Asking, connection: Connection) -> None:
    """Get a personal access token."""
    with asking.open(connection, output) as api:
        output.write([_row(api.get_personal_access_token(VERSION, token_id))])


@app.command("token-update")
@takes_groups
def update_token(
    token_id: TokenId, output: WireOutput, asking: Asking, connection: Connection, label: Label = None
) -> None:
    """Update a personal access token."""
    change = PutPersonalAccessTokenRequest(label=label)
    with asking.open(connection, output) as api:
        output.write([_row(api.put_personal_access_token(VERSION, token_id, change))])


@app.command("token-delete")
@takes_groups
def delete_token(token_id: TokenId, output: WireOutput, asking: Asking, connection: Connection) -> None:
    """Revoke a personal access token."""
    with asking.open(connection, output) as api:
        api.delete_personal_access_token(VERSION, token_id)


def _read_all(api: PersonalAccessTokensApi, filter: dict[str, str] | None) -> Sequence[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    walk: Walk[GetPersonalAccessTokens200ResponseDataInner] = Walk(PAGE_SIZE_MAX)
    while walk.page is not None:
        page = api.get_personal_access_tokens(VERSION, page=walk.page, page_size=walk.size, filter=filter)
        rows += map(_row, walk.take(Page(tuple(page.data), page.page, page.pages, page.results)))
    return rows


def _row(token: GetPersonalAccessTokens200ResponseDataInner) -> dict[str, Any]:
    """A token as the wire format has it."""
    return {
        "id": token.id,
        "scopes": token.scopes,
        "created": write_time(token.created, "created"),
        "label": token.label,
        "token": token.token,
        "expiry": None if token.expiry is None else write_time(token.expiry, "expiry"),
    }


def _read_expiry(text: str | None) -> datetime | None:
    if text is None or text == NULL:
        return None
    moment = read_moment(text)
    if moment is None:
        raise typer.BadParameter("use a time such as 2018-01-01T13:46:32, or null", param_hint="--expiry")
    return moment
