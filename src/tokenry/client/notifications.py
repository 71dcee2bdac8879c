"""What a user is told in time: calls, and what people call."""

from dataclasses import dataclass, fields

from tokenry.client import calls
from tokenry.client.calls import Call
from tokenry.client.rows import Row
from tokenry.client.shells import AsyncShell, Shell
from tokenry.client.transport import Answer

PLACE = "/v4/tokenry/profile/notifications"


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationChoices:
    """What the user is told: that a token expires, that one was revoked since it leaked, and what looks wrong."""

    token_expires: bool
    token_leaked: bool
    new_network: bool
    revoked_token_used: bool


class Notifications:
    """The choices of the caller."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def get(self) -> NotificationChoices:
        """Read them."""
        return self._shell.run(Call("GET", PLACE, _read))

    def update(
        self,
        *,
        token_expires: bool | None = None,
        token_leaked: bool | None = None,
        new_network: bool | None = None,
        revoked_token_used: bool | None = None,
    ) -> NotificationChoices:
        """Choose otherwise; None stays."""
        return self._shell.run(_update(token_expires, token_leaked, new_network, revoked_token_used))


class AsyncNotifications:
    """The same for event loops."""

    def __init__(self, shell: AsyncShell) -> None:
        self._shell = shell

    async def get(self) -> NotificationChoices:
        """Read them."""
        return await self._shell.run(Call("GET", PLACE, _read))

    async def update(
        self,
        *,
        token_expires: bool | None = None,
        token_leaked: bool | None = None,
        new_network: bool | None = None,
        revoked_token_used: bool | None = None,
    ) -> NotificationChoices:
        """Choose otherwise; None stays."""
        return await self._shell.run(_update(token_expires, token_leaked, new_network, revoked_token_used))


def _update(*choices: bool | None) -> Call[NotificationChoices]:
    names = [field.name for field in fields(NotificationChoices)]
    return Call("PUT", PLACE, _read, body=calls.without_none(dict(zip(names, choices, strict=True))))


def _read(request: str, answer: Answer) -> NotificationChoices:
    row = Row.of(request, answer)
    return NotificationChoices(**{field.name: row.truth(field.name) for field in fields(NotificationChoices)})
