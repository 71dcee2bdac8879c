"""`tokenry doctor` on PostgreSQL: what it finds out from real servers, and what it says of it."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from tests.postgres_servers import DATABASE, HOST, PASSWORD, ROLE, PgBouncer, PostgresServer, address_of
from tests.servers import free_port, tokenry
from tokenry.domain.errors import Unavailable
from tokenry.operator.servers import find_server_problems
from tokenry.settings import Settings
from tokenry.storage.database import database_url
from tokenry.storage.servers import Server, Unreached, list_servers
from tokenry.wiring import open_installation, prepare

HEALTHY = Server(
    name="db:5432",
    version=150004,
    in_recovery=False,
    read_only=False,
    fsync=True,
    full_page_writes=True,
    autovacuum=True,
    synchronous_commit="on",
    has_synchronous_standbys=False,
    has_standbys=False,
    connections_max=97,
    connections=20,
    connections_own=10,
    pooled=False,
    clock_ahead=0.01,
    clock_error=0.001,
    unanalyzed=[],
    foreign=[],
    invalid_indexes=[],
)


def ask(address: str, clock: Callable[[], float] = time.time) -> list[Server | Unreached]:
    """What the servers of an address say of themselves."""
    return list(list_servers(database_url(address, Path()), clock))


def problems(*servers: Server | Unreached, workers: int = 1) -> list[str]:
    return list(find_server_problems(servers, workers))


@pytest.fixture
def address(primary: PostgresServer, new_database: str, tmp_path: Path) -> str:
    """The address of an installation on the shared primary, which has `fsync` off."""
    address = address_of(primary, database=new_database)
    prepare(Settings(data_dir=tmp_path / "data", database_url=address))
    return address


def test_doctor_is_content_with_a_healthy_server(new_postgres_database: URL, tmp_path: Path) -> None:
    address = new_postgres_database.render_as_string(hide_password=False)
    prepare(Settings(data_dir=tmp_path, database_url=address))
    tmp_path.chmod(0o700)
    done = tokenry("doctor", "--data-dir", str(tmp_path), variables={"TOKENRY_DATABASE_URL": address})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert " is the primary, PostgreSQL 1" in lines[0]
    assert lines[1].startswith("ok    --workers 1 takes up to 17 connections, of which ")
    assert "ok    synchronous_commit is on for this role" in lines
    assert "WRONG" not in done.stdout


def test_what_is_wrong_with_a_server_is_exit_status_1(address: str, tmp_path: Path) -> None:
    where = ("--data-dir", str(tmp_path / "data"), "--workers", "8")
    done = tokenry("doctor", *where, variables={"TOKENRY_DATABASE_URL": address})
    assert done.returncode == 1
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    assert ["fsync off" in line for line in wrong] == [True, False]
    assert "--workers 8 takes up to 136 connections, of which " in wrong[1]
    assert "sesame" not in done.stdout + done.stderr


def test_standby_alone_is_named_before_the_database_is_opened(
    standby: PostgresServer, primary: PostgresServer, address: str, new_database: str, tmp_path: Path
) -> None:
    standby.catch_up_with(primary)
    variables = {"TOKENRY_DATABASE_URL": address_of(standby, database=new_database)}
    done = tokenry("doctor", "--data-dir", str(tmp_path / "data"), variables=variables)
    assert done.returncode == 1
    assert done.stdout.startswith(f"note  127.0.0.1:{standby.port} is a standby, PostgreSQL ")
    assert "WRONG none of these servers is a primary" in done.stdout
    assert "in recovery" in done.stderr
    assert "check the address, what its role may do" in done.stderr


def test_each_server_of_the_address_is_asked(
    standby: PostgresServer, primary: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    address = address_of(standby, primary).replace("&port=", f"%2C127.0.0.1&port={port},")
    asked = ask(address)
    found = problems(*asked)
    assert [(type(server), server.name) for server in asked] == [
        (Unreached, f"127.0.0.1:{port}"),
        (Server, f"127.0.0.1:{standby.port}"),
        (Server, f"127.0.0.1:{primary.port}"),
    ]
    assert found[0].startswith(f"127.0.0.1:{port} cannot be asked (")
    said = capsys.readouterr().out
    assert f"note  127.0.0.1:{standby.port} is a standby" in said
    assert f"ok    127.0.0.1:{primary.port} is the primary" in said
    assert "note  no standby is synchronous" in said


@pytest.mark.parametrize("hosts", ["service", "variables"])
def test_servers_that_the_address_does_not_name_itself_are_asked_too(
    standby: PostgresServer, primary: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: str
) -> None:
    both = {"host": f"{HOST},{HOST}", "port": f"{standby.port},{primary.port}"}
    if hosts == "service":
        lines = [f"{name}={value}" for name, value in both.items()]
        (tmp_path / "services").write_text("\n".join(["[both]", *lines]), "ascii")
        monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    else:
        for name, value in both.items():
            monkeypatch.setenv(f"PG{name.upper()}", value)
    asked = ask(f"postgresql://{ROLE}:{PASSWORD}@/{DATABASE}{'?service=both' if hosts == 'service' else ''}")
    assert [server.name for server in asked] == [f"{HOST}:{standby.port}", f"{HOST}:{primary.port}"]
    assert not any("none of" in problem for problem in problems(*asked))


def test_isolation_that_the_role_asks_for_is_no_matter(primary: PostgresServer, standby: PostgresServer) -> None:
    primary.ask(f"ALTER ROLE {ROLE} SET default_transaction_isolation = serializable")
    try:
        standby.catch_up_with(primary)
        assert [type(server) for server in ask(address_of(standby, primary))] == [Server, Server]
    finally:
        primary.ask(f"ALTER ROLE {ROLE} RESET default_transaction_isolation")


def test_service_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICEFILE", "/dev/null")
    [server] = ask("postgresql://?service=nowhere")
    assert isinstance(server, Unreached)
    assert server.name == "the server"
    assert 'definition of service "nowhere" not found' in server.reason


def test_pooler_is_noticed(pooler: PgBouncer, new_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    [server] = ask(address_of(pooler, database=new_database))
    assert isinstance(server, Server)
    assert server.pooled
    assert not any("connections" in problem for problem in problems(server, workers=64))
    assert "note  there is a pooler in between" in capsys.readouterr().out


def test_frozen_server_is_not_waited_for_long(new_primary: PostgresServer) -> None:
    new_primary.freeze()
    begun = time.monotonic()
    [server] = ask(address_of(new_primary, connect_timeout="2"))
    assert isinstance(server, Unreached)
    assert time.monotonic() < begun + 8


def test_read_only_database_is_named(primary: PostgresServer, new_database: str) -> None:
    primary.ask(f"ALTER DATABASE {new_database} SET default_transaction_read_only = on")
    [server] = ask(address_of(primary, database=new_database))
    assert isinstance(server, Server)
    assert (server.read_only, server.in_recovery) == (True, False)
    assert "is read-only, and no change or verification is answered: RESET" in problems(server)[0]


def test_clock_that_differs_by_more_than_a_second_is_named(primary: PostgresServer) -> None:
    told = []
    for ahead in (-5, -0.5, 0.5, 5):
        [server] = ask(address_of(primary), lambda: time.time() + ahead)  # noqa: B023 - called in this round
        told.append([problem.partition(" seconds ")[2][:9] for problem in problems(server) if "clock" in problem])
    assert told == [["behind 12"], [], [], ["ahead of "]]


def test_limit_of_the_role_counts(primary: PostgresServer, new_database: str) -> None:
    primary.ask(f"ALTER DATABASE {new_database} CONNECTION LIMIT 7")
    [server] = ask(address_of(primary, database=new_database))
    assert isinstance(server, Server)
    assert (server.connections_max, server.connections_own) == (7, 1)


def test_table_that_was_never_analyzed_is_named(address: str, primary: PostgresServer, new_database: str) -> None:
    rows = "SELECT n, repeat('c', 100), 1 FROM generate_series(1, 10000) AS n"
    primary.ask("ALTER TABLE accounts SET (autovacuum_enabled = off)", database=new_database)
    primary.ask(f"INSERT INTO accounts (euuid, company, created_at) {rows}", database=new_database)
    [before] = ask(address)
    primary.ask("ANALYZE accounts", database=new_database)
    [after] = ask(address)
    assert isinstance(before, Server)
    assert isinstance(after, Server)
    assert (before.unanalyzed, after.unanalyzed) == (["accounts"], [])
    assert any("run ANALYZE accounts" in problem for problem in problems(before))


def test_table_of_another_role_is_named_and_is_no_defect_of_ours(
    address: str, primary: PostgresServer, new_database: str, tmp_path: Path
) -> None:
    """As after a restore by a superuser who leaves the owner out."""
    primary.ask("ALTER TABLE policy OWNER TO postgres", database=new_database)
    [server] = ask(address)
    assert isinstance(server, Server)
    assert server.foreign == ["policy"]
    assert any("ALTER TABLE policy OWNER TO" in problem for problem in problems(server))
    installation = open_installation(Settings(data_dir=tmp_path / "data", database_url=address))
    with closing(installation.database), pytest.raises(Unavailable) as refused:
        installation.policies.get_policy()
    assert refused.value.reason == "permission denied for table policy"


def test_index_that_is_not_valid_is_named(address: str, primary: PostgresServer, new_database: str) -> None:
    invalid = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_rotations_previous'::regclass"
    primary.ask(invalid, database=new_database)
    [server] = ask(address)
    assert isinstance(server, Server)
    assert server.invalid_indexes == ["ix_rotations_previous"]
    assert any("REINDEX INDEX CONCURRENTLY ix_rotations_previous" in problem for problem in problems(server))


def test_healthy_server_has_no_problem() -> None:
    assert problems(HEALTHY, workers=5) == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"version": 120022}, "is PostgreSQL 12.22: tokenry needs 13 or newer"),
        ({"fsync": False}, "fsync off"),
        ({"full_page_writes": False}, "full_page_writes off"),
        ({"autovacuum": False}, "autovacuum off"),
        ({"connections_max": 94}, "--workers 5 takes up to 85 connections, of which 84 are available: raise"),
        ({"connections": 23}, "--workers 5 takes up to 85 connections, of which 84 are available: raise"),
    ],
)
def test_fault_is_named_with_its_remedy(fault: dict[str, Any], words: str) -> None:
    [problem] = problems(replace(HEALTHY, **fault), workers=5)
    assert words in problem


def test_standby_is_not_to_be_promoted_while_the_primary_may_live() -> None:
    standby = replace(HEALTHY, in_recovery=True)
    assert "name that in the address too, or promote" in problems(standby)[0]
    assert "see that it is stopped for good before" in problems(Unreached("db1:5432", "it does not answer"), standby)[1]


def test_only_the_primary_that_takes_changes_is_ok(capsys: pytest.CaptureFixture[str]) -> None:
    problems(HEALTHY)
    assert capsys.readouterr().out.startswith("ok    db:5432 is the primary")
    problems(replace(HEALTHY, read_only=True))
    assert capsys.readouterr().out.startswith("note  db:5432 is read-only")


def test_two_primaries_are_named() -> None:
    assert "more than one of these servers is a primary" in problems(HEALTHY, HEALTHY)[0]


@pytest.mark.parametrize(("setting", "raised"), [("off", True), ("remote_write", True), ("remote_apply", False)])
def test_durability_is_said(setting: str, raised: bool, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: FBT001
    assert problems(replace(HEALTHY, synchronous_commit=setting)) == []
    said = capsys.readouterr().out
    assert f"synchronous_commit is {setting} for this role" in said
    assert ("which tokenry raises to on" in said) is raised
