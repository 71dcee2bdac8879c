"""`tokenry webhook …`: programs that are told what happens in your account."""

from dataclasses import fields
from enum import StrEnum
from typing import Annotated

import typer

from tokenry.cli.access import Connection
from tokenry.cli.expiry import read_grace
from tokenry.cli.issuing import issuing, require_delivery
from tokenry.cli.options import ID_MAX, read_text, takes_groups
from tokenry.cli.output import Output, Printer, Row, write_time
from tokenry.cli.running import complain, confirm, group
from tokenry.client.webhooks import Delivery, Webhook

COLUMNS = tuple(field.name for field in fields(Webhook) if field.name != "secret")
WITH_SECRET = (*COLUMNS, "secret")
DELIVERY = tuple(field.name for field in fields(Delivery))
SPARE = ("previous_secret_until", "created", "resting_until", "disabled_for")
SPARE_OF_DELIVERY = ("due", "attempts", "created", "status")
"""Those that a list does without where there is no room for all."""
SHOWN_ONCE = "This is the only time that the webhook's secret is shown."
KEPT = "Nothing was deleted"

app = group(help="List, make, change, test and delete webhooks; see what they were told.", no_args_is_help=True)


class State(StrEnum):
    """What has become of a message."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"


WebhookId = Annotated[int, typer.Argument(metavar="ID", min=1, max=ID_MAX, help="The webhook's id.")]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="ACTION", help="Tell it of this, such as token.revoke. Repeatable."),
]
Url = Annotated[str, typer.Argument(metavar="URL", parser=read_text, help="Where messages are sent.")]


@app.command("list")
@takes_groups
def list_webhooks(output: Output, connection: Connection) -> None:
    """List the webhooks of your account."""
    printer = output.of(COLUMNS, spare=SPARE)
    with connection.open() as client:
        printer.write(map(_write, client.webhooks.list()))


@app.command()
@takes_groups
def view(webhook_id: WebhookId, output: Output, connection: Connection) -> None:
    """Show a webhook."""
    printer = output.of(COLUMNS)
    with connection.open() as client:
        printer.write_one(_write(client.webhooks.get(webhook_id)))


@app.command()
@takes_groups
def create(url: Url, output: Output, connection: Connection, events: Events = None) -> None:
    """Make a webhook. Its secret is shown only this once; with -q nothing else is printed."""
    printer = output.of(WITH_SECRET, bare="secret")
    require_delivery()
    lost = "A webhook may have been made whose secret nobody has: find it with `tokenry webhook list`."
    with connection.open() as client, issuing(lost) as issue:
        made = client.webhooks.create(url, events=events or ())
        issue.take_back = lambda: f"Nobody has the secret of webhook {made.id}: give it another, or delete it."
        _print_secret(printer, made)


@app.command()
@takes_groups
def update(
    webhook_id: WebhookId,
    output: Output,
    connection: Connection,
    url: Annotated[
        str | None, typer.Option(metavar="URL", parser=read_text, show_default="as it is", help="Another address.")
    ] = None,
    events: Events = None,
    all_events: Annotated[bool, typer.Option("--all-events", help="Tell it of everything.")] = False,
) -> None:
    """Give a webhook another address, or other events."""
    require_change(url, events, all_events=all_events)
    _update(webhook_id, output, connection, url=url, events=() if all_events else events)


@app.command()
@takes_groups
def disable(webhook_id: WebhookId, output: Output, connection: Connection) -> None:
    """Tell a webhook nothing more, and put nothing by for it."""
    _update(webhook_id, output, connection, disabled=True)


@app.command()
@takes_groups
def enable(webhook_id: WebhookId, output: Output, connection: Connection) -> None:
    """Tell a disabled webhook again what happens from now on."""
    _update(webhook_id, output, connection, disabled=False)


@app.command()
@takes_groups
def delete(
    webhook_id: WebhookId,
    connection: Connection,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a webhook, and what it was still to be told."""
    with connection.open() as client:
        if not (yes or connection.curl):
            confirm(f"Delete webhook {webhook_id} and what it was still to be told?", KEPT)
        client.webhooks.delete(webhook_id)
    print(f"Webhook {webhook_id} is deleted.")


