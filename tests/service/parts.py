"""What tests of the use cases have in hand."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier

from sqlalchemy import event, func, select

from tests.conftest import START, Clock
from tests.making import NOW
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Refusal
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import Peppers, Secret
from tokenry.domain.sessions import STANDARD_LIMITS, SessionLimits
from tokenry.service.sessions import Sessions
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.service.users import Users
from tokenry.storage import audit, schema
from tokenry.storage.database import Database
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.verification.verifier import Decision, Verifier
from tokenry.wiring import credentials_of

PEPPERS = Peppers((bytes(32),))


def sessions_of(
    database: Database, after: timedelta = timedelta(0), limits: SessionLimits = STANDARD_LIMITS
) -> Sessions:
    """The use cases of sessions, some time after everything began."""
    return Sessions(Transactions(database, lambda: NOW + after), PEPPERS, limits)


@dataclass
class Bench:
    """An installation that began, and its administrator with the first token."""

    tokens: Tokens
    users: Users
    database: Database
    transactions: Transactions
    actor: Actor
    origin: Origin

    def events(self, subject: str) -> list[tuple[str, dict[str, object]]]:
        with self.database.read() as connection:
            found = audit.list_events(connection, limit=20, subject=subject)
        return [(event.action, dict(event.details)) for event in reversed(found)]


def at_once(database: Database, *acts: Callable[[Database], object]) -> list[object]:
    """Do things at the same time, each as another process would; what each returned or was refused with."""
    together = Barrier(len(acts))

    def run(act: Callable[[Database], object]) -> object:
        source = Database(database.url, timeout=TIMEOUT_SECONDS)
        together.wait(timeout=10)
        try:
            return act(source)
        except Refusal as refusal:
            return type(refusal)
        finally:
            source.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def open_tokens_of(database: Database, user_id: int) -> int:
    """How many tokens somebody has that are not revoked, or that something opens."""
    unrevoked = select(func.count()).where(schema.tokens.c.user_id == user_id, schema.tokens.c.revoked_at.is_(None))
    opened = select(func.count()).select_from(schema.credentials.join(schema.tokens))
    with database.read() as connection:
        opening = connection.execute(opened.where(schema.tokens.c.user_id == user_id)).scalar_one()
        return opening + connection.execute(unrevoked).scalar_one()


def begin_before(database: Database, statement: str, other: threading.Thread) -> None:
    """Let something else begin, and have a while, before a statement that begins so."""

    def begin(*arguments: str) -> None:
        if other.ident is None and arguments[2].startswith(statement):
            other.start()
            other.join(0.5)

    event.listen(database.engine, "before_cursor_execute", begin)


def decide(database: Database, secret: Secret, after: float = 0, needed: Scopes = NOTHING) -> Decision:
    """Decide on a secret, some seconds after everything began."""

    async def ask() -> Decision:
        credentials = credentials_of(database)
        try:
            verifier = Verifier(credentials, PEPPERS, Clock(START + after))
            return await verifier.verify(f"Bearer {secret.reveal()}", needed)
        finally:
            await credentials.close()

    return asyncio.run(ask())
