"""Look-ups in PostgreSQL: many in one statement, each as new as the call, and one lost connection forgiven."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from sqlalchemy import URL, make_url, text

from tests.making import NOW
from tests.verification.stored import STORED, add_stored, add_user
from tokenry.domain.errors import SetupError, Unavailable
from tokenry.storage.credentials import Credential
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.tokens import revoke_token
from tokenry.verification import postgres
from tokenry.verification.lookups import Answered, Line, open_line
from tokenry.verification.postgres import BATCH_LOOKUPS_MAX, PROBE_SECONDS, PostgresCredentials

ResultT = TypeVar("ResultT")
PREVIEWS = [f"pat_{number:012}" for number in range(5)]
LOCKED_SECONDS = 3.2
"""Long enough for a second attempt to begin before the first has ended, if that did not end by itself."""
NOWHERE = make_url("postgresql://nobody@127.0.0.1:1/nothing")


@pytest.fixture
def database(migrated_postgres_database: URL) -> Iterator[Database]:
    """A database with a token for each of PREVIEWS, with ids from 1."""
    database = Database(migrated_postgres_database.set(drivername="postgresql+psycopg"), timeout=TIMEOUT_SECONDS)
    with database.write() as connection:
        add_user(connection)
        for preview in PREVIEWS:
            add_stored(connection, preview)
    yield database
    database.close()


def with_credentials(url: URL, use: Callable[[PostgresCredentials], Awaitable[ResultT]]) -> ResultT:
    async def run() -> ResultT:
        credentials = PostgresCredentials(url)
        try:
            async with asyncio.timeout(10):
                return await use(credentials)
        finally:
            await credentials.close()

    return asyncio.run(run())


def ids(found: list[Credential | None]) -> list[int | None]:
    return [None if credential is None else credential.token_id for credential in found]


def end_other_connections(database: Database) -> int:
    """End every connection to the database but the one that asks; how many there were."""
    with database.write() as connection:
        ended: int = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    return ended


def test_found_credential_tells_all_that_is_stored(database: Database) -> None:
    found = with_credentials(database.url, lambda credentials: credentials.find(PREVIEWS[0]))
    assert found == STORED._replace(preview=PREVIEWS[0])


def test_look_ups_that_arrive_together_each_get_their_own_answer(database: Database) -> None:
    async def find(credentials: PostgresCredentials) -> list[int | None]:
        asked = [PREVIEWS[2], "pat_none", PREVIEWS[0], PREVIEWS[2], "", PREVIEWS[4]]
        return ids(await asyncio.gather(*(credentials.find(preview) for preview in asked)))

    assert with_credentials(database.url, find) == [3, None, 1, 3, None, 5]


def test_look_ups_that_arrive_together_go_in_one_statement(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = count_statements(monkeypatch)

    async def find(credentials: PostgresCredentials) -> None:
        await asyncio.gather(*(credentials.find(f"{number}") for number in range(500)))

    with_credentials(database.url, find)
    assert sent == [500]


def test_look_ups_that_arrive_during_a_statement_wait_for_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = count_statements(monkeypatch)

    async def find(credentials: PostgresCredentials) -> None:
        await credentials.find("connect")
        first = asyncio.create_task(credentials.find("first"))
        await turns_until(lambda: len(sent) == 2)
        await asyncio.gather(first, *(credentials.find(f"{number}") for number in range(20)))

    with_credentials(database.url, find)
    assert sent == [1, 1, 20]


def test_a_flood_is_cut_into_batches_and_all_of_it_answered(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = count_statements(monkeypatch)

    async def find(credentials: PostgresCredentials) -> list[Credential | None]:
        asked = [f"{number}" for number in range(2 * BATCH_LOOKUPS_MAX)] + PREVIEWS
        return await asyncio.gather(*(credentials.find(preview) for preview in asked))

    found = with_credentials(database.url, find)
    assert sorted(sent) == [5, BATCH_LOOKUPS_MAX, BATCH_LOOKUPS_MAX]
    assert ids(found)[-5:] == [1, 2, 3, 4, 5]


def count_statements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the number of look-ups of each statement as it is sent."""
    sent: list[int] = []
    ask = Line.ask

    def noting(self: Line, previews: list[str], answered: Answered) -> None:
        sent.append(len(previews))
        ask(self, previews, answered)

    monkeypatch.setattr(Line, "ask", noting)
    return sent


