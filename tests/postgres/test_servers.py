"""The servers of these tests do what their tests count on."""

import psycopg
import pytest

from tests.postgres_servers import DATABASE, PASSWORD, ROLE, PgBouncer, PostgresServer, address_of


def test_standby_shows_what_its_primary_commits_unless_replay_is_paused(
    primary: PostgresServer, standby: PostgresServer, new_database: str
) -> None:
    standby.catch_up_with(primary)
    standby.pause_replay()
    primary.ask("CREATE TABLE facts AS SELECT 1 AS fact", database=new_database)
    with pytest.raises(psycopg.errors.UndefinedTable):
        standby.ask("SELECT fact FROM facts", database=new_database)
    standby.resume_replay()
    standby.catch_up_with(primary)
    assert standby.ask("SELECT fact FROM facts", database=new_database) == [(1,)]


@pytest.mark.long
def test_frozen_server_takes_connections_and_answers_nothing_until_it_is_thawed(new_primary: PostgresServer) -> None:
    new_primary.freeze()
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        psycopg.connect(address_of(new_primary, connect_timeout="2"))
    new_primary.thaw()
    with psycopg.connect(address_of(new_primary)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (ROLE,)


@pytest.mark.long
def test_standby_takes_over_from_a_primary_that_was_killed(
    new_primary: PostgresServer, new_standby: PostgresServer
) -> None:
    new_primary.kill()
    with psycopg.connect(address_of(new_primary, new_standby)) as connection, pytest.raises(psycopg.InternalError):
        connection.execute("CREATE TABLE facts ()")
    new_standby.promote()
    with psycopg.connect(address_of(new_primary, new_standby, target_session_attrs="read-write")) as connection:
        connection.execute("CREATE TABLE facts ()")


def test_role_needs_its_password_also_on_the_socket(primary: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host=str(primary.directory), port=primary.port, user=ROLE, dbname=DATABASE, password="wrong")
    connected = psycopg.connect(
        host=str(primary.directory), port=primary.port, user=ROLE, dbname=DATABASE, password=PASSWORD
    )
    connected.close()


def test_pooler_gives_one_client_the_connection_of_another(pooler: PgBouncer) -> None:
    """What makes prepared statements, and settings of a session, unsafe through it."""
    address = address_of(pooler)
    with psycopg.connect(address, autocommit=True) as first, psycopg.connect(address, autocommit=True) as second:
        served = {
            connection.execute("SELECT pg_backend_pid()").fetchone() for connection in (first, second, first, second)
        }
    assert len(served) == 1
