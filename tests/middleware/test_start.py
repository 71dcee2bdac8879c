"""What the catalogue lacks is told when an application starts, and not on each of its requests."""

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated, Any

import pytest
from django import setup
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import clear_url_caches, include
from django.urls import path as url
from fastapi import Depends, FastAPI
from starlette.testclient import TestClient

from tests.conftest import Clock, make_app
from tests.gateways.parts import HttpServer
from tests.issuing import bearer
from tests.middleware import applications
from tests.middleware.applications import ADA, IDENTITY
from tokenry.domain.catalogue import write_json
from tokenry.middleware import Identity, Needs, Question, Verifier, asgi, django, wsgi
from tokenry.middleware.fastapi import Requirer
from tokenry.middleware.local import LocalVerifier
from tokenry.middleware.remote import RemoteVerifier
from tokenry.storage.catalogue import default_catalogue

assert applications.KINDS  # Django's settings are made there
setup()

from rest_framework.decorators import api_view, authentication_classes  # noqa: E402 - they read the settings
from rest_framework.views import APIView  # noqa: E402

from tokenry.middleware.drf import TokenryAuthentication  # noqa: E402

JSON = ("Content-Type", "application/json")
MISSPELT = Needs("linode:read_only", resource="vpcs")
MEANT = r"linode:read_only \(did you mean linodes:read_only\?\); Unknown resource: vpcs \(did you mean vpc\?\)"
OWN = """
[messages]
instances = true
reads = "read"
writes = "send"
actions.read = {}
actions.send.implies = ["read"]
"""


@pytest.fixture(params=["remote", "local"])
def verifier(request: pytest.FixtureRequest) -> Verifier:
    found: Verifier = request.getfixturevalue(request.param)
    return found


def view(request: HttpRequest) -> HttpResponse:
    raise AssertionError


class Misspelt(TokenryAuthentication):
    needs = MISSPELT


class Rest(APIView):  # type: ignore[misc]
    authentication_classes = (Misspelt,)


class Lenient(APIView):  # type: ignore[misc]
    authentication_classes = ()


def greet(environ: wsgi.Environ, start_response: Any) -> list[bytes]:
    raise AssertionError


def live(app: asgi.App) -> list[asgi.Message]:
    """What a server is told that starts an application."""
    sent: list[asgi.Message] = []

    async def receive() -> asgi.Message:
        return {"type": "lifespan.shutdown" if sent else "lifespan.startup"}

    async def send(message: asgi.Message) -> None:
        sent.append(message)

    asyncio.run(app({"type": "lifespan"}, receive, send))  # type: ignore[arg-type]
    return sent


