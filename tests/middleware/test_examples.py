"""The examples, each run as its first lines say, in a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.gateways.parts import Answer, ask
from tests.issuing import NewToken
from tests.middleware.conftest import revoke
from tests.servers import STOP_SECONDS_MAX, Server, environment

EXAMPLES = Path(__file__).parents[2] / "examples"
START_SECONDS_MAX = 30
POLL_SECONDS = 0.05
COMMANDS = {
    "asgi_app": ["-m", "uvicorn", "asgi_app:app", "--port"],
    "fastapi_app": ["-m", "uvicorn", "fastapi_app:app", "--port"],
    "wsgi_app": ["wsgi_app.py"],
    "django_app": ["django_app.py", "runserver", "--noreload"],
    "drf_app": ["drf_app.py", "runserver", "--noreload"],
}


@pytest.fixture(scope="module", params=list(COMMANDS))
def port(request: pytest.FixtureRequest, service: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Each example in turn, on a port that was free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    log_file = tmp_path_factory.mktemp("example") / "log"
    variables = environment(VERIFIER=service.url, TOKENRY_DATA_DIR=str(service.data_dir))
    command = [sys.executable, *COMMANDS[request.param], str(port)]
    with log_file.open("w") as log:
        process = subprocess.Popen(command, cwd=EXAMPLES, env=variables, stdout=log, stderr=log)
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert process.poll() is None, log_file.read_text()
            assert time.monotonic() < deadline, "the example did not start"
            time.sleep(POLL_SECONDS)
        else:
            break
    yield port
    process.terminate()
    process.wait(STOP_SECONDS_MAX)
    assert "pat_" not in log_file.read_text()


def said(port: int, token: str | None, method: str = "GET") -> Answer:
    return ask(port, method, "/", [] if token is None else [("Authorization", f"Bearer {token}")])


ELSEWHERE = {"mcp_server", "fastapi_product"}
"""What is run with its own clients, tests/clients/test_mcp.py, and in a browser, tests/component/test_products.py."""


def test_every_example_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == COMMANDS.keys() | ELSEWHERE


def test_example_tells_its_callers_apart(port: int, new_token: NewToken, api: httpx2.Client) -> None:
    reading, writing = new_token(scopes="linodes:read_only"), new_token(scopes="linodes:read_write")
    assert said(port, None).status == 401
    assert said(port, reading).body.replace(b" ", b"") == b'{"hello":"admin"}'
    assert said(port, reading, "POST").status == 403
    assert said(port, writing, "POST").status == 200
    revoke(api, reading)
    refused = said(port, reading)
    assert (refused.status, refused.body) in {
        (401, b'{"errors": [{"reason": "Invalid Token"}]}'),
        (401, b'{"detail":"Invalid Token"}'),  # as Django REST framework has it
    }
