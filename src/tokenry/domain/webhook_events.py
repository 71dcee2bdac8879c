"""Events of webhooks: a part of the list in `events.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tokenry.domain.event_subjects import Recorded


@dataclass(frozen=True, slots=True)
class OfWebhook(Recorded):
    """To a webhook, which is an account's or the operator's."""

    account_id: int | None
    webhook_id: int

    @property
    def subject(self) -> str:
        """What it was done to, as the audit has it."""
        return f"webhook:{self.webhook_id}"


@dataclass(frozen=True, slots=True)
class WebhookCreated(OfWebhook):
    """A program is told what happens from now on; `url` is the origin of its address."""

    action = "webhook.create"
    url: str


@dataclass(frozen=True, slots=True)
class WebhookUpdated(OfWebhook):
    """A webhook's address or events were changed, or it was disabled or enabled; from and to, by name."""

    action = "webhook.update"
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class WebhookSecretRotated(OfWebhook):
    """A webhook got another secret; the one before signs as well for `grace` seconds more."""

    action = "webhook.rotate_secret"
    grace: int


@dataclass(frozen=True, slots=True)
class WebhookDeleted(OfWebhook):
    """A webhook was deleted, and what it was still to be told."""

    action = "webhook.delete"
    url: str


@dataclass(frozen=True, slots=True)
class WebhookGone(OfWebhook):
    """A webhook was disabled, since its receiver answered 410: it wants to be told nothing more."""

    action = "webhook.gone"


@dataclass(frozen=True, slots=True)
class WebhookFull(OfWebhook):
    """A webhook was disabled, since too much waited for it; `given_up` is how many messages that were, all of them."""

    action = "webhook.full"
    given_up: int


@dataclass(frozen=True, slots=True)
class WebhookTested(OfWebhook):
    """A message was sent to try a webhook, which alone is told of this."""

    action = "webhook.test"


@dataclass(frozen=True, slots=True)
class WebhookRedelivered(OfWebhook):
    """A message to a webhook is sent once more."""

    action = "webhook.redeliver"
    delivery_id: int


WebhookEvent: TypeAlias = (
    WebhookCreated
    | WebhookDeleted
    | WebhookFull
    | WebhookGone
    | WebhookRedelivered
    | WebhookSecretRotated
    | WebhookTested
    | WebhookUpdated
)