@app.command("rotate-secret")
@takes_groups
def rotate_secret(
    webhook_id: WebhookId,
    output: Output,
    connection: Connection,
    grace: Annotated[
        str, typer.Option(metavar="SPAN", help="How long the secret before signs as well: 1h, 7d at most.")
    ] = "1d",
) -> None:
    """Give a webhook another secret. It is shown only this once; with -q nothing else is printed."""
    printer = output.of(WITH_SECRET, bare="secret")
    span = read_grace(grace)
    require_delivery()
    lost = f"Webhook {webhook_id} may have a secret that nobody has: rotate it again."
    with connection.open() as client, issuing(lost) as issue:
        rotated = client.webhooks.rotate_secret(webhook_id, grace=span)
        issue.take_back = lambda: lost
        _print_secret(printer, rotated)


@app.command()
@takes_groups
def test(webhook_id: WebhookId, connection: Connection) -> None:
    """Send a webhook a message to try it."""
    with connection.open() as client:
        client.webhooks.test(webhook_id)
    print(
        f"Webhook {webhook_id} is sent webhook.test: `tokenry webhook deliveries {webhook_id}` says what became of it."
    )


@app.command()
@takes_groups
def deliveries(
    webhook_id: WebhookId,
    output: Output,
    connection: Connection,
    state: Annotated[State | None, typer.Option(show_default="any", help="Only messages in this state.")] = None,
) -> None:
    """List what a webhook was told and is to be told, newest first."""
    printer = output.of(DELIVERY, spare=SPARE_OF_DELIVERY)
    with connection.open() as client:
        printer.write(map(_write_delivery, client.webhooks.deliveries(webhook_id, state=state and state.value)))


@app.command()
@takes_groups
def redeliver(
    webhook_id: WebhookId,
    delivery_id: Annotated[int, typer.Argument(metavar="DELIVERY", min=1, max=ID_MAX, help="The message's id.")],
    output: Output,
    connection: Connection,
) -> None:
    """Send a message once more: at once, also while the webhook rests."""
    printer = output.of(DELIVERY)
    with connection.open() as client:
        printer.write_one(_write_delivery(client.webhooks.redeliver(webhook_id, delivery_id)))


def require_change(url: str | None, events: list[str] | None, *, all_events: bool) -> None:
    """Raise BadParameter unless the options of an update say what is to be changed."""
    if all_events and events:
        raise typer.BadParameter("--event and --all-events exclude each other")
    if url is None and not events and not all_events:
        raise typer.BadParameter("say what to change", param_hint="--url, --event or --all-events")


def _update(
    webhook_id: int,
    output: Output,
    connection: Connection,
    *,
    url: str | None = None,
    events: "list[str] | tuple[()] | None" = None,
    disabled: bool | None = None,
) -> None:
    printer = output.of(COLUMNS)
    with connection.open() as client:
        printer.write_one(_write(client.webhooks.update(webhook_id, url=url, events=events, disabled=disabled)))


def _print_secret(printer: Printer, webhook: Webhook) -> None:
    printer.write_one({**_write(webhook), "secret": None if webhook.secret is None else webhook.secret.reveal()})
    if printer.is_table:
        complain(SHOWN_ONCE)


def _write(webhook: Webhook) -> Row:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "disabled": webhook.disabled,
        "disabled_for": webhook.disabled_for,
        "resting_until": write_time(webhook.resting_until),
        "created": write_time(webhook.created),
        "previous_secret_until": write_time(webhook.previous_secret_until),
    }


def _write_delivery(delivery: Delivery) -> Row:
    return {
        **{name: getattr(delivery, name) for name in DELIVERY},
        "created": write_time(delivery.created),
        "due": write_time(delivery.due),
    }
