"""Whatever is done to tokens in whatever order, each secret ever handed out opens exactly when the rules say so.

A model keeps the rules in the simplest words; the service, the storage and the verifier are the real ones.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from tests.conftest import Clock
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Conflict, NotFound
from tokenry.domain.rotation import NewRotation
from tokenry.domain.secrets import Peppers, Secret
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.service.accounts import Accounts
from tokenry.service.installation import begin_installation
from tokenry.service.rotation import Rotations
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.schema import credentials
from tokenry.verification.cache import Cache
from tokenry.verification.last_used import Uses
from tokenry.verification.verifier import Verifier
from tokenry.wiring import credentials_of

PEPPERS = Peppers((bytes(32),))
GRACES = st.sampled_from([0, 60])


@dataclass
class Service:
    """The real thing, on a clock that the test moves."""

    database: Database
    clock: Clock
    runner: asyncio.Runner
    first: Secret

    def __post_init__(self) -> None:
        transactions = Transactions(self.database, self.now)
        self.tokens = Tokens(transactions, PEPPERS, default_catalogue())
        self.rotations = Rotations(transactions, PEPPERS)
        credentials = credentials_of(self.database)
        self.verifier = Verifier(credentials, PEPPERS, self.clock, cache=self.cache())
        self.uses = Uses(self.database)
        self.gateway = Verifier(credentials, PEPPERS, self.clock, cache=self.cache(), uses=self.uses)

    def cache(self) -> Cache | None:
        """What a worker has."""
        return Cache(self.database.epoch.changed) if self.database.is_sqlite else None

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def actor(self, secret: Secret) -> Actor | None:
        """Who is behind a secret, by the verifier's word; None if it opens nothing. Counts as no use."""
        return self.runner.run(self.verifier.verify(f"Bearer {secret.reveal()}")).actor

    def use(self, secret: Secret) -> bool:
        """Present a secret; whether it is let in."""
        return self.runner.run(self.gateway.verify(f"Bearer {secret.reveal()}")).actor is not None


@pytest.fixture
def service(database: Database, clock: Clock) -> Iterator[Service]:
    transactions = Transactions(database, lambda: datetime.fromtimestamp(clock(), UTC))
    tokens = Tokens(transactions, PEPPERS, default_catalogue())
    first = begin_installation(transactions, Accounts(transactions), tokens, lambda secret: None)
    assert first is not None
    with asyncio.Runner() as runner:
        service = Service(database, clock, runner, first)
        yield service
        runner.run(service.verifier._credentials.close())


@dataclass
class Model:
    """One token by the rules. Times are in seconds since 1970; `old_end` is when the old secret stops opening."""

    id: int
    expiry: int
    newest: Secret
    old: Secret | None = None
    old_end: int = 0
    used: bool = True
    grace: int | None = None  # of a rotation that waits for the first use
    deleted: bool = False
    issued: list[Secret] = field(default_factory=list)

    def opens(self, secret: Secret, now: float) -> bool:
        if self.deleted or now >= self.expiry:
            return False
        return secret is self.newest or (secret is self.old and now < self.old_end)

    def use(self, at: int) -> None:
        """The newest was presented, and the service knows."""
        if not self.used and self.grace is not None:
            self.old_end = min(self.old_end, at + self.grace)
        self.used = True

    def rotate(self, secret: Secret, now: int, new: NewRotation) -> None:
        lost = not self.used and self.old is not None and now < self.old_end
        if not lost:
            self.old, self.old_end = self.newest, self.expiry
        if not new.on_first_use:
            self.old_end = min(self.old_end, now + new.grace_seconds)
        self.newest, self.used = secret, False
        self.grace = new.grace_seconds if new.on_first_use else None
        self.issued.append(secret)


class Life(RuleBasedStateMachine):
    """Random lives of tokens."""

    tokens = Bundle("tokens")

    service: ClassVar[Service]

    def __init__(self) -> None:
        super().__init__()
        self.models: list[Model] = []
        self.presented: set[str] = set()

    @property
    def now(self) -> int:
        return int(self.service.clock())

    @property
    def administrator(self) -> Origin:
        actor = self.service.actor(self.service.first)
        assert actor is not None
        return Origin.of(actor)

    @precondition(lambda self: all(model.deleted or self.now >= model.expiry for model in self.models))
    @rule(target=tokens, lifetime=st.sampled_from([None, 150]))
    def create(self, lifetime: int | None) -> Model:
        expiry = NEVER if lifetime is None else self.service.now() + timedelta(seconds=lifetime)
        token, secret = self.service.tokens.create_token(self.administrator, NewToken(scopes="*", expiry=expiry))
        self.models.append(Model(token.id, to_seconds(expiry), secret, issued=[secret]))
        return self.models[-1]

    @rule(model=tokens, grace=GRACES, on_first_use=st.booleans(), by=st.sampled_from(["other", "newest", "old"]))
    def rotate(self, model: Model, grace: int, by: str, *, on_first_use: bool) -> None:
        secret = {"other": self.service.first, "newest": model.newest, "old": model.old}[by]
        actor = None if secret is None else self.service.actor(secret)
        if actor is None:
            return  # who is not let in is not asked what he wants
        new = NewRotation(grace_seconds=grace, on_first_use=on_first_use)
        try:
            token, successor = self.service.rotations.rotate_token(Origin.of(actor), model.id, new)
        except NotFound:
            assert model.deleted or self.now >= model.expiry
        except Conflict:
            assert secret is model.old
            assert model.used
        else:
            assert (token.id, token.preview) == (model.id, successor.preview)
            assert to_seconds(token.expiry) == model.expiry
            assert secret is not model.old or not model.used
            if secret is model.newest:
                model.use(self.now)
            model.rotate(successor, self.now, new)

    @rule(model=tokens, newest=st.booleans())
    def present(self, model: Model, *, newest: bool) -> None:
        secret = model.newest if newest else model.old
        if secret is not None and self.service.use(secret) and secret.preview not in self.presented:
            assert secret.preview in self.service.uses._noted  # later ones, once a minute
            self.presented.add(secret.preview)

    @rule()
    def write_uses_down(self) -> None:
        noted = self.service.uses._noted
        for model in self.models:
            if model.newest.preview in noted and not model.deleted:
                model.use(noted[model.newest.preview].used_at)
        self.service.runner.run(self.service.uses.flush())

    @rule(model=consumes(tokens))
    def delete(self, model: Model) -> None:
        try:
            self.service.tokens.revoke_token(self.administrator, model.id)
        except NotFound:
            assert model.deleted or self.now >= model.expiry
        else:
            model.deleted = True

    @rule(seconds=st.sampled_from([1, 60]))
    def wait(self, seconds: int) -> None:
        self.service.clock.seconds += seconds

    @invariant()
    def every_secret_opens_exactly_when_it_should(self) -> None:
        for model in self.models:
            for secret in model.issued:
                actor = self.service.actor(secret)
                assert (actor is not None) == model.opens(secret, self.now), (secret, model)
                assert actor is None or actor.token_id == model.id

    @invariant()
    def no_token_has_more_than_two_credentials(self) -> None:
        counts = select(func.count()).select_from(credentials).group_by(credentials.c.token_id)
        with self.service.database.read() as connection:
            assert all(count <= 2 for count in connection.execute(counts).scalars())


@pytest.mark.parametrize("examples", [10, pytest.param(50, marks=pytest.mark.long)])
def test_every_secret_opens_exactly_when_the_rules_say(service: Service, examples: int) -> None:
    run_state_machine_as_test(
        type("LifeHere", (Life,), {"service": service}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
