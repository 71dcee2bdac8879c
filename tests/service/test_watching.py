"""Keeping tokens to fewer scopes: watched without refusing, then refused at once by whoever remembers them."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import App
from tests.making import OPERATOR
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.checks import Denial
from tokenry.domain.errors import Conflict, Forbidden, Invalid, NotFound
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NewToken
from tokenry.service.installation import Installation
from tokenry.storage.audit import list_events
from tokenry.verification.last_used import PRECISION_SECONDS
from tokenry.verification.verifier import KnownPresenter
from tokenry.wiring import Deciding, begin_verification, open_installation

READS, WRITES = Scopes.parse("linodes:read_only"), Scopes.parse("linodes:read_write")


@dataclass
class Case:
    """An administrator, and another user's token, which somebody decides on."""

    do: Installation
    deciding: Deciding
    app: App
    origin: Origin
    token_id: int
    text: str
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    """On one event loop: connections are of one."""

    @property
    def admin(self) -> Actor:
        assert self.origin.actor is not None
        return self.origin.actor

    async def ask(self, needed: Scopes) -> Denial | None:
        client = KnownPresenter("192.0.2.1")
        return (await self.deciding.verifier.verify(f"Bearer {self.text}", needed, client)).denial

    async def wait(self) -> None:
        self.app.clock.seconds += PRECISION_SECONDS
        await self.deciding.uses.flush()


@pytest.fixture
def case(app_on_each_engine: App) -> Iterator[Case]:
    app = app_on_each_engine
    do = open_installation(app.settings, app.clock)
    deciding = begin_verification(do, app.clock)
    do.users.create_user(OPERATOR, username="ada", admin=False)
    token, secret = do.tokens.create_token_for(OPERATOR, "ada", NewToken(scopes="linodes:read_write volumes:read_only"))
    with asyncio.Runner() as runner:
        found = runner.run(deciding.verifier.verify(f"Bearer {app.token}")).actor
        assert found is not None
        yield Case(do, deciding, app, Origin.of(found), token.id, secret.reveal(), runner.run)
        runner.run(deciding.close())


def test_watched_token_may_do_what_it_may_and_would_be_refusals_are_listed(case: Case) -> None:
    async def use() -> None:
        case.do.watching.watch_token(case.origin, case.token_id, "linodes:read_only")
        assert [await case.ask(needed) for needed in (READS, WRITES, READS, WRITES, WRITES)] == [None] * 5
        await case.wait()
        await case.ask(WRITES)
        await case.wait()

    case.run(use())
    [refusal] = case.do.watching.get_watch(case.admin, case.token_id).refusals
    assert (refusal.scope, refusal.number, refusal.address) == ("linodes:read_write", 4, "192.0.2.1")


def test_narrowed_token_is_refused_at_once_where_it_is_remembered(case: Case) -> None:
    async def use() -> None:
        assert await case.ask(WRITES) is None
        case.do.watching.watch_token(case.origin, case.token_id, "linodes:read_only")
        assert await case.ask(WRITES) is None
        case.do.watching.narrow_token(case.origin, case.token_id, "linodes:read_only")
        assert await case.ask(WRITES) is Denial.INSUFFICIENT_SCOPE
        assert await case.ask(READS) is None

    case.run(use())
    with case.do.database.read() as connection:
        events = list_events(connection, limit=2)
    assert [event.action for event in events] == ["token.narrow", "token.watch"]


def test_token_that_is_watched_no_more_keeps_its_scopes(case: Case) -> None:
    case.do.watching.watch_token(case.origin, case.token_id, "linodes:read_only")
    case.do.watching.unwatch_token(case.origin, case.token_id)
    assert case.run(case.ask(WRITES)) is None
    with pytest.raises(NotFound):
        case.do.watching.narrow_token(case.origin, case.token_id)


def test_scopes_that_are_not_fewer_are_refused(case: Case) -> None:
    for scopes in ("linodes:read_write volumes:read_only", "account:read_only", "*", "", "nothing:x"):
        with pytest.raises(Invalid):
            case.do.watching.watch_token(case.origin, case.token_id, scopes)


@pytest.mark.parametrize("expected", ["volumes:read_only", "", "*", "???", "\0", "\udc80"])
def test_token_is_not_narrowed_to_what_nobody_expects(case: Case, expected: str) -> None:
    case.do.watching.watch_token(case.origin, case.token_id, "linodes:read_only")
    with pytest.raises(Conflict):
        case.do.watching.narrow_token(case.origin, case.token_id, expected)
    assert case.run(case.ask(WRITES)) is None


def test_only_administrators_watch(case: Case) -> None:
    ada = case.run(case.deciding.verifier.verify(f"Bearer {case.text}")).actor
    assert ada is not None
    with pytest.raises(Forbidden):
        case.do.watching.watch_token(Origin.of(ada), case.token_id, "linodes:read_only")


def test_acting_token_that_was_narrowed_gives_no_more_than_it_has_left(case: Case) -> None:
    actor = case.run(case.deciding.verifier.verify(f"Bearer {case.text}")).actor
    assert actor is not None
    case.do.watching.watch_token(case.origin, case.token_id, "linodes:read_only")
    case.do.watching.narrow_token(case.origin, case.token_id)
    token, _ = case.do.tokens.create_token(Origin.of(actor), NewToken())
    assert str(token.scopes) == "linodes:read_only"


def test_advice_is_by_what_was_asked_for_in_thirty_days(case: Case) -> None:
    async def use() -> None:
        for _ in range(31):
            await case.ask(READS)
            await case.wait()
            case.app.clock.seconds += 86400

    case.run(use())
    advice = case.do.activity.advise(case.admin, case.token_id)
    assert [(use.scope, use.asked is not None) for use in advice.scopes] == [
        ("linodes:read_write", True),
        ("volumes:read_only", False),
    ]
    assert str(advice.sufficient) == "linodes:read_only"


def test_revoked_token_that_is_presented_again_is_noted_once_a_day(case: Case) -> None:
    case.do.tokens.revoke_any_token(OPERATOR, case.token_id)
    began = case.do.transactions.now()

    async def present() -> None:
        for _ in range(3):
            await case.ask(READS)
            await case.wait()

    case.run(present())
    [use] = case.do.activity.list_own_revoked_uses(case.admin, began)
    assert (use.token_id, use.address, use.first, use.last) == (case.token_id, "192.0.2.1", began, began)
