"""A standby that takes over while tokens are made, verified and revoked: nobody is told what is no longer true."""

import time
from pathlib import Path

import pytest

from tests.postgres.load import Load
from tests.postgres_servers import PostgresServer, address_of
from tests.servers import wait_until
from tests.workers import serving_workers

ANSWERS_EACH = 100
"""So many verifications there are before, without a primary, and with the new one."""
WAIT_SECONDS_MAX = 60
BACK_SECONDS_MAX = 2


@pytest.mark.long
@pytest.mark.parametrize("first", ["primary", "standby"])
def test_synchronous_standby_that_is_promoted_under_load_contradicts_nothing_that_was_said(
    new_primary: PostgresServer, new_standby: PostgresServer, tmp_path: Path, first: str
) -> None:
    servers = (new_primary, new_standby) if first == "primary" else (new_standby, new_primary)
    variables = {"TOKENRY_DATABASE_URL": address_of(*servers)}
    with serving_workers(tmp_path / "data", 2, variables) as server:
        new_primary.configure(synchronous_standby_names=new_standby.name)
        load = Load(server)
        with load.running():
            wait_until(lambda: len(load.between(0)) > ANSWERS_EACH, WAIT_SECONDS_MAX)
            new_primary.kill()
            killed = time.monotonic()
            wait_until(lambda: len(load.between(killed)) > ANSWERS_EACH, WAIT_SECONDS_MAX)
            promoting = time.monotonic()
            new_standby.promote()
            promoted = time.monotonic()
            wait_until(lambda: load.count_valid_after(promoted) > ANSWERS_EACH, WAIT_SECONDS_MAX)
        assert load.contradictions() == []
        assert {each.status for each in load.between(killed, promoting)} == {503}
        assert load.first_valid_after(promoted) < BACK_SECONDS_MAX
        assert {status for _, status in load.answers} == {200, 401, 503}
        assert "Traceback" not in server.log
