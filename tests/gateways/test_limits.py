"""Limits of tokens at each gateway: requests are counted, and one too many is refused with what the verifier says."""

import time
from pathlib import Path

import httpx2
import pytest

from tests.gateways.parts import ask, bearer
from tests.gateways.programs import refused, running
from tests.issuing import NewToken
from tests.servers import Server
from tokenry.domain.limits import WINDOW_SECONDS
from tokenry.operator.gateway import Gateway

SECONDS_NEEDED = 5


def await_minute() -> None:
    """Begin in the next minute, if too little is left of this one."""
    left = WINDOW_SECONDS - time.time() % WINDOW_SECONDS
    time.sleep(left if left < SECONDS_NEEDED else 0)


@pytest.mark.parametrize("name", list(Gateway))
def test_token_that_is_used_too_often_is_refused_with_what_is_left_of_its_limit(
    service: Server, tmp_path: Path, new_token: NewToken, name: Gateway
) -> None:
    token = new_token(scopes="linodes:read_only", requests_per_minute=4)
    policy = ("--resource", "linodes", "--cost", "2")
    with running(name, tmp_path / "gateway", service.port, *policy) as gateway:
        await_minute()
        assert refused(gateway, bearer(token), "POST").status == 403  # and counts nothing
        for _ in range(2):
            assert ask(gateway.port, headers=bearer(token)).status == 200
        assert gateway.service.last.values("X-Auth-User") == ["admin"]
        answer = refused(gateway, bearer(token))
        said = httpx2.get(f"{service.url}/verify?cost=2", headers=dict(bearer(token)))
    assert (answer.status, answer.body) == (said.status_code, said.content) == (429, said.content)
    for header in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Content-Type"):
        assert answer.values(header) == [said.headers[header]], header
    [seconds] = answer.values("Retry-After")
    assert 0 < int(seconds) <= 60
