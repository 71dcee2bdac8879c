"""Threads that are at work for the length of a block."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def at_work(works: Sequence[Callable[[threading.Event], None]], seconds: float) -> Iterator[None]:
    """Run each in a thread of its own; then ask them to stop, and give each so many seconds for it."""
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=(stop,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(seconds)
            assert not thread.is_alive()
