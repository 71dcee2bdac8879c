"""`/tokenry/profile/notifications`: what a user is told in time."""

from collections.abc import Mapping

from tokenry.api.managed.users import unknown_keys
from tokenry.domain.errors import raise_faults
from tokenry.domain.notices import Choices, NoticeKind
from tokenry.domain.scopes import WRITES
from tokenry.service.installation import Installation
from tokenry.service.notices import Notices
from tokenry.web.bodies import read_key
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths, change


def notification_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/tokenry/profile/notifications`."""
    notifications = NotificationOperations(installation.notices)
    return {
        "/tokenry/profile/notifications": resource(
            GET=Operation(notifications.get_choices), PUT=change(notifications.choose, WRITES)
        )
    }


class NotificationOperations:
    """`/tokenry/profile/notifications`."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    def get_choices(self, call: Call) -> object:
        """GET what the caller is told."""
        return write_choices(self._notices.get_choices(call.actor))

    def choose(self, call: Call) -> object:
        """PUT other choices; what is left out stays as it is."""
        return write_choices(self._notices.choose(call.origin, read_choices(call.body)))


def read_choices(body: Mapping[str, object]) -> Choices:
    """Read choices by their names. Raises Invalid."""
    faults = unknown_keys(body, [kind.value for kind in NoticeKind])
    read = {kind: read_key(body, kind.value, bool, faults) for kind in NoticeKind}
    raise_faults(faults)
    return {kind: wanted for kind, wanted in read.items() if wanted is not None}


def write_choices(choices: Choices) -> dict[str, object]:
    """Write choices."""
    return {kind.value: wanted for kind, wanted in choices.items()}
