"""Rate limits: who is counted, what an answer shows of it, and who is refused."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route, Router
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from tests.conftest import START, App, Clock, make_app
from tests.servers import Redis
from tokenry.application import build_app
from tokenry.complaints import SECONDS
from tokenry.counters.host import HostCounters
from tokenry.counters.opening import Counters
from tokenry.domain.accounts import Origin
from tokenry.domain.tokens import NewToken
from tokenry.faces import WIRE
from tokenry.service.admission import Admission
from tokenry.settings import Settings
from tokenry.verification.bound_tokens import BoundTokens
from tokenry.verification.verifier import Verifier
from tokenry.web.guard import Guard
from tokenry.web.limits import PAUSE_SECONDS, RateLimits, network
from tokenry.web.requests import Call
from tokenry.web.resource import Checks, Operation, Resource
from tokenry.web.threads import Threads
from tokenry.wiring import credentials_of, open_installation

TOKENS = "/v4/profile/tokens"
SHOWN = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after")
UNKNOWN = {"Authorization": "Bearer pat_nothing"}
LEFT_SECONDS = 20
"""Of the minute in which the tests begin."""


@pytest.fixture
def limited(tmp_path: Path, clock: Clock) -> Iterator[App]:
    """The application with small limits: five requests, three failures."""
    app = make_app(tmp_path / "data", clock, rate_limit=5, rate_limit_failures=3)
    with app.client:
        yield app


def shown(answer: httpx2.Response) -> tuple[int, ...]:
    """What an answer shows: limit, remaining, reset, wait. Each once, or none at all."""
    values = [answer.headers.get_list(name) for name in SHOWN]
    return tuple(int(value) for (value,) in values) if any(values) else ()


def statuses(app: App, headers: dict[str, str], times: int) -> list[int]:
    return [app.client.get(TOKENS, headers=headers).status_code for _ in range(times)]


def other_client(app: App, address: str) -> TestClient:
    """The same application, asked from another address."""
    client = TestClient(app.client.app, base_url="http://testserver", client=(address, 50000))
    client.portal = app.client.portal
    return client


# --- what answers show -----------------------------------------------------------------------------------------------


def test_every_answer_shows_what_is_left_of_the_minute(limited: App) -> None:
    reset = int(START) + LEFT_SECONDS + 1
    assert [shown(limited.client.get(TOKENS, headers=limited.bearer)) for _ in range(2)] == [
        (5, 4, reset, LEFT_SECONDS),
        (5, 3, reset, LEFT_SECONDS),
    ]
    limited.clock.seconds += 7.5
    assert shown(limited.client.get(TOKENS, headers=limited.bearer)) == (5, 2, reset, LEFT_SECONDS - 7)
    limited.clock.seconds += LEFT_SECONDS
    assert shown(limited.client.get(TOKENS, headers=limited.bearer)) == (5, 4, reset + 60, 60 - 7)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", TOKENS, None, 200),
        ("HEAD", TOKENS, None, 200),
        ("POST", TOKENS, {}, 200),
        ("GET", f"{TOKENS}/1", None, 200),
        ("PUT", f"{TOKENS}/1", {}, 200),
        ("DELETE", f"{TOKENS}/1", None, 200),
        ("GET", f"{TOKENS}/99", None, 404),
        ("GET", f"{TOKENS}?page=0", None, 400),
        ("POST", TOKENS, {"label": ""}, 400),
    ],
)
def test_answer_to_a_recognised_token_shows_the_limit(
    limited: App, method: str, path: str, body: object, status: int
) -> None:
    answer = limited.client.request(method, path, headers=limited.bearer, json=body)
    assert (answer.status_code, shown(answer)[:2]) == (status, (5, 4))


def test_refusal_for_the_scope_is_counted(limited: App) -> None:
    made = limited.client.post(TOKENS, headers=limited.bearer, json={"scopes": "linodes:read_only"}).json()
    narrow = {"Authorization": f"Bearer {made['token']}"}
    assert statuses(limited, narrow, 5) == [401] * 4 + [429]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", TOKENS, {}, 401),
        ("GET", TOKENS, UNKNOWN, 401),
        ("PATCH", TOKENS, None, 405),
        ("GET", "/v4/nothing", None, 404),
        ("OPTIONS", TOKENS, None, 200),
        ("GET", "/verify", None, 200),
        ("GET", "/healthz", None, 200),
        ("GET", "/readyz", None, 200),
        ("GET", "/verify/auth-request", None, 400),
        ("GET", "/openapi.json", None, 200),
        ("GET", "/docs", None, 200),
    ],
)
def test_answer_that_looks_at_no_token_shows_and_counts_nothing(
    limited: App, method: str, path: str, headers: dict[str, str] | None, status: int
) -> None:
    for _ in range(7 if status != 401 else 3):
        answer = limited.client.request(method, path, headers=limited.bearer if headers is None else headers)
        assert (answer.status_code, shown(answer)) == (status, ())
    assert shown(limited.client.get(TOKENS, headers=limited.bearer))[1] == 4


def test_without_limits_nothing_is_shown_and_nobody_refused(app: App) -> None:
    assert statuses(app, app.bearer, 50) == [200] * 50
    assert statuses(app, UNKNOWN, 70) == [401] * 70
    assert shown(app.client.get(TOKENS, headers=app.bearer)) == ()


# --- who is refused --------------------------------------------------------------------------------------------------


def test_one_request_too_many_is_refused_until_the_next_minute(limited: App) -> None:
    assert statuses(limited, limited.bearer, 6) == [200] * 5 + [429]
    answer = limited.client.get(TOKENS, headers=limited.bearer)
    assert answer.text == '{"errors": [{"reason": "Too many requests"}]}'
    assert shown(answer) == (5, 0, int(START) + LEFT_SECONDS + 1, LEFT_SECONDS)
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["x-oauth-scopes"], answer.headers["x-accepted-oauth-scopes"]) == ("*", "account:read_only")
    assert "www-authenticate" not in answer.headers
    limited.clock.seconds += LEFT_SECONDS - 0.001
    assert statuses(limited, limited.bearer, 1) == [429]
    limited.clock.seconds += 0.001
    assert statuses(limited, limited.bearer, 6) == [200] * 5 + [429]


def test_refused_request_does_nothing(limited: App) -> None:
    statuses(limited, limited.bearer, 5)
    assert limited.client.post(TOKENS, headers=limited.bearer, json={"label": "late"}).status_code == 429
    limited.clock.seconds += 60
    assert limited.client.get(TOKENS, headers=limited.bearer).json()["results"] == 1


def test_refused_request_is_logged_with_its_token(limited: App) -> None:
    statuses(limited, limited.bearer, 5)
    with capture_logs() as logged:
        statuses(limited, limited.bearer, 1)
    assert [(line["status"], line["token_id"]) for line in logged] == [(429, 1)]


def test_tokens_of_one_user_are_counted_together(limited: App) -> None:
    made = limited.client.post(TOKENS, headers=limited.bearer, json={}).json()
    assert statuses(limited, limited.bearer, 2) == [200] * 2
    assert statuses(limited, {"Authorization": f"Bearer {made['token']}"}, 3) == [200] * 2 + [429]
    assert statuses(limited, limited.bearer, 1) == [429]


def test_users_are_counted_apart(limited: App) -> None:
    user = {"username": "ada", "email": "ada@example.com"}
    assert limited.client.post("/v4/account/users", headers=limited.bearer, json=user).status_code == 200
    assert statuses(limited, make_token(limited, "ada"), 6) == [200] * 5 + [429]
    assert statuses(limited, limited.bearer, 5) == [200] * 4 + [429]


def test_used_up_limit_keeps_nobody_from_revoking(limited: App) -> None:
    """And revoking has a limit too, for each token."""
    leaked = limited.client.post(TOKENS, headers=limited.bearer, json={}).json()
    assert statuses(limited, {"Authorization": f"Bearer {leaked['token']}"}, 5) == [200] * 4 + [429]
    paths = [f"{TOKENS}/{token_id}" for token_id in (leaked["id"], 90, 91, 92, 93, 94)]
    deleted = [limited.client.delete(path, headers=limited.bearer).status_code for path in paths]
    assert deleted == [200] + [404] * 4 + [429]


def test_proxy_users_are_counted_by_token(limited: App) -> None:
    """All of a parent account's users act by one in a child account: none keeps another out."""
    installation = open_installation(limited.settings, limited.clock)
    child = installation.accounts.create_account(Origin("operator"), company="child", parent="tokenry")
    installation.database.close()
    path = f"/v4/account/child-accounts/{child.euuid}/token"
    made = [limited.client.post(path, headers=limited.bearer).json()["token"] for _ in range(2)]
    for token in made:
        assert statuses(limited, {"Authorization": f"Bearer {token}"}, 6) == [200] * 5 + [429]


