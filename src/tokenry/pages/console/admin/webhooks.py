"""The webhooks of an account: programs that are told what the audit records."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from tokenry.domain.actions import ACTIONS
from tokenry.domain.errors import AlreadyMade, Fault, Invalid, NotFound
from tokenry.domain.filters import All, Comparison, Filter, Operator
from tokenry.domain.webhooks import GRACE, Webhook, WebhookChange
from tokenry.pages.console.admin.places import WEBHOOKS
from tokenry.pages.console.admin.questions import (
    DELETE_WEBHOOK,
    DISABLE_WEBHOOK,
    ENABLE_WEBHOOK,
    ROTATE_WEBHOOK,
    ROTATE_WEBHOOK_NOW,
    Question,
)
from tokenry.pages.console.admin.shown import SECRET_OF, show_admin, show_question
from tokenry.pages.console.lists import Asked
from tokenry.pages.fields import Form
from tokenry.pages.once import faults_of, form_request, tell_made
from tokenry.pages.paths import ADMIN
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Redirect, Reply, Visit, read_id
from tokenry.service.installation import Installation

NEW = f"{ADMIN}/new-webhook"
TEST = "test"
"""What the button does that sends no message again."""
STATES: Mapping[str, str] = {"": "All messages", "pending": "Waiting", "done": "Taken", "dead": "Given up"}
"""Which messages can be asked to be shown, by their name in the address."""


class WebhookPages:
    """`/console/admin/webhooks`, what is below it, and `/console/admin/new-webhook`."""

    def __init__(self, installation: Installation) -> None:
        self._webhooks = installation.webhooks

    def show_list(self, visit: Visit) -> Reply:
        """GET the webhooks, those whose address has a text in it, or all."""
        asked = Asked.read(visit, WEBHOOKS.path, fields={"url"}, choices=())
        filter = asked.filter(within=("url",))
        page = self._webhooks.list_webhooks(visit.signed_in.actor, asked.request, filter)
        return show_admin(WEBHOOKS, "webhooks", asked=asked, page=page)

    def show_new(self, visit: Visit) -> Reply:
        """GET the form of a new one."""
        require_recent(visit)
        return _show_form(None, WebhookChange(url="", actions=frozenset()))

    def create(self, visit: Visit) -> Reply:
        """POST a new one; its secret is shown in this answer alone."""
        wanted = read_webhook(visit.form)
        try:
            webhook, key = self._webhooks.create_webhook(visit.origin, wanted, form_request(visit))
        except AlreadyMade as made:
            return tell_made(f"{WEBHOOKS.path}/{made.id}")
        except Invalid as refusal:
            return _show_form(None, wanted, faults_of(refusal))
        return _show_secret(webhook, key)

    def show_one(self, visit: Visit) -> Reply:
        """GET one, with what it was told and is to be told."""
        webhook = self._get(visit)
        asked = Asked.read(visit, path_of(webhook), fields=(), choices=STATES)
        page = self._webhooks.list_deliveries(visit.signed_in.actor, webhook.id, asked.request, _select_messages(asked))
        return show_admin(
            WEBHOOKS, "webhook", webhook=webhook, asked=asked, page=page, choices=STATES, own=path_of(webhook)
        )

    def show_change(self, visit: Visit) -> Reply:
        """GET the form to change one."""
        require_recent(visit)
        webhook = self._get(visit)
        return _show_form(webhook, WebhookChange(url=webhook.url, actions=webhook.actions))

    def change(self, visit: Visit) -> Reply:
        """POST another address, or other events."""
        webhook, wanted = self._get(visit), read_webhook(visit.form)
        try:
            self._webhooks.update_webhook(visit.origin, webhook.id, wanted)
        except Invalid as refusal:
            return _show_form(webhook, wanted, refusal.faults)
        return Redirect(path_of(webhook), flash="webhook-changed")

    def show_disable(self, visit: Visit) -> Reply:
        """GET the question whether to disable one."""
        return self._ask(visit, DISABLE_WEBHOOK, "disable")

    def disable(self, visit: Visit) -> Reply:
        """POST that one is disabled."""
        return self._turn(visit, disabled=True)

    def show_enable(self, visit: Visit) -> Reply:
        """GET the question whether to enable one."""
        return self._ask(visit, ENABLE_WEBHOOK, "enable")

    def enable(self, visit: Visit) -> Reply:
        """POST that one is enabled."""
        return self._turn(visit, disabled=False)

    def show_rotate(self, visit: Visit) -> Reply:
        """GET the question whether to make another secret, the one before being good for a day."""
        return self._ask(visit, ROTATE_WEBHOOK, "rotate")

    def rotate(self, visit: Visit) -> Reply:
        """POST for another secret, shown in this answer alone."""
        return self._rotate(visit, GRACE)

    def show_rotate_now(self, visit: Visit) -> Reply:
        """GET the same question, the one before being good for nothing at once."""
        return self._ask(visit, ROTATE_WEBHOOK_NOW, "rotate-now")

    def rotate_now(self, visit: Visit) -> Reply:
        """POST for another secret at once."""
        return self._rotate(visit, timedelta(0))

    def show_delete(self, visit: Visit) -> Reply:
        """GET the question whether to delete one."""
        return self._ask(visit, DELETE_WEBHOOK, "delete")

    def delete(self, visit: Visit) -> Reply:
        """POST that one is deleted."""
        self._webhooks.delete_webhook(visit.origin, self._get(visit).id)
        return Redirect(WEBHOOKS.path, flash="webhook-deleted")

    def send(self, visit: Visit) -> Reply:
        """POST that one is told that it is tested, or, by the id of a message, that one once more."""
        webhook = self._get(visit)
        tested = visit.form.find("do") == TEST
        number = None if tested else read_id(visit.form.get("delivery"))
        try:
            if tested:
                self._webhooks.test_webhook(visit.origin, webhook.id)
            elif number is None:
                raise NotFound
            else:
                self._webhooks.redeliver(visit.origin, webhook.id, number)
        except Invalid:  # only while it is disabled, which its page says
            return Redirect(path_of(webhook))
        return Redirect(path_of(webhook), flash="webhook-tested" if tested else "webhook-redelivered")

    def _rotate(self, visit: Visit, grace: timedelta) -> Reply:
        webhook = self._get(visit)
        try:
            return _show_secret(*self._webhooks.rotate_secret(visit.origin, webhook.id, grace, form_request(visit)))
        except AlreadyMade:
            return tell_made(path_of(webhook))

    def _turn(self, visit: Visit, *, disabled: bool) -> Reply:
        webhook = self._get(visit)
        self._webhooks.update_webhook(visit.origin, webhook.id, WebhookChange(disabled=disabled))
        return Redirect(path_of(webhook), flash="webhook-disabled" if disabled else "webhook-enabled")

    def _ask(self, visit: Visit, question: Question, action: str) -> Reply:
        require_recent(visit)
        webhook = self._get(visit)
        own = path_of(webhook)
        return show_question(WEBHOOKS, question, webhook.url, action=f"{own}/{action}", back=own)

    def _get(self, visit: Visit) -> Webhook:
        return self._webhooks.get_webhook(visit.signed_in.actor, visit.path_id("webhook_id"))


def path_of(webhook: Webhook) -> str:
    """The page of a webhook."""
    return f"{WEBHOOKS.path}/{webhook.id}"


def read_webhook(form: Form) -> WebhookChange:
    """Read what one is to be. Where no event is ticked it is told of all."""
    return WebhookChange(url=form.get("url").strip(), actions=frozenset(form.boxes("events")))


def _select_messages(asked: Asked) -> Filter:
    """Those on one thing, of one state; the newest come first by themselves."""
    of_state = (Comparison("state", Operator.EQUAL, asked.show),) if asked.show else ()
    return Filter(All((asked.filter(equal=("subject",)).condition, *of_state)))


def _show_form(webhook: Webhook | None, wanted: WebhookChange, faults: Sequence[Fault] = ()) -> Reply:
    own = None if webhook is None else path_of(webhook)
    return show_admin(
        WEBHOOKS,
        "webhook_form",
        400 if faults else 200,
        faults=faults,
        webhook=webhook,
        url=wanted.url,
        chosen=wanted.actions,
        actions=sorted(ACTIONS),
        action=NEW if own is None else f"{own}/change",
        back=own or WEBHOOKS.path,
    )


def _show_secret(webhook: Webhook, key: object) -> Reply:
    return show_admin(WEBHOOKS, "secret", title=SECRET_OF, name=webhook.url, secret=key, back=path_of(webhook))
