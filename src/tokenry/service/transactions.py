"""What every use case works in: a transaction, with one moment, and, where it changes something, who does and what."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.events import Event
from tokenry.domain.scopes import NOTHING_IMPLIED, Implied
from tokenry.domain.users import User
from tokenry.storage import audit, outbox
from tokenry.storage.database import Database


@dataclass(frozen=True, slots=True)
class Change:
    """One change under way. `now` is its one moment, in whole seconds as times are stored.

    `implied` is what scopes imply by the catalogue in force.
    """

    connection: Connection
    now: datetime
    origin: Origin
    implied: Implied = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """Who acts, in a use case that takes a token."""
        assert self.origin.actor is not None
        return self.origin.actor

    @property
    def owner_id(self) -> int:
        """Whose tokens are meant: one's own, or those of a user whom one manages."""
        return self.origin.owner_id

    def on_behalf_of(self, user: User) -> "Change":
        """The same change, as it is for a user whom whoever acts manages."""
        return replace(self, origin=self.origin.on_behalf_of(user))

    def record(self, *events: Event) -> None:
        """Record what it did, in the same transaction: if it commits, the audit has it, and webhooks are told."""
        ids = audit.record(self.connection, origin=self.origin, at=self.now, events=events)
        outbox.put_events(self.connection, ids, self.now)


class Transactions:
    """The transactions of one database, by one clock, and by what scopes imply."""

    def __init__(self, database: Database, now: Callable[[], datetime], implied: Implied = NOTHING_IMPLIED) -> None:
        self.database = database
        self.now = now
        self.implied = implied

    def read(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads one state of the database. Raises Unavailable, TooSlow."""
        return self.database.read()

    @contextmanager
    def change(self, origin: Origin) -> Iterator[Change]:
        """Open a transaction that commits when the block ends and rolls back when it raises. Raises Unavailable."""
        with self.database.write() as connection:
            yield Change(connection, self.now().replace(microsecond=0), origin, self.implied)

    def make_room(self, seconds: float) -> None:
        """Between the pieces of long work, of which one took so long: let others change something.

        SQLite has no queue: they find its lock free half of the time.
        """
        if self.database.is_sqlite:
            time.sleep(seconds)
