"""Whatever two do at once on PostgreSQL, they never wait for each other in a circle: locks are taken in one order.

SQLite has one writer, and nothing to wait for in a circle.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations_with_replacement, islice
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest
from sqlalchemy import URL

from tests.changes import (
    BEFORE_THE_START,
    BEFOREHAND,
    CHANGES,
    DONE_ONCE,
    Case,
    Layout,
    Place,
    lay_out,
    limit_lifetime,
    writing_functions,
)
from tests.circles import CIRCLES
from tests.conftest import Clock
from tests.contention import Lock, contend, contended, watching
from tests.lockstep import After, Choose, Lockstep, in_turn, named
from tests.making import OPERATOR
from tests.servers import wait_until
from tokenry.domain.clients import Client
from tokenry.domain.errors import Refusal, Unavailable
from tokenry.domain.oauth import OAuthRefusal
from tokenry.domain.users import User
from tokenry.service.grants import refresh
from tokenry.service.grants.issuing import keep_parties
from tokenry.service.installation import Installation
from tokenry.service.transactions import Change
from tokenry.settings import Settings
from tokenry.storage.deadline import within
from tokenry.storage.grants import lock_app
from tokenry.wiring import begin, open_installation, prepare

UseCase: TypeAlias = Callable[[Case], object]
Pair: TypeAlias = tuple[str, str]
PAIRS = list(combinations_with_replacement(sorted(CHANGES), 2))
SECONDS_MAX = 20
ALL = 1000
"""More statements than any has."""
RENAMED = {(name, "Users.update_user"): [[False, False]] for name in ("Users.delete_user", "Users.update_user")}
"""Whoever is looked for by a name is still the one that was meant when the other has given them another name."""
IN_PIECES = "Leaks._revoke"
"""A report revokes each of its tokens in a transaction of its own: the other may come between two of them."""
WAITS = "DeviceCodes._exchange"
"""A device has nothing before its user has decided; each other use case is done where nobody is in its way."""
REFRESH = "RefreshTokens._refresh"
STEPS_APART = 3
"""Where the one is stopped: after every statement it takes three times as long."""


@dataclass
class Two:
    """An installation as two processes have it, that go in step."""

    installations: Sequence[Installation]
    lockstep: Lockstep
    watcher: psycopg.Connection
    changes: Mapping[str, UseCase] = field(default_factory=lambda: CHANGES)

    def act(self, pair: Pair, place: Place, layout: Layout, choose: Choose) -> list[object]:
        """Let each do its part; what became of both."""
        cases = [Case(self.installations[side], place, layout, side) for side in range(2)]
        for name, case in zip(pair, cases, strict=True):
            prepare_case(name, case)

        def act(name: str, case: Case) -> object:
            with within(SECONDS_MAX):
                return self.changes[name](case)

        return self.lockstep.run(list(map(partial(partial, act), pair, cases)), choose)

    def deadlocks(self) -> int:
        """How many transactions the server has had to break up. Sessions tell it at the latest when they end.

        They end after their clients have said goodbye, and tell it before they are gone.
        """
        for installation in self.installations:
            installation.database.close()
        wait_until(lambda: not self._sessions(), SECONDS_MAX, "sessions do not end")
        row = self.watcher.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
        assert row is not None
        return int(row[0])

    def _sessions(self) -> Sequence[tuple[object, ...]]:
        return self.watcher.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()


@pytest.fixture
def two(tmp_path: Path, new_postgres_database: URL) -> Iterator[Two]:
    url = new_postgres_database.render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as watcher:
        watcher.execute(f"ALTER DATABASE {new_postgres_database.database} SET deadlock_timeout = '20ms'")
        settings = Settings(data_dir=tmp_path / "data", database_url=url, allowed_origins="https://app.example")
        prepare(settings)
        with ExitStack() as stack:
            installations = [open_installation(settings, Clock()) for _ in range(2)]
            for installation in installations:
                stack.enter_context(closing(installation.database))
            begin(installations[0], lambda secret: None)
            limit_lifetime(installations[0])
            lockstep = Lockstep([each.database for each in installations], watcher)
            yield Two(installations, lockstep, watcher)


def prepare_case(name: str, case: Case) -> None:
    """Do what has been done by the time somebody does this."""
    if name in BEFOREHAND:
        BEFOREHAND[name](case)


def limit_tokens(installation: Installation) -> None:
    """Have tokens counted, for which creations take another lock."""
    installation.policies.set_policy(OPERATOR, lambda policy: replace(policy, tokens_per_user_max=1000))


def assert_explained(two: Two, told: Sequence[object], what: object) -> None:
    """Neither had to be broken up, and each was done or refused, but for the reason that it did not get its turn."""
    assert two.lockstep.broken_up == [], what
    for one in told:
        assert not isinstance(one, Exception) or (isinstance(one, Refusal) and not isinstance(one, Unavailable)), what


def contending_pairs(two: Two, places: Iterator[Place]) -> Sequence[Pair]:
    """One of each kind of pairs that may wait for each other: for the same things, locked in the same order."""
    locks = {name: locks_of(two, name, places) for name in two.changes}
    kinds: dict[frozenset[tuple[Lock, ...]], Pair] = {}
    for pair in combinations_with_replacement(sorted(two.changes), 2):
        one, other = map(locks.__getitem__, pair)
        if contend(one, other):
            kinds.setdefault(frozenset((contended(one, other), contended(other, one))), pair)
    return list(kinds.values())


def locks_of(two: Two, name: str, places: Iterator[Place]) -> tuple[Lock, ...]:
    """What a use case locks, in this order, when either side does it and nobody is in its way."""
    installation = two.installations[0]
    cases = [Case(installation, next(places), Layout.ONE_USER, side) for side in range(2)]
    for case in cases:
        prepare_case(name, case)
    with watching(installation.database.engine, two.watcher) as watched:
        for case in cases:
            with suppress(OAuthRefusal) if name == WAITS else nullcontext():
                two.changes[name](case)
    assert watched.written == watched.named, name
    return tuple(watched.locks)


def each_in_turn(
    two: Two, pairs: Sequence[Pair], places: Iterator[Place]
) -> Iterator[tuple[tuple[Pair, Layout], Sequence[object]]]:
    """Let each pair act, one statement of the one, one of the other: which, and who they were; what became of both."""
    for number, pair in enumerate(pairs):
        if number == len(pairs) // 2:
            limit_tokens(two.installations[0])
        layout = list(Layout)[number % len(Layout)]
        yield (pair, layout), two.act(pair, next(places), layout, in_turn())


def circles(two: Two, places: Iterator[Place]) -> set[Pair]:
    """Those of the pairs that `make test` does in which the one waited for the other, and that for the one."""
    done = each_in_turn(two, contending_pairs(two, places), places)
    return {pair for (pair, _), _ in done if two.lockstep.broken_up}


def test_every_use_case_that_writes_is_among_those_that_are_paired() -> None:
    assert set(CHANGES) == writing_functions().keys() - BEFORE_THE_START


def test_every_use_case_that_writes_is_done_again_when_another_was_in_the_way() -> None:
    once = {name for name, again in writing_functions().items() if not again}
    assert once == DONE_ONCE | BEFORE_THE_START


@pytest.mark.parametrize("all_pairs", [False, pytest.param(True, marks=pytest.mark.long)])
def test_no_two_changes_wait_for_each_other(two: Two, *, all_pairs: bool) -> None:
    """One statement of the one, one of the other; who they are goes by the pair.

    `make test-long` does all pairs. `make test` leaves out those that hold no rows for which the one could wait for the
    other, and of those that lock the same tables in the same way and order, as the same use case for an operator and
    for an administrator, has one stand for all.
    """
    places = lay_out(two.installations[0])
    pairs = PAIRS if all_pairs else contending_pairs(two, places)
    for what, told in each_in_turn(two, pairs, places):
        assert_explained(two, told, what)
    assert two.deadlocks() == 0


def test_changes_that_lock_the_same_in_another_order_are_found_out(two: Two) -> None:
    two.changes = {name: change for pair, both in CIRCLES.items() for name, change in zip(pair, both, strict=True)}
    assert circles(two, lay_out(two.installations[0])) == CIRCLES.keys()
    assert two.deadlocks() == len(CIRCLES)


def test_refresh_that_locks_its_app_before_it_keeps_its_user_is_found_out(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lock_app_first(change: Change, user_id: int, client: Client) -> User:
        lock_app(change.connection, user_id=user_id, oauth_client_id=client.id)
        return keep_parties(change, user_id, client)

    places = lay_out(two.installations[0])
    two.changes = {name: CHANGES[name] for name in (REFRESH, "Users._set_disabled", "Users.delete_user")}
    assert circles(two, places) == set()
    monkeypatch.setattr(refresh, "keep_parties", lock_app_first)
    found = circles(two, places)
    assert found
    assert all(REFRESH in pair for pair in found)


def test_of_two_tokens_that_revoke_each_other_one_is_refused(two: Two) -> None:
    for place in islice(lay_out(two.installations[0]), 5):
        told = two.act(("Tokens.revoke_token", "Tokens.revoke_token"), place, Layout.ONE_USER, in_turn())
        assert [named(each) for each in told] == ["done", "Unauthorized"]


@pytest.mark.long
@pytest.mark.parametrize("layout", Layout)
def test_of_two_changes_one_of_which_is_stopped_half_way_both_end_as_one_after_the_other(
    two: Two, layout: Layout
) -> None:
    """One goes so far, then the other as far as it can, then the first again: what comes of it has an order.

    Who they are, which is stopped, and after which statements, goes by the pair.
    """
    places = lay_out(two.installations[0])
    for number, pair in list(enumerate(PAIRS))[list(Layout).index(layout) :: len(Layout)]:
        one_by_one = [refused(two.act(pair, next(places), layout, After(ALL, side))) for side in range(2)]
        for steps in range(1 + number // len(Layout) % STEPS_APART, ALL, STEPS_APART):
            choose = After(steps, number % 2)
            told = two.act(pair, next(places), layout, choose)
            assert_explained(two, told, (pair, steps))
            between = [[False, False]] if IN_PIECES in pair else []
            assert refused(told) in [*one_by_one, *RENAMED.get(pair, ()), *between], (pair, steps, told)
            if choose.exceeded:
                break
    assert two.deadlocks() == 0


def refused(told: Sequence[object]) -> list[bool]:
    """Who was refused; the reasons may differ where both were under way."""
    return [isinstance(each, Refusal) for each in told]
