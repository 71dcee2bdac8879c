"""What users choose for themselves: calls, and what people call."""

from dataclasses import dataclass

from tokenry.client.calls import Call
from tokenry.client.rows import Row
from tokenry.client.shells import AsyncShell, Shell
from tokenry.client.transport import Answer

PLACE = "/v4/tokenry/profile/preferences"


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """The `language` of pages and of mail, such as `de`; None where none was chosen."""

    language: str | None


class OwnPreferences:
    """The preferences of the caller."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def get(self) -> Preferences:
        """Read them."""
        return self._shell.run(Call("GET", PLACE, _read))

    def update(self, *, language: str | None) -> Preferences:
        """Choose a language; None takes the choice back."""
        return self._shell.run(_update(language))


class AsyncOwnPreferences:
    """The same for event loops."""

    def __init__(self, shell: AsyncShell) -> None:
        self._shell = shell

    async def get(self) -> Preferences:
        """Read them."""
        return await self._shell.run(Call("GET", PLACE, _read))

    async def update(self, *, language: str | None) -> Preferences:
        """Choose a language; None takes the choice back."""
        return await self._shell.run(_update(language))


def _update(language: str | None) -> Call[Preferences]:
    return Call("PUT", PLACE, _read, body={"language": language})


def _read(request: str, answer: Answer) -> Preferences:
    row = Row.of(request, answer)
    return Preferences(language=row.if_any("language", row.text))