async def turns_until(true: Callable[[], bool]) -> None:
    """Let other tasks run, a turn of the event loop at a time, until something is true."""
    for _ in range(100):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came true")


def test_revocation_by_another_connection_is_seen_by_the_next_look_up(database: Database) -> None:
    async def find(credentials: PostgresCredentials) -> list[int | None]:
        before = await credentials.find(PREVIEWS[0])
        with database.write() as connection:
            revoke_token(connection, 1, now=NOW, revoked_by="ada")
        return ids([before, await credentials.find(PREVIEWS[0])])

    assert with_credentials(database.url, find) == [1, None]


def test_look_up_of_a_token_does_not_share_the_answer_of_an_earlier_call(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first statement is under way when the token is revoked; whoever asks afterwards must not get its answer."""
    sent = count_statements(monkeypatch)

    async def find(credentials: PostgresCredentials) -> int | None:
        await credentials.find("connect")
        first = asyncio.create_task(credentials.find(PREVIEWS[0]))
        await turns_until(lambda: len(sent) == 2)
        with database.write() as connection:
            revoke_token(connection, 1, now=NOW, revoked_by="ada")
        second = await credentials.find(PREVIEWS[0])
        await first
        return None if second is None else second.token_id

    assert with_credentials(database.url, find) is None


def test_lost_connection_is_opened_again(database: Database) -> None:
    async def find(credentials: PostgresCredentials) -> tuple[int, list[int | None]]:
        await credentials.find(PREVIEWS[0])
        ended = end_other_connections(database)
        return ended, ids(await asyncio.gather(*(credentials.find(preview) for preview in PREVIEWS)))

    assert with_credentials(database.url, find) == (1, [1, 2, 3, 4, 5])


def test_failure_that_nobody_foresaw_reaches_whoever_waits(database: Database) -> None:
    async def find(credentials: PostgresCredentials) -> None:
        await credentials.find(PREVIEWS[0])
        with database.write() as connection:
            connection.execute(text("DROP TABLE credentials"))
        await credentials.find(PREVIEWS[0])

    with pytest.raises(psycopg.errors.UndefinedTable):
        with_credentials(database.url, find)


def test_server_that_is_not_there_is_unavailable_to_everybody_waiting() -> None:
    async def find(credentials: PostgresCredentials) -> list[type]:
        answers = await asyncio.gather(*(credentials.find(preview) for preview in PREVIEWS), return_exceptions=True)
        return [type(answer) for answer in answers]

    assert with_credentials(NOWHERE, find) == [Unavailable] * len(PREVIEWS)


def test_server_that_was_not_there_is_asked_again_by_the_next_look_up(database: Database, postgres: URL) -> None:
    def allow(connections: str) -> None:
        server = Database(postgres.set(drivername="postgresql+psycopg"), timeout=TIMEOUT_SECONDS)
        with server.write() as connection:
            connection.execute(text(f"ALTER DATABASE {database.url.database} ALLOW_CONNECTIONS {connections}"))
        server.close()

    async def find(credentials: PostgresCredentials) -> int | None:
        allow("false")
        with pytest.raises(Unavailable):
            await credentials.find(PREVIEWS[0])
        allow("true")
        await asyncio.sleep(2 * PROBE_SECONDS)
        found = await credentials.find(PREVIEWS[0])
        return None if found is None else found.token_id

    assert with_credentials(database.url, find) == 1


def test_look_up_that_is_cancelled_does_not_hurt_the_others(database: Database) -> None:
    async def find(credentials: PostgresCredentials) -> list[int | None]:
        tasks = [asyncio.create_task(credentials.find(preview)) for preview in PREVIEWS]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[3].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        return ids([answer for answer in found if not isinstance(answer, BaseException)])

    assert with_credentials(database.url, find) == [2, 3, 5]


def test_cancelled_look_up_leaves_another_of_the_same_token_waiting(database: Database) -> None:
    async def find(credentials: PostgresCredentials) -> int | None:
        cancelled, kept = (asyncio.create_task(credentials.find(PREVIEWS[0])) for _ in range(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        found = await kept
        return None if found is None else found.token_id

    assert with_credentials(database.url, find) == 1


def test_cancelled_look_up_does_not_hurt_when_the_server_is_not_there() -> None:
    async def find(credentials: PostgresCredentials) -> list[type]:
        tasks = [asyncio.create_task(credentials.find(preview)) for preview in PREVIEWS[:2]]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return [type(answer) for answer in await asyncio.gather(*tasks, return_exceptions=True)]

    assert with_credentials(NOWHERE, find) == [asyncio.CancelledError, Unavailable]


def test_closing_waits_for_what_is_under_way(database: Database) -> None:
    async def find() -> list[int | None]:
        credentials = PostgresCredentials(database.url)
        waiting = asyncio.create_task(credentials.find(PREVIEWS[1]))
        await asyncio.sleep(0)
        await credentials.close()
        return ids([await waiting])

    assert asyncio.run(find()) == [2]


@pytest.mark.parametrize("parameter", ["connect_timeout", "keepalives", "application_name"])
def test_parameter_of_the_address_is_refused_or_does_not_stop_look_ups(
    database: Database, tmp_path: Path, parameter: str
) -> None:
    """One address is for two drivers: what one takes, the other must not stumble over once the service runs."""
    address = database.url.update_query_dict({parameter: "5"}).render_as_string(hide_password=False)
    with suppress(SetupError):
        url = database_url(address, tmp_path)
        assert with_credentials(url, lambda credentials: credentials.find(PREVIEWS[0])) is not None


def test_server_whose_table_is_locked_keeps_no_question_that_was_given_up(database: Database) -> None:
    """Each attempt would leave a process of the server behind, until there is no connection left for anybody."""

    async def find(credentials: PostgresCredentials) -> int:
        await credentials.find(PREVIEWS[0])
        with database.write() as connection:
            connection.execute(text("LOCK TABLE credentials IN ACCESS EXCLUSIVE MODE"))
            with pytest.raises(Unavailable):
                await credentials.find(PREVIEWS[0])
            await asyncio.sleep(LOCKED_SECONDS)
            with pytest.raises(Unavailable) as refused:
                await credentials.find(PREVIEWS[0])
            assert (refused.value.reason, refused.value.private) == ("it does not answer", False)
            waiting = text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
            )
            waiters: int = connection.execute(waiting).scalar_one() - 1
        return waiters

    assert with_credentials(database.url, find) <= 1


def test_connection_that_stands_still_takes_none_with_it_that_answers(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, sent = count_openings(monkeypatch), count_statements(monkeypatch)

    async def find(credentials: PostgresCredentials) -> tuple[int | None, int]:
        await credentials.find(PREVIEWS[0])
        [process] = processes_of_look_ups(database)
        os.kill(process, signal.SIGSTOP)
        try:
            silent = asyncio.create_task(credentials.find(PREVIEWS[1]))
            await turns_until(lambda: len(sent) == 2)
            while not silent.done():  # as with any other requests meanwhile
                await credentials.find(PREVIEWS[2])
                await asyncio.sleep(0.05)
            with pytest.raises(Unavailable):
                await silent
            found = await credentials.find(PREVIEWS[3])
        finally:
            os.kill(process, signal.SIGCONT)
        return None if found is None else found.token_id, len(opened)

    assert with_credentials(database.url, find) == (4, 2)


def processes_of_look_ups(database: Database) -> list[int]:
    """The server's processes of connections that look up, or are ready to."""
    statement = text(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%unfit%' "
        "AND pid <> pg_backend_pid()"
    )
    with database.read() as connection:
        return [row.pid for row in connection.execute(statement)]


def count_openings(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """Note each connection as it has been opened."""
    opened: list[Line] = []

    async def noting(url: URL, *, seconds: float) -> Line:
        opened.append(await open_line(url, seconds=seconds))
        return opened[-1]

    monkeypatch.setattr(postgres, "open_line", noting)
    return opened


def test_attempt_that_fails_oddly_is_followed_by_another(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the system has no thread to resolve a name in, for instance."""
    opened = open_line
    tries: list[str] = []

    async def fail_first(url: URL, *, seconds: float) -> Line:
        tries.append("")
        if len(tries) == 1:
            raise RuntimeError("can't start new thread")
        return await opened(url, seconds=seconds)

    monkeypatch.setattr(postgres, "open_line", fail_first)

    async def find(credentials: PostgresCredentials) -> int | None:
        with pytest.raises(Unavailable):
            await credentials.find(PREVIEWS[0])
        await asyncio.sleep(2 * PROBE_SECONDS)
        found = await credentials.find(PREVIEWS[0])
        return None if found is None else found.token_id

    assert with_credentials(database.url, find) == 1
