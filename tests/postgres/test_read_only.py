"""A server that takes no changes is told of as such, and nothing is remembered of it when it takes them again."""

from pathlib import Path

import pytest

from tests.postgres.asking import NOT_PRIMARY, TOKENS, Service
from tests.postgres_servers import PostgresServer, address_of
from tests.servers import serving, wait_until

BACK_SECONDS_MAX = 2
NOTED_SECONDS_MAX = 12
"""For two attempts to write down what was noted."""
UNAVAILABLE = {"errors": [{"reason": "Service unavailable"}]}


def let(primary: PostgresServer, database: str, *, write: bool) -> None:
    """Let its new transactions write or not, in sessions that there are as in others."""
    primary.ask(f"ALTER DATABASE {database} SET default_transaction_read_only = {'off' if write else 'on'}")
    primary.end_connections()


@pytest.mark.long
def test_read_only_server_is_unavailable_until_it_takes_changes_and_nothing_noted_is_lost(
    primary: PostgresServer, new_database: str, tmp_path: Path
) -> None:
    variables = {"TOKENRY_DATABASE_URL": address_of(primary, database=new_database)}
    with serving(tmp_path / "data", variables=variables) as server:
        service = Service(server)
        used, rotated = service.make(), service.make()
        path = f"{TOKENS}/{rotated['id']}"
        secret = service.ask("POST", f"{path}/rotate", {"grace": 3600}).body["token"]
        assert [service.verify(used["token"]).status, service.verify(secret).status] == [200, 200]
        let(primary, new_database, write=False)
        wait_until(lambda: "uses of tokens cannot be written down yet" in server.log, NOTED_SECONDS_MAX)
        for _ in range(5):
            refused = service.ask("POST", TOKENS, {})
            assert (refused.status, refused.body) == (503, UNAVAILABLE)
            assert service.verify().status == 503, "it may be a standby"
            ready = service.ask("GET", "/readyz")
            assert (ready.status, NOT_PRIMARY in ready.body["reason"]) == (503, True)
        let(primary, new_database, write=True)
        wait_until(service.works, BACK_SECONDS_MAX)
        assert server.log.count("the service is not ready") == 1
        assert "Traceback" not in server.log
    uses = primary.ask("SELECT token_id FROM token_uses", database=new_database)
    assert {(used["id"],), (rotated["id"],)} <= set(uses)
    [(begun,)] = primary.ask("SELECT count(*) FROM rotations WHERE first_used_at IS NOT NULL", database=new_database)
    assert begun == 1, "the grace of the old secret has begun with the use of the new one"


@pytest.mark.long
def test_sessions_that_were_opened_read_only_are_not_kept(
    primary: PostgresServer, new_database: str, tmp_path: Path
) -> None:
    """Nobody ends them when the server takes changes again: a setting of the role concerns new sessions only."""
    variables = {"TOKENRY_DATABASE_URL": address_of(primary, database=new_database)}
    with serving(tmp_path / "data", variables=variables) as server:
        service = Service(server)
        service.make()
        let(primary, new_database, write=False)
        assert [service.ask("POST", TOKENS, {}).status for _ in range(3)] == [503] * 3
        primary.ask(f"ALTER DATABASE {new_database} RESET default_transaction_read_only")
        wait_until(service.works, BACK_SECONDS_MAX)