def make_token(app: App, username: str) -> dict[str, str]:
    """A header with a new token of a user's, by the operator."""
    installation = open_installation(app.settings, app.clock)
    _, secret = installation.tokens.create_token_for(Origin("operator"), username, NewToken())
    installation.database.close()
    return {"Authorization": f"Bearer {secret.reveal()}"}


def test_verification_has_no_limit_and_uses_none_up(limited: App) -> None:
    statuses(limited, limited.bearer, 6)
    asked = [limited.client.get("/verify", headers=headers).status_code for headers in (limited.bearer, UNKNOWN) * 9]
    assert asked == [200, 401] * 9
    assert statuses(limited, UNKNOWN, 1) == [401]


# --- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [UNKNOWN, {}, {"Authorization": f"Bearer pat_{'0' * 50}"}])
def test_address_that_failed_too_often_is_refused_until_the_next_minute(limited: App, headers: dict[str, str]) -> None:
    assert statuses(limited, headers, 4) == [401] * 3 + [429]
    answer = limited.client.get(TOKENS, headers=headers)
    assert answer.text == '{"errors": [{"reason": "Too many requests"}]}'
    assert shown(answer) == (3, 0, int(START) + LEFT_SECONDS + 1, LEFT_SECONDS)
    assert answer.headers["x-oauth-scopes"] == "unknown"
    limited.clock.seconds += LEFT_SECONDS
    assert statuses(limited, headers, 4) == [401] * 3 + [429]


