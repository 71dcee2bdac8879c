"""What only FastAPI has: its description, its own errors, websockets, its test client."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.issuing import bearer
from tests.servers import Server
from tokenry.middleware import Identity
from tokenry.middleware.fastapi import Requirer
from tokenry.middleware.local import LocalVerifier


@pytest.fixture
def client(local: LocalVerifier) -> Iterator[TestClient]:
    require = Requirer(local)
    app = FastAPI(lifespan=require.lifespan)

    @app.get("/")
    async def hello(identity: Annotated[Identity, Depends(require("linodes:read_only"))]) -> str:
        return identity.user

    @app.websocket("/")
    async def talk(socket: WebSocket, identity: Annotated[Identity, Depends(require(resource="linodes"))]) -> None:
        await socket.accept()
        await socket.send_text(identity.user)
        await socket.close()

    with TestClient(app) as client:
        yield client


def test_description_says_that_a_token_is_needed(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    assert description["paths"]["/"]["get"]["security"] == [{"token": []}]
    scheme = description["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_without_our_handler_the_refusal_is_fastapis(client: TestClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.json()) == (401, {"detail": '{"errors": [{"reason": "Invalid Token"}]}'})
    assert answer.headers["www-authenticate"] == 'Bearer realm="tokenry"'


def test_websocket_without_a_token_is_refused(client: TestClient, reading_token: str) -> None:
    for headers in ({}, bearer(reading_token)):
        with pytest.raises(WebSocketDisconnect) as refusal, client.websocket_connect("/", headers=headers):
            pass
        assert refusal.value.code == 1008


def test_websocket_gets_its_identity(client: TestClient, service: Server) -> None:
    with client.websocket_connect("/", headers=bearer(service.token)) as socket:
        assert socket.receive_text() == "admin"


def test_test_client_without_a_lifespan_runs_each_request_in_a_loop_of_its_own(
    client: TestClient, service: Server
) -> None:
    bare = TestClient(client.app)
    assert [bare.get("/", headers=bearer(service.token)).status_code for _ in range(2)] == [200, 200]
