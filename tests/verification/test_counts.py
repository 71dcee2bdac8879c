"""What became of tokens, day by day: counted where it is decided, written down once a minute."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from tests.conftest import START, App, Clock
from tests.making import NOW, OPERATOR
from tests.verification.parts import ACTOR
from tokenry.domain.networks import ANYWHERE
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Secret
from tokenry.domain.tokens import NEVER_SECONDS
from tokenry.domain.usage import DAY_SECONDS, DAYS_KEPT, Result, day_of
from tokenry.service.installation import Installation
from tokenry.storage.database import Database
from tokenry.storage.schema import account_counts, asked_scopes, credentials, token_counts
from tokenry.storage.usage import OLD_DAYS, Count, add_counts
from tokenry.verification.cache import Known
from tokenry.verification.counts import Counts
from tokenry.verification.last_used import PRECISION_SECONDS
from tokenry.verification.needs import asked_by
from tokenry.verification.verifier import KnownPresenter
from tokenry.wiring import Deciding, begin_verification, open_installation

TODAY = day_of(START)
HERE = KnownPresenter("192.0.2.1")


@dataclass
class Deciders:
    """An installation with token 1, and what decides on it; a token may be asked for more than it may do."""

    installation: Installation
    verification: Deciding
    clock: Clock
    token: str

    async def ask(self, needed: str = "", text: str | None = None) -> None:
        await self.verification.verifier.verify(f"Bearer {text or self.token}", Scopes.parse(needed), HERE)

    async def count(self) -> set[tuple[object, ...]]:
        """What is written down a minute later, of token 1."""
        self.clock.seconds += PRECISION_SECONDS
        await self.verification.uses.flush()
        return counted(self.installation.database)


def counted(database: Database) -> set[tuple[object, ...]]:
    with database.read() as connection:
        return {tuple(row) for row in connection.execute(select(token_counts))}


@pytest.fixture
def deciders(app_on_each_engine: App) -> Iterator[Deciders]:
    app = app_on_each_engine
    installation = open_installation(app.settings, app.clock)
    yield Deciders(installation, begin_verification(installation, app.clock), app.clock, app.token)
    installation.database.close()


def test_each_use_is_counted_once(deciders: Deciders) -> None:
    async def use() -> None:
        for _ in range(3):
            await deciders.ask("linodes:read_only")
        assert await deciders.count() == {(1, TODAY, "accepted", 3)}
        await deciders.ask()
        assert await deciders.count() == {(1, TODAY, "accepted", 4)}
        await deciders.verification.close()

    asyncio.run(use())


def test_refusal_is_counted_by_its_reason(deciders: Deciders) -> None:
    async def be_refused() -> None:
        deciders.clock.seconds = NEVER_SECONDS
        for _ in range(2):
            await deciders.ask()
        assert await deciders.count() == {(1, TODAY, "expired", 2)}
        await deciders.verification.close()

    asyncio.run(be_refused())


def test_use_of_a_token_that_is_remembered_no_more_is_counted(deciders: Deciders) -> None:
    """On SQLite, another connection's change empties what is remembered."""

    async def use() -> None:
        await deciders.ask()
        await deciders.ask()
        deciders.installation.policies.set_policy(OPERATOR, lambda policy: replace(policy, tokens_per_user_max=9))
        await deciders.ask()
        assert await deciders.count() == {(1, TODAY, "accepted", 3)}
        await deciders.verification.close()

    asyncio.run(use())


def test_token_that_was_idle_is_counted_again(deciders: Deciders) -> None:
    async def use() -> None:
        for _ in range(2):
            await deciders.ask()
            for _ in range(3):
                await deciders.count()
        assert await deciders.count() == {(1, TODAY, "accepted", 2)}
        await deciders.verification.close()

    asyncio.run(use())


def test_asking_about_a_token_is_not_counted(deciders: Deciders) -> None:
    async def ask_about() -> None:
        await deciders.verification.verifier.without_uses().verify(f"Bearer {deciders.token}")
        await deciders.ask()
        await deciders.verification.verifier.without_uses().verify(f"Bearer {deciders.token}")
        assert await deciders.count() == {(1, TODAY, "accepted", 1)}
        await deciders.verification.close()

    asyncio.run(ask_about())


def test_day_begins_at_midnight(deciders: Deciders) -> None:
    async def use() -> None:
        deciders.clock.seconds = (TODAY + 1) * DAY_SECONDS - 1
        await deciders.ask()
        deciders.clock.seconds += 2
        await deciders.verification.uses.flush()
        await deciders.ask()
        assert await deciders.count() == {(1, TODAY, "accepted", 1), (1, TODAY + 1, "accepted", 1)}
        await deciders.verification.close()

    asyncio.run(use())


