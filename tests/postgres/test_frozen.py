"""A server that stands still, or the standby that changes wait for: answers come in time, and later all is well."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.postgres.asking import TOKENS, Answered, Service, at_once
from tests.postgres_servers import PostgresServer, address_of
from tests.servers import serving, wait_until

BUSY = 1.8
"""How much longer an answer may take on a machine that has other things to do."""
VERIFY_SECONDS, READY_SECONDS, REQUEST_SECONDS = 1 * BUSY, 1 * BUSY, 8 * BUSY
BACK_SECONDS_MAX = 3


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@pytest.mark.long
def test_frozen_server_holds_no_answer_up_and_is_used_again_once_it_answers(
    new_primary: PostgresServer, tmp_path: Path
) -> None:
    variables = {"TOKENRY_DATABASE_URL": address_of(new_primary)}
    with serving(tmp_path / "data", variables=variables) as server:
        service = Service(server)
        made, revoked = service.make(), service.make()
        assert service.verify(made["token"]).status == 200
        with frozen(new_primary):
            with at_once([*[service.verify] * 5, *[partial(service.ask, "GET", "/readyz")] * 3]) as answers:
                pass
            for answer in answers:
                assert answer.result().status == 503
                assert answer.result().seconds < VERIFY_SECONDS
            requests: list[Callable[[], Answered]] = [
                *[partial(service.ask, "POST", TOKENS, {})] * 8,
                *[partial(service.ask, "GET", TOKENS)] * 8,
                partial(service.revoke, revoked),
            ]
            with at_once(requests) as answers:
                pass
            for answer in answers:
                assert answer.result().status == 503
                assert answer.result().seconds < REQUEST_SECONDS
            again = [service.verify() for _ in range(10)]
            assert {answer.status for answer in again} == {503}
            assert sum(answer.seconds for answer in again) < 2 * VERIFY_SECONDS, "one may try, the others are told"
        wait_until(service.works, BACK_SECONDS_MAX)
        assert service.revoke(made).status == 200
        assert service.verify(made["token"]).status == 401


@pytest.mark.long
def test_frozen_synchronous_standby_holds_up_changes_alone(
    new_primary: PostgresServer, new_standby: PostgresServer, tmp_path: Path
) -> None:
    variables = {"TOKENRY_DATABASE_URL": address_of(new_primary, new_standby)}
    with serving(tmp_path / "data", variables=variables) as server:
        service = Service(server)
        made, revoked = service.make(), service.make()
        new_primary.configure(synchronous_standby_names=new_standby.name)
        assert service.works()
        with frozen(new_standby):
            changes = [*[partial(service.ask, "POST", TOKENS, {})] * 10, partial(service.revoke, revoked)]
            with at_once(changes) as answers:
                until = time.monotonic() + 6
                while time.monotonic() < until:
                    verified, listed = service.verify(made["token"]), service.ask("GET", TOKENS)
                    assert (verified.status, listed.status) == (200, 200)
                    assert max(verified.seconds, listed.seconds) < VERIFY_SECONDS
            assert {answer.result().status for answer in answers} <= {503, 429}
            assert max(answer.result().seconds for answer in answers) < REQUEST_SECONDS
            ready = service.ask("GET", "/readyz")
            assert (ready.status, ready.seconds < READY_SECONDS) == (503, True)
            assert service.verify(made["token"]).status == 200
        wait_until(service.works, BACK_SECONDS_MAX)
        assert service.revoke(revoked).status in {200, 404}
        assert service.verify(revoked["token"]).status == 401
