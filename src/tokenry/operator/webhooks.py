"""`tokenry admin webhook …`: programs that are told what happens in the whole installation."""

from typing import Annotated

import typer

from tokenry.cli.expiry import read_grace
from tokenry.cli.issuing import issuing, require_delivery
from tokenry.cli.options import ID_MAX
from tokenry.cli.output import write_time
from tokenry.cli.running import complain, group
from tokenry.cli.webhooks import require_change
from tokenry.domain.filters import Comparison, Filter, Operator
from tokenry.domain.paging import PAGE_SIZE_MAX, PageRequest
from tokenry.domain.webhooks import SigningKey, State, Webhook, WebhookChange
from tokenry.operator.confirmation import Yes, confirm
from tokenry.operator.options import LOCAL, operator, takes_settings
from tokenry.operator.tables import print_table
from tokenry.service.webhooks import Webhooks
from tokenry.settings import Settings
from tokenry.wiring import open_installation

app = group(help="Webhooks of the whole installation.", no_args_is_help=True)

WebhookId = Annotated[int, typer.Argument(metavar="ID", min=1, max=ID_MAX, help="The webhook's id.")]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="ACTION", help="Tell it of this, such as token.revoke. Repeatable."),
]
ALL = PageRequest(size=PAGE_SIZE_MAX)


@app.command()
@takes_settings(*LOCAL)
def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are sent.")],
    events: Events = None,
    *,
    settings: Settings,
) -> None:
    """Make a webhook, which is told what happens in all accounts. Its secret is shown this once."""
    webhooks = _open(settings)
    require_delivery()
    lost = "A webhook may have been made whose secret nobody has: find it with `tokenry admin webhook list`."
    with issuing(lost) as issue:
        made, key = webhooks.create_webhook(operator(), WebhookChange(url=url, actions=frozenset(events or ())))
        issue.take_back = lambda: f"Nobody has the secret of webhook {made.id}: give it another, or delete it."
        _print_secret(made, key)


@app.command("list")
@takes_settings(*LOCAL)
def list_webhooks(*, settings: Settings) -> None:
    """List the webhooks of the installation."""
    print_table(
        ("id", "url", "events", "created", "state"),
        [
            (
                webhook.id,
                webhook.url,
                " ".join(sorted(webhook.actions)) or "all",
                webhook.created,
                _state_of(webhook),
            )
            for webhook in _open(settings).list_webhooks(None, ALL).rows
        ],
    )


@app.command()
@takes_settings(*LOCAL)
def update(
    webhook_id: WebhookId,
    url: Annotated[str | None, typer.Option(metavar="URL", show_default="as it is", help="Another address.")] = None,
    events: Events = None,
    all_events: Annotated[bool, typer.Option("--all-events", help="Tell it of everything.")] = False,
    *,
    settings: Settings,
) -> None:
    """Give a webhook another address, or other events."""
    require_change(url, events, all_events=all_events)
    actions = frozenset(events or ()) if events or all_events else None
    _open(settings).update_webhook(operator(), webhook_id, WebhookChange(url=url, actions=actions))
    print(f"Webhook {webhook_id} is changed.")


@app.command()
@takes_settings(*LOCAL)
def disable(webhook_id: WebhookId, *, settings: Settings) -> None:
    """Tell a webhook nothing more, and put nothing by for it."""
    _open(settings).update_webhook(operator(), webhook_id, WebhookChange(disabled=True))
    print(f"Webhook {webhook_id} is disabled.")


@app.command()
@takes_settings(*LOCAL)
def enable(webhook_id: WebhookId, *, settings: Settings) -> None:
    """Tell a disabled webhook again what happens from now on."""
    _open(settings).update_webhook(operator(), webhook_id, WebhookChange(disabled=False))
    print(f"Webhook {webhook_id} is enabled.")


@app.command()
@takes_settings(*LOCAL)
def delete(webhook_id: WebhookId, yes: Yes = False, *, settings: Settings) -> None:
    """Delete a webhook, and what it was still to be told."""
    webhooks = _open(settings)
    confirm(f"Delete webhook {webhook_id} and what it was still to be told?", yes=yes)
    webhooks.delete_webhook(operator(), webhook_id)
    print(f"Webhook {webhook_id} is deleted.")


@app.command("rotate-secret")
@takes_settings(*LOCAL)
def rotate_secret(
    webhook_id: WebhookId,
    grace: Annotated[
        str, typer.Option(metavar="SPAN", help="How long the secret before signs as well: 1h, 7d at most.")
    ] = "1d",
    *,
    settings: Settings,
) -> None:
    """Give a webhook another secret, and print it, once."""
    span, webhooks = read_grace(grace), _open(settings)
    require_delivery()
    lost = f"Webhook {webhook_id} may have a secret that nobody has: rotate it again."
    with issuing(lost) as issue:
        webhook, key = webhooks.rotate_secret(operator(), webhook_id, span)
        issue.take_back = lambda: lost
        _print_secret(webhook, key)


@app.command()
@takes_settings(*LOCAL)
def test(webhook_id: WebhookId, *, settings: Settings) -> None:
    """Have the service send a webhook a message to try it."""
    _open(settings).test_webhook(operator(), webhook_id)
    command = f"tokenry admin webhook deliveries {webhook_id}"
    print(f"Webhook {webhook_id} is sent webhook.test as soon as the service runs: `{command}` says what became of it.")


@app.command()
@takes_settings(*LOCAL)
def deliveries(
    webhook_id: WebhookId,
    state: Annotated[State | None, typer.Option(show_default="any", help="Only messages in this state.")] = None,
    *,
    settings: Settings,
) -> None:
    """List the newest of what a webhook was told and is to be told."""
    filter = Filter() if state is None else Filter(Comparison("state", Operator.EQUAL, state.value))
    page = _open(settings).list_deliveries(None, webhook_id, ALL, filter)
    print_table(
        ("id", "type", "subject", "state", "attempts", "created", "due", "status", "error"),
        [
            (
                each.id,
                each.action,
                each.subject,
                each.state.value,
                each.attempts,
                each.created,
                each.due,
                each.status,
                each.error,
            )
            for each in page.rows
        ],
    )
    if page.results > len(page.rows):
        complain(f"There are {page.results - len(page.rows)} more, which are older.")


@app.command()
@takes_settings(*LOCAL)
def redeliver(
    webhook_id: WebhookId,
    delivery_id: Annotated[int, typer.Argument(metavar="DELIVERY", min=1, max=ID_MAX, help="The message's id.")],
    *,
    settings: Settings,
) -> None:
    """Send a message once more: at once, also while the webhook rests."""
    _open(settings).redeliver(operator(), webhook_id, delivery_id)
    print(f"Message {delivery_id} is sent once more.")


def _state_of(webhook: Webhook) -> str:
    if webhook.disabled is None:
        return "enabled" if webhook.resting_until is None else f"rests until {write_time(webhook.resting_until)}"
    return "disabled" if webhook.disabled_for is None else f"disabled: {webhook.disabled_for}"


def _open(settings: Settings) -> Webhooks:
    return open_installation(settings).webhooks


def _print_secret(webhook: Webhook, key: SigningKey) -> None:
    print(f"id\t{webhook.id}")
    print(f"secret\t{key.reveal()}")
    complain("This is the only time that the webhook's secret is shown.")