def test_valid_token_is_not_refused_for_the_failures_of_its_address(limited: App) -> None:
    statuses(limited, UNKNOWN, 10)
    assert statuses(limited, limited.bearer, 5) == [200] * 5


def test_revoked_token_is_a_failure_of_its_address_and_not_of_others(limited: App) -> None:
    made = limited.client.post(TOKENS, headers=limited.bearer, json={}).json()
    limited.client.delete(f"{TOKENS}/{made['id']}", headers=limited.bearer)
    revoked = {"Authorization": f"Bearer {made['token']}"}
    assert statuses(limited, revoked, 4) == [401] * 3 + [429]
    assert other_client(limited, "192.0.2.1").get(TOKENS, headers=revoked).status_code == 401


def test_addresses_of_one_network_share_their_failures(limited: App) -> None:
    asked = [other_client(limited, f"2001:db8:1:2::{host:x}").get(TOKENS).status_code for host in range(4)]
    assert asked == [401] * 3 + [429]
    assert other_client(limited, "2001:db8:1:3::1").get(TOKENS).status_code == 401


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_network_of_an_ipv6_address_does_not_depend_on_its_last_64_bits(address: Any, host: int) -> None:
    sibling = type(address)(int(address) >> 64 << 64 | host)
    if address.ipv4_mapped is None and sibling.ipv4_mapped is None:
        assert network(str(address)) == network(str(sibling))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "20010db800000000"),
        ("fe80::1%eth0", "fe80000000000000"),
        (None, "unknown"),
        ("", "unknown"),
        ("testclient", "unknown"),
        ("x" * 10_000, "unknown"),
    ],
)
def test_network_of_an_address(address: str | None, expected: str) -> None:
    assert network(address) == expected


class FarCounters:
    """Counters that have to be waited for."""

    def __init__(self) -> None:
        self._counters = HostCounters(rows=1)

    async def count(self, key: str, window: int) -> int:
        await checkpoint()
        return await self._counters.count(key, window)

    async def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("counters", [HostCounters(rows=1), FarCounters()])
def test_operation_counts_for_somebody_more_in_its_thread(counters: Counters, clock: Clock) -> None:
    limits = RateLimits(counters, requests=2, failures=0, now=clock)

    async def go() -> list[bool]:
        found = [await anyio.to_thread.run_sync(limits.count_for, "client:1") for _ in range(3)]
        return [each is not None and each.exceeded for each in found]

    assert anyio.run(go) == [False, False, True]


