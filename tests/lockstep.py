"""Two transactions on PostgreSQL at the same time, statement by statement in an order that a test says.

Each statement, and each COMMIT, waits until it is told to go. It goes alone: the next one is let go when it is done, or
has to wait for what the other transaction holds. So an order that threads hit upon once in a thousand times is met
each time.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from sqlalchemy import Connection, ExceptionContext, event

from tokenry.domain.errors import Refusal
from tokenry.storage.database import Database

LOOK_SECONDS = 0.001
SECONDS_MAX = 30
PATIENCE_STEPS = 40
_DEADLOCK = "40P01"

Choose = Callable[[Sequence[int]], int]
"""Which of those sides that can go, goes."""


@dataclass(slots=True)
class _Side:
    """One of the two: which connection it is on, whether it goes or waits to be told, and whether it has ended."""

    go: threading.Event = field(default_factory=threading.Event)
    process_id: int = 0
    going: bool = True
    ended: bool = False


class Lockstep:
    """Two databases in one: the same one, as two processes have it."""

    def __init__(self, databases: Sequence[Database], watcher: psycopg.Connection) -> None:
        """`watcher` is a connection of its own, to see who waits."""
        self._watcher = watcher
        self._sides = [_Side() for _ in databases]
        self._changed = threading.Condition()
        self._steps = False
        self.broken_up: list[str] = []
        """The statements of the last run that waited in a circle, which the server ended."""
        for side, database in zip(self._sides, databases, strict=True):
            self._listen(side, database)

    def run(self, acts: Sequence[Callable[[], object]], choose: Choose) -> list[object]:
        """Let both act; what each returned, or the refusal or error that it ended with."""
        told: list[object] = [None] * len(acts)

        def run(number: int, act: Callable[[], object]) -> None:
            try:
                told[number] = act()
            except Exception as refusal:  # noqa: BLE001 - which is what the test looks at
                told[number] = refusal
            with self._changed:
                self._sides[number].ended = True
                self._changed.notify()

        self.broken_up.clear()
        for side in self._sides:
            side.go.clear()
            side.going, side.ended, side.process_id = True, False, 0
        threads = [threading.Thread(target=run, args=(number, act)) for number, act in enumerate(acts)]
        with self._stepping():
            for thread in threads:
                thread.start()
            while ready := self._ready():
                side = self._sides[choose(ready)]
                side.going = True
                side.go.set()
        for thread in threads:
            thread.join(SECONDS_MAX)
            assert not thread.is_alive()
        return told

    def _ready(self) -> Sequence[int]:
        """Those that wait to be told, once the other does too, or waits for them; none when both have ended."""
        with self._changed:
            while not all(side.ended for side in self._sides):
                ready = [number for number, side in enumerate(self._sides) if not side.going and not side.ended]
                going = [side for side in self._sides if side.going and not side.ended]
                if not going:
                    return ready
                if not self._changed.wait(LOOK_SECONDS) and ready and all(map(self._waits, going)):
                    return ready
        return []

    def _waits(self, side: _Side) -> bool:
        row = self._watcher.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", (side.process_id,)).fetchone()
        return bool(row and row[0])

    @contextmanager
    def _stepping(self) -> Iterator[None]:
        self._steps = True
        try:
            yield
        finally:
            self._steps = False
            for side in self._sides:
                side.go.set()

    def _listen(self, side: _Side, database: Database) -> None:
        def wait(connection: Connection, *_: object) -> None:
            if not self._steps:
                return
            with self._changed:
                driver = connection.connection.dbapi_connection
                side.process_id = driver.info.backend_pid  # type: ignore[union-attr]
                side.going = False
                self._changed.notify()
            assert side.go.wait(SECONDS_MAX)
            side.go.clear()

        def note(context: ExceptionContext) -> None:
            if getattr(context.original_exception, "sqlstate", None) == _DEADLOCK:
                self.broken_up.append(str(context.statement))

        event.listen(database.engine, "handle_error", note)
        event.listen(database.engine, "before_cursor_execute", wait)
        event.listen(database.engine, "commit", wait)


def named(told: object) -> str:
    """What became of an act, by its kind: results differ in ids and secrets."""
    return type(told).__name__ if isinstance(told, Refusal) else "done"


def in_turn() -> Choose:
    """One statement of the one, one of the other."""
    last = [1]

    def choose(ready: Sequence[int]) -> int:
        last[0] = next((side for side in ready if side != last[0]), ready[0])
        return last[0]

    return choose


class After:
    """So many steps of the one, then all that the other can do, then the rest."""

    def __init__(self, steps: int, first: int) -> None:
        self._first, self._left, self._patience = first, steps, PATIENCE_STEPS

    @property
    def exceeded(self) -> bool:
        """Whether the one has not so many steps."""
        return self._left > 0

    def __call__(self, ready: Sequence[int]) -> int:
        """Which side goes; the other of the two may look again and again for the end of the one, and gets tired."""
        if self._left > 0 and self._first in ready:
            self._left -= 1
            return self._first
        self._patience -= 1
        wanted = 1 - self._first if self._patience > 0 else self._first
        return wanted if wanted in ready else ready[0]