def test_token_that_nobody_stored_counts_for_no_account(deciders: Deciders) -> None:
    async def present() -> None:
        await deciders.ask(text=Secret.generate().reveal())
        await deciders.count()
        await deciders.verification.close()
        with deciders.installation.database.read() as connection:
            rows = connection.execute(select(account_counts).where(account_counts.c.account_id == 0)).all()
        assert [tuple(row) for row in rows] == [(0, TODAY, "unknown", 1)]

    asyncio.run(present())


def test_access_token_counts_for_its_account_alone() -> None:
    counts = Counts()
    counts.add(ACTOR._replace(client_id="client"), Result.EXPIRED)
    counts.gather(TODAY, START)
    assert counts.counts.take() == [Count(0, 1, TODAY, "expired", 1)]


def test_what_is_refused_after_all_was_not_accepted() -> None:
    counts = Counts()
    counts.look_at(accepted := Known(b"f", ACTOR, ANYWHERE))
    accepted.accepted += 1
    counts.look_at(accepted)
    counts.add(ACTOR, Result.ACCEPTED, -1)
    counts.add(ACTOR, Result.LIMIT)
    counts.gather(TODAY, START)
    assert [(count.result, count.number) for count in counts.counts.take()] == [("limit", 1)]


def test_what_could_not_be_written_is_taken_again_and_what_came_meanwhile_after_it() -> None:
    counts = Counts()
    for _ in range(2):
        counts.add(ACTOR, Result.EXPIRED)
        counts.gather(TODAY, START)
        taken = counts.counts.take()
        assert taken == [Count(7, 1, TODAY, "expired", 1)]
    counts.counts.forget(taken)
    assert counts.counts.take() == [Count(7, 1, TODAY, "expired", 1)]


@pytest.mark.parametrize("cost", [0, 1])
@pytest.mark.parametrize("turn", [1, -1])
def test_what_is_asked_for_in_turns_is_noted_each_day(deciders: Deciders, cost: int, turn: int) -> None:
    scopes = ["linodes:read_only", "domains:read_only"]
    needed = [Scopes.parse(scopes[0]), asked_by("", Scopes.parse(scopes[1]), cost=cost)]
    with deciders.installation.database.write() as change:
        change.execute(credentials.update().values(requests_per_minute=100))

    async def ask_for(asked: Sequence[Scopes]) -> None:
        for _ in range(2):
            for each in asked:
                await deciders.verification.verifier.verify(f"Bearer {deciders.token}", each, HERE)

    async def use() -> set[tuple[object, ...]]:
        await ask_for(needed)
        deciders.clock.seconds += DAY_SECONDS
        await deciders.verification.uses.flush()
        await ask_for(needed[::turn])
        await deciders.count()
        await deciders.verification.close()
        with deciders.installation.database.read() as connection:
            return {tuple(row) for row in connection.execute(select(asked_scopes))}

    assert asyncio.run(use()) == {(1, scope, TODAY + 1) for scope in scopes}


def test_names_of_instances_that_requests_bring_are_told_of_none() -> None:
    """Else a client could have a row written for each that it makes up."""
    scopes = Scopes.parse("messages:read files:read@team-7")
    known = Known(b"f", ACTOR._replace(scopes=scopes), ANYWHERE)
    known.watched = Scopes.parse("files:read@team-7")
    counts = Counts()
    counts.look_at(known)
    for number in range(1000):
        asked = Scopes.parse(f"messages:read@x{number} files:read@team-7")
        counts.ask(known, asked)
        counts.watch(known, asked, None)
    counts.gather(TODAY, START)
    assert {row.scope for row in counts.asked.take()} == {"messages:read", "files:read@team-7"}
    assert [(row.scope, row.number) for row in counts.would_be.take()] == [("messages:read", 1000)]


def test_counts_are_kept_for_ninety_days(deciders: Deciders) -> None:
    today = day_of(NOW.timestamp())
    rows = [Count(1, 1, today - age, "accepted", 1) for age in (0, DAYS_KEPT - 1, DAYS_KEPT, DAYS_KEPT + 1)]
    with deciders.installation.database.write() as connection:
        add_counts(connection, rows)
        deleted = [delete_old(connection, NOW) for delete_old in OLD_DAYS[:2]]
    assert deleted == [2, 2]
    assert {row[1] for row in counted(deciders.installation.database)} == {today, today - DAYS_KEPT + 1}
