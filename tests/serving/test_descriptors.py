"""A service that has no file descriptors left: it says so once, and serves again when there are some."""

import socket
import time
from pathlib import Path

import httpx2

from tests.servers import START_SECONDS_MAX, TOKENRY, serving

LIMIT = 60
FEW = ("bash", "-c", f'ulimit -n {LIMIT} && exec "$@"', "-", TOKENRY)
WORDS = "no file descriptors are left"


def test_running_out_of_descriptors_is_one_line_in_the_log_and_it_serves_on_afterwards(tmp_path: Path) -> None:
    with serving(tmp_path / "data", program=FEW) as server:
        assert httpx2.get(f"{server.url}/healthz", timeout=START_SECONDS_MAX).status_code == 200
        assert WORDS not in server.log
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2 * LIMIT)]
        deadline = time.monotonic() + START_SECONDS_MAX
        while WORDS not in server.log:
            assert time.monotonic() < deadline, "nothing is said"
            time.sleep(0.05)
        time.sleep(2)  # it is looked for again, and not said
        for connection in held:
            connection.close()
        assert httpx2.get(f"{server.url}/healthz", timeout=START_SECONDS_MAX).status_code == 200
        assert server.log.count(WORDS) == 1
        assert f'"limit": {LIMIT}' in server.log
        assert "ulimit -n" in server.log
