"""A service that has no file descriptors left: it says so once, and serves again when there are some."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx2
from structlog.testing import capture_logs

from tests.conftest import Clock
from tests.servers import START_SECONDS_MAX, TOKENRY, Server, serving, wait_until
from tokenry.complaints import SECONDS
from tokenry.serving.descriptors import DescriptorWatch

LIMIT = 60
FEW = ("bash", "-c", f'ulimit -n {LIMIT} && exec "$@"', "-", TOKENRY)
WORDS = "no file descriptors are left"


def test_running_out_of_descriptors_is_one_line_in_the_log_and_it_serves_on_afterwards(tmp_path: Path) -> None:
    with serving(tmp_path / "data", program=FEW) as server:
        assert httpx2.get(f"{server.url}/healthz", timeout=START_SECONDS_MAX).status_code == 200
        assert WORDS not in server.log
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2 * LIMIT)]
        wait_until(lambda: WORDS in server.log, START_SECONDS_MAX, "nothing is said")
        for connection in held:
            connection.close()
        wait_until(lambda: serves(server), START_SECONDS_MAX, "nobody is served")  # once it has noticed
        assert server.log.count(WORDS) == 1
        assert f"raise the limit of {LIMIT} (ulimit -n)" in server.log


def serves(server: Server) -> bool:
    try:
        return httpx2.get(f"{server.url}/healthz", timeout=START_SECONDS_MAX).status_code == 200
    except (httpx2.ReadError, httpx2.RemoteProtocolError):  # it is dropped like those before
        return False


def test_strangers_with_many_connections_keep_nobody_from_revoking(tmp_path: Path) -> None:
    enough = ("bash", "-c", 'ulimit -n 400 && exec "$@"', "-", TOKENRY)
    with serving(tmp_path / "data", program=enough) as server, ExitStack() as stack:
        bearer = {"Authorization": f"Bearer {server.token}"}
        client = stack.enter_context(httpx2.Client(base_url=server.url, headers=bearer, timeout=START_SECONDS_MAX))
        others = [client.post("/v4/profile/tokens", json={}).json()["id"] for _ in range(2)]
        for _ in range(400):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b"GET /v")
        assert client.delete(f"/v4/profile/tokens/{others[0]}").status_code == 200
        wait_until(lambda: "new connections are dropped" in server.log, START_SECONDS_MAX)
        assert client.delete(f"/v4/profile/tokens/{others[1]}").status_code == 200
        assert server.log.count("new connections are dropped") == 1


def test_it_is_said_once_a_minute_as_long_as_it_lasts(clock: Clock) -> None:
    watch = DescriptorWatch(clock)
    with capture_logs() as logs:
        watch.look()
        with no_descriptors():
            for _ in range(SECONDS + 1):
                watch.look()
                clock.seconds += 1
        watch.look()
    assert [line["times"] for line in logs] == [1, SECONDS]
    assert {line["event"] for line in logs} == {"connections are dropped"}


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