def test_public_operation_is_counted_by_address(limited: App) -> None:
    asked = [{}, limited.bearer, UNKNOWN] * 2
    answers = [limited.client.get("/v4/regions", headers=headers) for headers in asked]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [shown(answer)[:2] for answer in answers] == [(5, left) for left in (4, 3, 2, 1, 0, 0)]
    assert other_client(limited, "192.0.2.1").get("/v4/regions").status_code == 200
    assert statuses(limited, limited.bearer, 1) == [200]


def test_answer_to_a_defect_shows_the_limit(app: App) -> None:
    def defect(call: Call) -> object:
        raise ZeroDivisionError

    installation = open_installation(app.settings, app.clock)
    verifier = Verifier(credentials_of(installation.database), installation.peppers, app.clock)
    limits = RateLimits(HostCounters(), requests=2, failures=2, now=app.clock)
    threads = Threads()
    bound_tokens = BoundTokens(verifier, installation.proofs, installation.transactions.now, threads.run)
    checks = Checks(verifier, limits, Admission(installation.transactions), threads, bound_tokens)
    router = Router([Route("/x", Resource(checks, WIRE, GET=Operation(defect)))])
    client = TestClient(Guard(router, WIRE, direct={}), raise_server_exceptions=False)
    answer = client.get("/x", headers=app.bearer)
    assert (answer.status_code, shown(answer)[:2]) == (500, (2, 1))
    installation.database.close()


# --- where it is counted ---------------------------------------------------------------------------------------------


def test_applications_on_one_redis_count_together(redis: Redis, tmp_path: Path, clock: Clock) -> None:
    one = make_app(tmp_path / "data", clock, rate_limit=5, rate_limit_storage=redis.url)
    two = replace(one, client=TestClient(build_app(one.settings, clock), base_url="http://testserver"))
    with one.client, two.client:
        assert statuses(one, one.bearer, 3) == [200] * 3
        assert shown(two.client.get(TOKENS, headers=two.bearer))[:2] == (5, 1)
        assert statuses(two, two.bearer, 2) == [200, 429]
        assert statuses(one, one.bearer, 1) == [429]


def test_installations_on_one_redis_count_apart(redis: Redis, tmp_path: Path, clock: Clock) -> None:
    copy = make_app(tmp_path / "a", clock, rate_limit=5, rate_limit_storage=redis.url)
    clock.seconds += 1  # and so not a copy of the same one
    for app in (copy, make_app(tmp_path / "b", clock, rate_limit=5, rate_limit_storage=redis.url)):
        with app.client:
            assert shown(app.client.get(TOKENS, headers=app.bearer))[:2] == (5, 4)


def test_without_their_storage_requests_pass_and_show_nothing(tmp_path: Path, clock: Clock) -> None:
    """And the storage is left alone for a while, so that nobody waits for it, and the log does not fill."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0)
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        app = make_app(tmp_path / "data", clock, rate_limit=2, rate_limit_failures=2, rate_limit_storage=url)
        with app.client, capture_logs() as logged:
            for _ in range(5):
                assert shown(app.client.get(TOKENS, headers=app.bearer)) == ()
            assert statuses(app, app.bearer, 1) == [200]
            assert statuses(app, UNKNOWN, 5) == [401] * 5
            assert connections(silent) == 1
            app.clock.seconds += PAUSE_SECONDS
            assert statuses(app, app.bearer, 5) == [200] * 5
            assert connections(silent) == 1
            app.clock.seconds += SECONDS
            assert statuses(app, app.bearer, 1) == [200]
    told = [line for line in logged if line["event"] == "rate limits are off: their storage does not answer"]
    assert [line["log_level"] for line in told] == ["error"] * 2


def connections(listener: socket.socket) -> int:
    """How many connections were made to a listener since it was last asked."""
    found = 0
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return found
        connection.close()
        found += 1


def test_counting_goes_on_when_the_storage_is_back(redis: Redis, tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, rate_limit=2, rate_limit_storage=redis.url)
    with app.client:
        redis.stop()
        try:
            assert statuses(app, app.bearer, 3) == [200] * 3
        finally:
            redis.start()
        assert statuses(app, app.bearer, 3) == [200] * 3
        clock.seconds += PAUSE_SECONDS
        assert statuses(app, app.bearer, 3) == [200, 200, 429]


def test_setting_does_not_show_its_password() -> None:
    assert "sesame" not in repr(Settings(rate_limit_storage="redis://:sesame@host"))
