"""Only a primary is believed, wherever the address names it: a standby may not know yet what was revoked."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.postgres.asking import NOT_PRIMARY
from tests.postgres.conftest import Installation
from tests.postgres_servers import DATABASE, HOST, PASSWORD, ROLE, PostgresServer, address_of
from tests.servers import free_port, wait_until
from tests.workers import connection_of_each, reuse, serving_workers
from tokenry.domain.errors import SetupError
from tokenry.storage.failures import NotPrimary
from tokenry.storage.postgres import connect, read_address
from tokenry.verification.lookups import open_line

TOKENS = "/v4/profile/tokens"


@pytest.fixture
def late_standby(standby: PostgresServer) -> Iterator[PostgresServer]:
    """A standby that may be made late; it goes on after the test."""
    yield standby
    standby.resume_replay()


def in_query(first: int, second: int) -> str:
    return f"@/{DATABASE}?host={HOST},{HOST}&port={first},{second}"


def in_authority(first: int, second: int) -> str:
    return f"@{HOST}:{first},{HOST}:{second}/{DATABASE}?application_name=x"


def with_addresses(first: int, second: int) -> str:
    return f"@/{DATABASE}?host=one,two&hostaddr={HOST},{HOST}&port={first},{second}"


@pytest.mark.parametrize("hosts", [in_query, in_authority, with_addresses])
@pytest.mark.parametrize("attributes", ["", "&target_session_attrs=any", "&target_session_attrs=read-write"])
def test_revoked_token_is_refused_though_a_late_standby_comes_first(
    installation: Installation,
    primary: PostgresServer,
    late_standby: PostgresServer,
    hosts: Callable[[int, int], str],
    attributes: str,
) -> None:
    address = f"postgresql://{ROLE}:{PASSWORD}{hosts(late_standby.port, primary.port)}{attributes}"
    with installation.opened(address_of(primary)) as client:
        made = client.post(TOKENS, json={}).json()
        bearer = {"Authorization": f"Bearer {made['token']}"}
    late_standby.catch_up_with(primary)
    late_standby.pause_replay()
    with installation.opened(address) as client:
        assert client.get("/verify", headers=bearer).status_code == 200
        assert client.delete(f"{TOKENS}/{made['id']}").status_code == 200
        assert client.get("/verify", headers=bearer).status_code == 401
        assert client.get("/readyz").status_code == 200
    with installation.opened(address) as client:
        assert client.get("/verify", headers=bearer).status_code == 401, "the first question of a new process"


@pytest.mark.parametrize(
    ("hosts", "fault"),
    [
        ("@/{db}?host={h}:{a}&host={h}:{b}", "host twice"),
        ("@/{db}?host={h}&host={h}&port={a}&port={b}", "twice"),
        ("@/{db}?host={h}:{a},{h}:{b}", "port in host"),
        ("@/{db}?host={h},{h},{h}&port={a},{b}", "does not have as many ports as hosts"),
        ("@/{db}?host={h},{h}&port={a},{b}&target_session_attrs=standby", "target_session_attrs"),
        ("@/{db}?host={h},{h}&port={a},{b}&target_session_attrs=prefer-standby", "target_session_attrs"),
        ("@/{db}?host={h},{h}&port={a},{b}&target_session_attrs=read-only", "target_session_attrs"),
    ],
)
def test_hosts_in_a_form_that_means_different_servers_to_others_are_refused(
    installation: Installation, primary: PostgresServer, standby: PostgresServer, hosts: str, fault: str
) -> None:
    named = hosts.format(db=DATABASE, h=HOST, a=standby.port, b=primary.port)
    with (
        pytest.raises(SetupError, match=fault) as refused,
        installation.opened(f"postgresql://{ROLE}:{PASSWORD}{named}"),
    ):
        pass
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("hosts", "reached"), [("{standby},{standby}", True), ("{standby},{none}", False), ("{none},{standby}", False)]
)
def test_standby_beside_an_address_that_cannot_be_reached_is_told_of_as_that(
    standby: PostgresServer, hosts: str, *, reached: bool
) -> None:
    """What does not answer may be the primary: whoever reads the log has to look there."""
    ports = hosts.format(standby=standby.port, none=free_port())
    url = read_address(f"postgresql://{ROLE}:{PASSWORD}@/{DATABASE}?host={HOST},{HOST}&port={ports}")
    with pytest.raises(NotPrimary) as management:
        connect(url, timeout=4)
    with pytest.raises(NotPrimary) as verification:
        asyncio.run(open_line(url, seconds=4))
    assert str(management.value) == str(verification.value)
    assert NOT_PRIMARY in str(management.value)
    assert ("an address cannot be reached" in str(management.value)) is not reached


@pytest.mark.long
def test_service_whose_server_became_a_standby_verifies_nothing_until_it_is_promoted(
    new_primary: PostgresServer, tmp_path: Path
) -> None:
    """As after a switchover, by which its only server is the primary no longer."""
    variables = {"TOKENRY_DATABASE_URL": address_of(new_primary)}
    with serving_workers(tmp_path / "data", 2, variables) as server, ExitStack() as stack:
        lines = [stack.enter_context(closing(line)) for line in connection_of_each(server)]
        assert [reuse(line, "GET", "/verify", server.token)[0] for line in lines] == [200, 200]
        new_primary.demote()
        for line in lines:
            for _ in range(10):
                assert reuse(line, "GET", "/verify", server.token)[0] == 503
                assert reuse(line, "POST", TOKENS, server.token, {})[0] == 503
                status, answer = reuse(line, "GET", "/readyz", "")
                assert (status, NOT_PRIMARY in answer["reason"]) == (503, True), answer
        complaints = [line for line in server.log.splitlines() if "verif" in line or "ready" in line]
        assert len(complaints) <= 4, "each worker tells of each once"
        new_primary.promote()
        wait_until(lambda: all(reuse(line, "GET", "/verify", server.token)[0] == 200 for line in lines), 2)
        assert [reuse(line, "POST", TOKENS, server.token, {})[0] for line in lines] == [200, 200]
        assert [reuse(line, "GET", "/readyz", "")[0] for line in lines] == [200, 200]
