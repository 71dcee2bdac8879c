"""Events of what users are told in time: a part of the list in `events.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tokenry.domain.event_subjects import OfUser


@dataclass(frozen=True, slots=True)
class NotificationsChosen(OfUser):
    """A user chose otherwise what to be told in time; from and to, by name."""

    action = "notifications.update"
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class MailTested(OfUser):
    """An administrator was sent a message to try the mail."""

    action = "mail.test"


NoticeEvent: TypeAlias = NotificationsChosen | MailTested
