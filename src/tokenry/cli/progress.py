"""A bar for what takes long: on standard error, and only if that is a terminal."""

import sys
import time
from collections.abc import Callable, Generator, Iterable
from typing import IO, Any, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 0.5
"""What is done sooner needs no bar."""


def tracked(
    things: Iterable[T],
    what: str,
    *,
    total: int | None = None,
    size: Callable[[T], int] = lambda _: 1,
    shown: bool = True,
    to: IO[str] | None = None,
    now: Callable[[], float] = time.monotonic,
) -> Generator[T]:
    """Go through things and show how many are done, of how many if that is known; unless it is not to be `shown`.

    `size` is for how many a thing counts. `to` is standard error. Meanwhile nothing should be printed to the same
    terminal on standard output.
    """
    screen = sys.stderr if to is None else to
    if not shown or not screen.isatty():
        yield from things
        return
    start, progress, done = now(), None, 0
    try:
        for thing in things:
            yield thing
            done += size(thing)
            if progress is not None:
                progress.update(0, completed=done)
            elif now() - start > PATIENCE_SECONDS:
                progress = _start(what, done, total, screen)
    finally:
        if progress is not None:
            progress.stop()


def _start(what: str, done: int, total: int | None, to: IO[str]) -> Any:
    from rich.console import Console  # noqa: PLC0415 - as for tables
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(file=to), transient=True, redirect_stdout=False)
    progress.add_task(what, completed=done, total=total)
    progress.start()
    return progress
