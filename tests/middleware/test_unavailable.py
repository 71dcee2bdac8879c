"""An application whose service cannot be asked."""

import json

import pytest

from tests.gateways.parts import HttpServer, bearer
from tests.middleware.applications import KINDS, let_in, refused, running
from tokenry.middleware.remote import RemoteVerifier


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_service_everybody_is_refused(kind: str, reading_token: str) -> None:
    with HttpServer().running() as gone:
        port = gone.port
    with running(kind, RemoteVerifier(f"http://127.0.0.1:{port}")) as application:
        answer = refused(application, "/any", bearer(reading_token))
        assert (answer.status, json.loads(answer.body)) == (503, {"errors": [{"reason": "Service unavailable"}]})
        assert answer.values("Content-Type") == ["application/json"]
        let_in(application, "/open", [])
