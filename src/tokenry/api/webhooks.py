"""`/tokenry/webhooks`: what administrators do with the programs that are told what happens in their account."""

from collections.abc import Mapping
from datetime import timedelta

from tokenry.api.lists import read_list
from tokenry.api.managed.users import unknown_keys
from tokenry.api.wire import read_id, read_integer, write_page, write_time
from tokenry.domain.callers import Callers
from tokenry.domain.errors import Fault, NotFound, raise_faults
from tokenry.domain.filters import Kind
from tokenry.domain.scopes import READS, WRITES
from tokenry.domain.webhooks import GRACE, Delivery, SigningKey, Webhook, WebhookChange
from tokenry.service.installation import Installation
from tokenry.service.webhooks import Webhooks
from tokenry.web.bodies import read_key
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths, change

ADMINISTRATORS = Callers.ADMINISTRATORS
KEYS = ("url", "events", "disabled")
FILTERABLE = {"id": Kind.INTEGER, "url": Kind.TEXT}
FILTERABLE_DELIVERIES = {"id": Kind.INTEGER, "state": Kind.TEXT, "type": Kind.TEXT, "subject": Kind.TEXT}


def webhook_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/tokenry/webhooks` and what is below it."""
    webhooks = WebhookOperations(installation.webhooks)
    one = "/tokenry/webhooks/{webhook_id}"
    return {
        "/tokenry/webhooks": resource(
            GET=Operation(webhooks.list_webhooks, READS, ADMINISTRATORS),
            POST=change(webhooks.create_webhook, WRITES, ADMINISTRATORS),
        ),
        one: resource(
            GET=Operation(webhooks.get_webhook, READS, ADMINISTRATORS),
            PUT=change(webhooks.update_webhook, WRITES, ADMINISTRATORS),
            DELETE=change(webhooks.delete_webhook, WRITES, ADMINISTRATORS),
        ),
        f"{one}/rotate-secret": resource(POST=change(webhooks.rotate_secret, WRITES, ADMINISTRATORS)),
        f"{one}/test": resource(POST=change(webhooks.test_webhook, WRITES, ADMINISTRATORS, reads_body=False)),
        f"{one}/deliveries": resource(GET=Operation(webhooks.list_deliveries, READS, ADMINISTRATORS)),
        f"{one}/deliveries/{{delivery_id}}/redeliver": resource(
            POST=change(webhooks.redeliver, WRITES, ADMINISTRATORS, reads_body=False)
        ),
    }


class WebhookOperations:
    """`/tokenry/webhooks` and what is below it."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    def list_webhooks(self, call: Call) -> object:
        """GET them, paged, filtered and ordered."""
        request, filter = read_list(call, FILTERABLE)
        return write_page(self._webhooks.list_webhooks(call.actor, request, filter), write_webhook)

    def create_webhook(self, call: Call) -> object:
        """POST a new one; its secret is shown in this answer, and in no other."""
        return write_with_secret(*self._webhooks.create_webhook(call.origin, read_change(call.body)))

    def get_webhook(self, call: Call) -> object:
        """GET one."""
        return write_webhook(self._webhooks.get_webhook(call.actor, read_path_id(call, "webhook_id")))

    def update_webhook(self, call: Call) -> object:
        """PUT another address, other events, disable or enable it; what is left out stays as it is."""
        wanted = read_change(call.body)
        return write_webhook(self._webhooks.update_webhook(call.origin, read_path_id(call, "webhook_id"), wanted))

    def delete_webhook(self, call: Call) -> object:
        """DELETE one, and what it was still to be told."""
        self._webhooks.delete_webhook(call.origin, read_path_id(call, "webhook_id"))
        return {}

    def rotate_secret(self, call: Call) -> object:
        """POST for another secret, shown in this answer alone."""
        webhook_id, grace = read_path_id(call, "webhook_id"), read_grace(call.body)
        return write_with_secret(*self._webhooks.rotate_secret(call.origin, webhook_id, grace))

    def test_webhook(self, call: Call) -> object:
        """POST to have it told that it is tested."""
        return write_webhook(self._webhooks.test_webhook(call.origin, read_path_id(call, "webhook_id")))

    def list_deliveries(self, call: Call) -> object:
        """GET what it was told and is to be told, the newest first."""
        request, filter = read_list(call, FILTERABLE_DELIVERIES)
        webhook_id = read_path_id(call, "webhook_id")
        return write_page(self._webhooks.list_deliveries(call.actor, webhook_id, request, filter), write_delivery)

    def redeliver(self, call: Call) -> object:
        """POST to send a message once more."""
        webhook_id, delivery_id = read_path_id(call, "webhook_id"), read_path_id(call, "delivery_id")
        return write_delivery(self._webhooks.redeliver(call.origin, webhook_id, delivery_id))


def read_path_id(call: Call, name: str) -> int:
    """Read an id in the path. Raises NotFound for what cannot be one."""
    number = read_id(call.path[name])
    if number is None:
        raise NotFound
    return number


def read_change(body: Mapping[str, object]) -> WebhookChange:
    """Read what a webhook is to be. An unknown key is a fault: its sender would believe that it had an effect."""
    faults = unknown_keys(body, KEYS)
    events = body.get("events", [])
    if not isinstance(events, list) or not all(isinstance(each, str) for each in events):
        faults.append(Fault("Must be a list of strings", "events"))
        events = []
    return WebhookChange(
        url=read_key(body, "url", str, faults),
        actions=frozenset(events) if "events" in body else None,
        disabled=read_key(body, "disabled", bool, faults),
        faults=tuple(faults),
    )


def read_grace(body: Mapping[str, object]) -> timedelta:
    """Read for how many seconds the secret before signs as well. Raises Invalid."""
    faults = unknown_keys(body, ("grace",))
    seconds = read_integer(body.get("grace", int(GRACE.total_seconds())))
    if seconds is None:
        faults.append(Fault("Must be a whole number of seconds", "grace"))
    raise_faults(faults)
    return timedelta(seconds=min(max(seconds or 0, -1), 10**9))


def write_webhook(webhook: Webhook) -> dict[str, object]:
    """Write a webhook."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": sorted(webhook.actions),
        "disabled": webhook.disabled is not None,
        "disabled_for": webhook.disabled_for,
        "resting_until": None if webhook.resting_until is None else write_time(webhook.resting_until),
        "created": write_time(webhook.created),
        "previous_secret_until": None if webhook.previous_until is None else write_time(webhook.previous_until),
    }


def write_with_secret(webhook: Webhook, key: SigningKey) -> dict[str, object]:
    """Write a webhook with its new secret."""
    return {**write_webhook(webhook), "secret": key.reveal()}


def write_delivery(delivery: Delivery) -> dict[str, object]:
    """Write what is known of a message."""
    return {
        "id": delivery.id,
        "type": delivery.action,
        "subject": delivery.subject,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "created": write_time(delivery.created),
        "due": write_time(delivery.due),
        "status": delivery.status,
        "error": delivery.error,
    }
