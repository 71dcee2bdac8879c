"""Clients for tests: each test that asks for one runs in threads and in an event loop, and reads the same."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any, cast

import pytest

from tests.servers import Server
from tokenry.client import AsyncClient, AsyncPersonalAccessTokensApi, Client, Page, PersonalAccessTokensApi
from tokenry.client.activity import AsyncActivity
from tokenry.client.async_client import AsyncToken, AsyncTokens, AsyncUsers
from tokenry.client.audit import AsyncAudit
from tokenry.client.notifications import AsyncNotifications
from tokenry.client.policy import AsyncInstallationPolicies
from tokenry.client.preferences import AsyncOwnPreferences
from tokenry.client.service_accounts import AsyncServiceAccounts
from tokenry.client.webhooks import AsyncWebhooks

NewClient = Callable[..., Client]
NewApi = Callable[..., PersonalAccessTokensApi]


class Blocking:
    """Something asynchronous, used as if it were not. What it hands out is wrapped alike."""

    def __init__(self, thing: Any, runner: asyncio.Runner) -> None:
        self._thing = thing
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._thing, name)
        return partial(self._call, value) if callable(value) else self._wrapped(value)

    def close(self) -> None:
        self._runner.get_loop().run_until_complete(self._thing.aclose())

    def _call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        if isinstance(result, AsyncIterator):
            return self._each(result)
        return self._wrapped(
            self._runner.get_loop().run_until_complete(_wait(result)) if isinstance(result, Awaitable) else result
        )

    def _each(self, results: AsyncIterator[Any]) -> Iterator[Any]:
        while (result := self._runner.get_loop().run_until_complete(_next(results))) is not None:
            yield self._wrapped(result)

    def _wrapped(self, value: Any) -> Any:
        if isinstance(value, Page):
            return value.map(self._wrapped)
        wrapped = (
            AsyncActivity
            | AsyncAudit
            | AsyncInstallationPolicies
            | AsyncNotifications
            | AsyncOwnPreferences
            | AsyncServiceAccounts
            | AsyncToken
            | AsyncTokens
            | AsyncUsers
            | AsyncWebhooks
        )
        return Blocking(value, self._runner) if isinstance(value, wrapped) else value


async def _wait(result: Awaitable[Any]) -> Any:
    return await result


async def _next(results: AsyncIterator[Any]) -> Any:
    return await anext(results, None)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own settings take part."""
    for name in ("TOKENRY_URL", "TOKENRY_TOKEN", "TOKENRY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["threads", "event loop"])
def shell(request: pytest.FixtureRequest) -> str:
    """Both shells in turn."""
    shell: str = request.param
    return shell


@pytest.fixture
def opened(shell: str) -> Iterator[Callable[..., Any]]:
    """A function that makes a client of the class for this shell, and closes it after the test."""
    made: list[Any] = []
    with asyncio.Runner() as runner:

        def make(for_threads: type[Any], for_event_loops: type[Any], *arguments: Any, **named: Any) -> Any:
            if shell == "threads":
                made.append(for_threads(*arguments, **named))
            else:
                made.append(Blocking(for_event_loops(*arguments, **named), runner))
            return made[-1]

        yield make
        for client in made:
            client.close()


@pytest.fixture
def new_client(opened: Callable[..., Any]) -> NewClient:
    """A function that makes a client; its arguments are those of `Client`."""
    return cast("NewClient", partial(opened, Client, AsyncClient))


@pytest.fixture
def new_api(opened: Callable[..., Any]) -> NewApi:
    """A function that makes a client of the original interface."""
    return cast("NewApi", partial(opened, PersonalAccessTokensApi, AsyncPersonalAccessTokensApi))


@pytest.fixture
def client(new_client: NewClient, server: Server) -> Client:
    """A client of a real service, with its first token, which may do everything."""
    return new_client(server.url, server.token, timeout=30)