async def lives(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    for event in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{event}"
        await send({"type": f"lifespan.{event}.complete"})


def test_application_does_not_start_that_needs_what_there_is_not(verifier: Verifier) -> None:
    require = Requirer(verifier)
    app = FastAPI(lifespan=require.lifespan)
    require(*MISSPELT.scopes, resource=MISSPELT.resources)
    with pytest.raises(ValueError, match=MEANT), TestClient(app):
        pass
    with pytest.raises(ValueError, match=MEANT):
        wsgi.TokenMiddleware(greet, verifier, MISSPELT)
    [failed] = live(asgi.TokenMiddleware(lives, verifier, MISSPELT))
    assert failed["type"] == "lifespan.startup.failed"
    assert "did you mean linodes:read_only?" in failed["message"]
    with override_settings(TOKENRY_VERIFIER=verifier, TOKENRY_NEEDS=MISSPELT), pytest.raises(ValueError, match=MEANT):
        django.TokenMiddleware(view)
    needing = django.require(*MISSPELT.scopes, resource=MISSPELT.resources)(view)
    by_function = api_view()(authentication_classes([Misspelt])(view))
    of_drf = (Rest.as_view(), Lenient.as_view(authentication_classes=[Misspelt]), by_function)
    for views in (
        (url("", needing),),
        (url("a/", include([url("b", needing)])),),
        *((url("", each),) for each in of_drf),
    ):
        with override_settings(TOKENRY_VERIFIER=verifier, ROOT_URLCONF=views):
            clear_url_caches()
            with pytest.raises(ValueError, match=MEANT):
                django.TokenMiddleware(view)


def test_application_starts_that_needs_what_there_is(verifier: Verifier) -> None:
    needs = Needs("linodes:read_only", "*", "tokenry_users:read_only", resource="vpc")
    wsgi.TokenMiddleware(greet, verifier, needs)
    started = [message["type"] for message in live(asgi.TokenMiddleware(lives, verifier, needs))]
    assert started == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    require = Requirer(verifier)
    require(*needs.scopes, resource=needs.resources)
    with TestClient(FastAPI(lifespan=require.lifespan)):
        pass
    require("linodes:read_only", instance="team")
    with pytest.raises(ValueError, match="linodes:read_only@0"), TestClient(FastAPI(lifespan=require.lifespan)):
        pass


def test_service_that_does_not_answer_keeps_nobody_from_starting(caplog: pytest.LogCaptureFixture) -> None:
    verifier = RemoteVerifier("http://127.0.0.1:1", timeout=1)
    verifier.check(Needs())
    assert caplog.messages == []
    wsgi.TokenMiddleware(greet, verifier, MISSPELT)
    [warning] = caplog.messages
    assert "was not checked" in warning


def test_what_was_not_checked_is_after_the_first_answer(caplog: pytest.LogCaptureFixture) -> None:
    catalogue = json.dumps(write_json(default_catalogue())).encode()
    with HttpServer(503, list(IDENTITY.items()), catalogue).running() as server:
        verifier = RemoteVerifier(f"http://127.0.0.1:{server.port}", timeout=10)
        verifier.check(MISSPELT)
        server.status = 200
        for _ in range(2):
            assert verifier.verify(Question(Needs(), "GET", "Bearer a")) == ADA
        deadline = time.monotonic() + 10
        while len(caplog.messages) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        verifier.close()
        asked = [request.target for request in server.requests]
    assert sorted(asked) == ["/v4/tokenry/scopes"] * 2 + ["/verify"] * 2
    assert "did you mean linodes:read_only?" in caplog.messages[1]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"resources": [1]}', b'{"resources": 1}', b"[" * 100_000])
def test_what_is_no_catalogue_is_told_and_starts(caplog: pytest.LogCaptureFixture, body: bytes) -> None:
    with HttpServer(200, [JSON], body).running() as server:
        verifier = RemoteVerifier(f"http://127.0.0.1:{server.port}", timeout=10)
        verifier.check(MISSPELT)
        verifier.close()
    assert "was not checked" in caplog.messages[0]


def test_instance_is_the_one_of_the_path(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "scopes.toml").write_text(OWN, "utf-8")
    app = make_app(tmp_path / "data", clock, scopes_file=tmp_path / "scopes.toml")
    made = app.client.post("/v4/profile/tokens", headers=app.bearer, json={"scopes": "messages:send@team-7"}).json()
    app.client.close()
    local = LocalVerifier(tmp_path / "data", scopes_file=tmp_path / "scopes.toml")
    require = Requirer(local)
    protected = FastAPI(lifespan=require.lifespan, exception_handlers=require.exception_handlers)

    @protected.get("/{team}/messages")
    async def read(caller: Annotated[Identity, Depends(require("messages:read", instance="team"))], team: str) -> bool:
        return caller.may("messages:send", instance=team)

    @protected.delete("/{team}/messages")
    async def delete(caller: Annotated[Identity, Depends(require(resource="messages", instance="team"))]) -> str:
        return caller.scopes

    with TestClient(protected) as client:
        for team, status in {"team-7": 200, "team-8": 403, "team-7,messages:read": 404, "-": 404, "%2A": 404}.items():
            assert client.get(f"/{team}/messages", headers=bearer(made["token"])).status_code == status, team
        assert client.get("/team-7/messages", headers=bearer(made["token"])).json() is True
        deleted = client.delete("/team-7/messages", headers=bearer(made["token"]))
        assert deleted.json() == "messages:read@team-7 messages:send@team-7"
        assert client.delete("/team-8/messages", headers=bearer(made["token"])).status_code == 403


def test_identity_may_nothing_of_what_can_be_no_instance() -> None:
    held = ADA._replace(scopes="messages:read@team-7 labels:list")
    assert held.may("messages:read", instance="team-7")
    assert not held.may("messages:read", instance="team-8")
    for instance in ("", "*", "team-7 labels:list", "team-7,*", "a/b", "é", "x" * 65):
        assert not held.may("messages:read", instance=instance), instance
        assert not ADA._replace(scopes="*").may("messages:read", instance=instance), instance
    assert held.may("labels:list", instance="any")
    with pytest.raises(ValueError):
        held.may("messages:read@team-7", instance="team-7")
