"""The unmodified clients of PyPI, refused for asking too often: they wait as long as they are told, and go on."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
import uvicorn
from linode_api4 import LinodeClient
from starlette.types import Message, Receive, Scope, Send

from tests.conftest import START, Clock, make_app
from tests.servers import environment
from tokenry.application import build_app
from tokenry.serving.protocol import BoundedProtocol
from tokenry.serving.server import base_url, listen

WAIT_SECONDS = 2
END = START // 60 * 60 + 60


@dataclass
class Refusing:
    """A service of one request a minute, which is used up. Its clock stands until it refuses one, and goes then."""

    url: str = ""
    token: str = field(default="", repr=False)
    answered: list[tuple[int, float]] = field(default_factory=list)

    @property
    def statuses(self) -> list[int]:
        return [status for status, _ in self.answered]

    @property
    def waited(self) -> float:
        """How many seconds the client waited after the first refusal."""
        return self.answered[-1][1] - self.answered[0][1]

    def clock(self) -> float:
        passed = time.monotonic() - self.answered[0][1] if self.answered else 0
        return END - WAIT_SECONDS + passed


@pytest.fixture
def refusing(tmp_path: Path) -> Iterator[Refusing]:
    service = Refusing()
    made = make_app(tmp_path / "data", Clock(), rate_limit=1)
    service.token = made.token
    app = build_app(made.settings, service.clock)

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def observe(message: Message) -> None:
            if message["type"] == "http.response.start":
                service.answered.append((message["status"], time.monotonic()))
            await send(message)

        await app(scope, receive, observe)

    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(watched, http=BoundedProtocol, lifespan="on", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    service.url = base_url(listener)
    used = httpx2.get(f"{service.url}/v4/profile/tokens", headers={"Authorization": f"Bearer {service.token}"})
    assert used.headers["retry-after"] == str(WAIT_SECONDS)
    service.answered.clear()
    yield service
    server.should_exit = True
    thread.join()
    listener.close()


def test_linode_cli_waits_and_goes_on(refusing: Refusing, tmp_path: Path) -> None:
    variables = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / ".config"),
        "LINODE_CLI_TOKEN": refusing.token,
        "LINODE_CLI_API_HOST": refusing.url.removeprefix("http://"),
        "LINODE_CLI_API_SCHEME": "http",
    }
    program = str(Path(sys.executable).with_name("linode-cli"))
    command = [program, "--suppress-warnings", "profile", "token-create", "--label", "patient", "--json"]
    done = subprocess.run(
        command, env=environment(**variables), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"label": "patient"' in done.stdout
    assert refusing.statuses == [429, 200]
    assert refusing.waited >= WAIT_SECONDS


def test_linode_api4_waits_and_goes_on(refusing: Refusing) -> None:
    client = LinodeClient(refusing.token, base_url=f"{refusing.url}/v4")
    assert client.profile.token_create(label="patient").label == "patient"
    assert refusing.statuses == [429, 200]
    assert refusing.waited >= WAIT_SECONDS
