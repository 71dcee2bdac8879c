"""What only Django has: needs of the whole site, and verifiers that settings make."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings

from tests.middleware import applications
from tests.servers import Server
from tokenry.middleware import Needs
from tokenry.middleware.django import TokenMiddleware
from tokenry.middleware.remote import RemoteVerifier

assert applications.KINDS  # the settings are made there
Ask = Callable[..., HttpResponse]


def greet(request: Any) -> HttpResponse:
    return HttpResponse(str(request.tokenry and request.tokenry.user))


async def greet_async(request: Any) -> HttpResponse:
    return greet(request)


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """A function that sends one request through the middleware alone, in both of Django's ways."""

    def ask_sync(**headers: str) -> HttpResponse:
        found: HttpResponse = TokenMiddleware(greet)(RequestFactory().get("/", headers=headers))
        return found

    async def ask_async(**headers: str) -> HttpResponse:
        asked: HttpRequest = AsyncRequestFactory().get("/", headers=headers)
        found: HttpResponse = await TokenMiddleware(greet_async)(asked)
        return found

    return ask_sync if request.param == "sync" else lambda **headers: asyncio.run(ask_async(**headers))


def test_site_with_a_policy_lets_in_nobody_else(ask: Ask, remote: RemoteVerifier, service: Server) -> None:
    with override_settings(TOKENRY_VERIFIER=remote, TOKENRY_NEEDS=Needs("linodes:read_only")):
        assert ask(authorization=f"Bearer {service.token}").content == b"admin"
        refused = ask(x_auth_user="root")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Bearer realm="tokenry"')


def test_site_without_a_policy_leaves_it_to_its_views(ask: Ask, remote: RemoteVerifier, service: Server) -> None:
    with override_settings(TOKENRY_VERIFIER=remote):
        assert ask(authorization=f"Bearer {service.token}").content == b"None"


def test_verifier_is_made_once_when_the_site_starts(ask: Ask, remote: RemoteVerifier) -> None:
    made: list[RemoteVerifier] = []

    def make() -> RemoteVerifier:
        made.append(remote)
        return remote

    with override_settings(TOKENRY_VERIFIER=make, TOKENRY_NEEDS=Needs()):
        assert [ask().status_code for _ in range(3)] == [401, 401, 401]
    assert made == [remote]
