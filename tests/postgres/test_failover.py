"""A standby that takes over while tokens are made, verified and revoked: nobody is told what is no longer true."""

import time
from pathlib import Path

import pytest

from tests.postgres.load import Load
from tests.postgres_servers import PostgresServer, address_of
from tests.workers import serving_workers

BEFORE_SECONDS, WITHOUT_SECONDS, AFTER_SECONDS = 2, 1, 3
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
            time.sleep(BEFORE_SECONDS)
            new_primary.kill()
            killed = time.monotonic()
            time.sleep(WITHOUT_SECONDS)
            new_standby.promote()
            promoted = time.monotonic()
            time.sleep(AFTER_SECONDS)
        assert load.contradictions() == []
        assert load.first_valid_after(promoted) < BACK_SECONDS_MAX
        assert {status for when, status in load.verified if killed + 0.2 < when < promoted - 0.2} == {503}
        assert {status for _, status in load.answers} == {200, 401, 503}
        assert "Traceback" not in server.log
