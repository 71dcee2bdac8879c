"""Lines of tokens in every order of events: no code brings two, and none is ever half alive.

A machine does what clients, thieves and users do, and after each step asks the verifier about every token there was.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from tests.conftest import START, Clock
from tests.making import NOW
from tests.oauth_making import REDIRECT_URI, VERIFIER, add_client, agree
from tests.service.parts import Bench
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.codes import PresentedCode
from tokenry.domain.grants import PresentedRefresh
from tokenry.domain.oauth import (
    ACCESS_LIFETIME_SECONDS,
    CODE_LIFETIME_SECONDS,
    REFRESH_LIFETIME_SECONDS,
    OAuthError,
    OAuthRefusal,
)
from tokenry.domain.secrets import Peppers, Secret
from tokenry.service.grants.authorization_code import AuthorizationCodes
from tokenry.service.grants.ending import end_app
from tokenry.service.grants.issuing import Issued
from tokenry.service.grants.refresh import RefreshTokens
from tokenry.service.grants.revocation import ClientRevocations
from tokenry.service.transactions import Transactions
from tokenry.storage.schema import apps, oauth_grants
from tokenry.verification.verifier import Credentials, Verifier
from tokenry.wiring import credentials_of

PEPPERS = Peppers((bytes(32),))
ORIGIN = Origin("client:example")
SELDOM = st.sampled_from([False] * 4 + [True])


@dataclass
class Line:
    """What one code brought, as it ought to be."""

    live: bool = True
    access: list[tuple[Secret, float]] = field(default_factory=list)
    """Each with when it expires; those that were given back are gone."""
    refresh: list[tuple[Secret, float]] = field(default_factory=list)
    """In order: all but the last were used."""

    def add(self, issued: Issued, now: float) -> None:
        assert issued.refresh is not None
        self.access.append((issued.access, now + ACCESS_LIFETIME_SECONDS))
        self.refresh.append((issued.refresh, now + REFRESH_LIFETIME_SECONDS))


@dataclass
class Sent:
    """A code that was sent, and the line that it brought."""

    secret: Secret
    expires: float
    line: Line | None = None
    forgotten: bool = False


class Lines(RuleBasedStateMachine):
    """One client, with which a user deals; what stands here without a value is set by the test."""

    bench: Bench
    runner: asyncio.Runner
    credentials: Credentials

    @initialize()
    def begin(self) -> None:
        self.clock = Clock(START)
        self.verifier = Verifier(self.credentials, PEPPERS, self.clock)
        self.transactions = Transactions(self.bench.database, lambda: NOW + timedelta(seconds=self.clock() - START))
        self.client: Client = add_client(self.bench.database)
        self.thief: Client = add_client(self.bench.database)
        self.sent: list[Sent] = []
        self.given_back: list[Secret] = []
        self.user_agrees()
        self.use_code(self.sent[0])

    @rule()
    def user_agrees(self) -> None:
        code = agree(self.transactions, PEPPERS, self.client)
        self.sent.append(Sent(code, self.clock() + CODE_LIFETIME_SECONDS))

    @rule(data=st.data(), verifier=st.sampled_from([VERIFIER] * 4 + ["a" * 43]), stolen=SELDOM)
    def code_is_presented(self, data: st.DataObject, verifier: str, *, stolen: bool) -> None:
        self.use_code(data.draw(st.sampled_from(self.sent)), verifier, stolen=stolen)

    def use_code(self, sent: Sent, verifier: str = VERIFIER, *, stolen: bool = False) -> None:
        codes = AuthorizationCodes(self.transactions, PEPPERS)
        presented = PresentedCode(sent.secret.reveal(), REDIRECT_URI, verifier)
        told = attempt(lambda: codes.exchange_code(ORIGIN, self.thief if stolen else self.client, presented))
        if stolen or verifier != VERIFIER or sent.forgotten:
            assert told is OAuthError.INVALID_GRANT
        elif sent.line is not None:
            assert told is OAuthError.INVALID_GRANT
            sent.line.live = False
        elif self.clock() >= sent.expires:
            assert told is OAuthError.INVALID_GRANT
        else:
            assert isinstance(told, Issued)
            sent.line = Line()
            sent.line.add(told, self.clock())

    @rule(data=st.data(), times=st.integers(1, 3), stolen=SELDOM)
    def refresh_tokens_are_presented(self, data: st.DataObject, times: int, *, stolen: bool) -> None:
        for _ in range(times):
            found = self.draw_refresh_token(data)
            if found is not None:
                self.use_refresh_token(*found, stolen=stolen)

    def use_refresh_token(self, line: Line, secret: Secret, expires: float, *, stolen: bool) -> None:
        do = RefreshTokens(self.transactions, PEPPERS)
        presented = PresentedRefresh(secret.reveal())
        told = attempt(lambda: do.refresh(ORIGIN, self.thief if stolen else self.client, presented))
        if stolen or not line.live or self.clock() >= expires:
            assert told is OAuthError.INVALID_GRANT
        elif secret is not line.refresh[-1][0]:
            assert told is OAuthError.INVALID_GRANT
            line.live = False
        else:
            assert isinstance(told, Issued)
            line.add(told, self.clock())

    @rule(data=st.data())
    def refresh_token_is_given_back(self, data: st.DataObject) -> None:
        found = self.draw_refresh_token(data)
        if found is not None and data.draw(SELDOM):
            line, secret, _ = found
            told = ClientRevocations(self.transactions, PEPPERS).revoke_presented(ORIGIN, self.client, secret.reveal())
            assert told is line.live
            line.live = False

    @rule(data=st.data())
    def access_token_is_given_back(self, data: st.DataObject) -> None:
        lines = [line for line in self.lines() if line.access]
        if lines:
            line = data.draw(st.sampled_from(lines))
            secret, expires = line.access.pop(data.draw(st.integers(0, len(line.access) - 1)))
            told = ClientRevocations(self.transactions, PEPPERS).revoke_presented(ORIGIN, self.client, secret.reveal())
            assert told is (line.live and self.clock() < expires)
            self.given_back.append(secret)

    @rule(seldom=SELDOM)
    def user_turns_the_client_out(self, *, seldom: bool) -> None:
        if not seldom:
            return
        with self.transactions.change(ORIGIN) as change:
            live = (apps.c.oauth_client_id == self.client.id) & apps.c.ended_at.is_(None)
            app_id = change.connection.execute(select(apps.c.id).where(live)).scalar_one_or_none()
            if app_id is not None:
                end_app(change, app_id)
        for sent in self.sent:
            sent.forgotten = True
        for line in self.lines():
            line.live = False

    @rule(seconds=st.sampled_from([1] * 5 + [CODE_LIFETIME_SECONDS, ACCESS_LIFETIME_SECONDS, REFRESH_LIFETIME_SECONDS]))
    def time_passes(self, seconds: float) -> None:
        self.clock.seconds += seconds

    @invariant()
    def every_token_is_as_it_ought_to_be(self) -> None:
        for line in self.lines():
            for secret, expires in line.access:
                assert self.accepts(secret) is (line.live and self.clock() < expires)
        assert not any(map(self.accepts, self.given_back))

    @invariant()
    def no_code_brought_more_than_one_line(self) -> None:
        with self.bench.database.read() as connection:
            statement = select(func.count()).select_from(oauth_grants.join(apps))
            brought = connection.execute(statement.where(apps.c.oauth_client_id == self.client.id)).scalar_one()
        assert brought == len(self.lines())

    def lines(self) -> list[Line]:
        return [sent.line for sent in self.sent if sent.line is not None]

    def draw_refresh_token(self, data: st.DataObject) -> tuple[Line, Secret, float] | None:
        known = [(line, *each) for line in self.lines() for each in line.refresh]
        return data.draw(st.sampled_from(known)) if known else None

    def accepts(self, secret: Secret) -> bool:
        return self.runner.run(self.verifier.verify(f"Bearer {secret.reveal()}")).accepted


def attempt(act: Callable[[], Issued]) -> Issued | OAuthError:
    try:
        return act()
    except OAuthRefusal as refusal:
        return refusal.code


@pytest.fixture
def machine(bench: Bench) -> Iterator[type[Lines]]:
    with asyncio.Runner() as runner:
        credentials = credentials_of(bench.database)
        yield type("Lines", (Lines,), {"bench": bench, "runner": runner, "credentials": credentials})
        runner.run(credentials.close())


def run(machine: type[Lines], examples: int, steps: int) -> None:
    checks: Any = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None, suppress_health_check=checks
        ),
    )


def test_no_line_is_half_alive(machine: type[Lines]) -> None:
    run(machine, examples=15, steps=20)


@pytest.mark.long
def test_no_line_is_half_alive_in_any_order_of_events(machine: type[Lines]) -> None:
    run(machine, examples=150, steps=40)
