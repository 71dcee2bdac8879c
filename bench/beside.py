"""`/verify` beside something else that the service does: how much longer the slowest hundredth of it waits."""

import os
import statistics
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from bench.load import Load
from bench.servers import Server
from bench.steady import Waits, run_steadily

RATE_MAX = 10_000
"""Requests a second that the program which asks keeps up with: what it held up itself would count for the server."""


class InThreads(ABC):
    """What threads on a core do for the length of a block: `_run`, which ends when `_stop` is set."""

    core: int
    number_of_threads = 1

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._begin) for _ in range(self.number_of_threads)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _begin(self) -> None:
        os.sched_setaffinity(0, {self.core})  # of this thread, and those that it starts
        self._run()

    @abstractmethod
    def _run(self) -> None:
        """Do it."""


@dataclass
class Paced(InThreads):
    """Something that is done at a steady rate for the length of a block, from threads on the core of the load.

    Each is due whatever became of those before, and is given its number in the block, from 0. `seconds` is how long
    that was done in all. It has what the load leaves of its core: else it would hold that up, and the server be blamed.
    """

    do: Callable[[int], object]
    per_second: float
    threads: int
    core: int
    seconds: float = 0

    def _run(self) -> None:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        started, sent = time.perf_counter(), 0
        with ThreadPoolExecutor(self.threads) as pool:
            while not self._stop.wait(max(0.0, started + sent / self.per_second - time.perf_counter())):
                pool.submit(self.do, sent)
                sent += 1
        self.seconds += time.perf_counter() - started


def time_beside(
    server: Server, load: Load, paced: Paced, *, rounds: int, seconds: int
) -> tuple[float, dict[str, object]]:
    """The 99th percentile of a load at a steady rate, beside something in times of that without.

    And the figures behind it. The rate is half of what is reached when the tokens are known, up to `RATE_MAX`.
    """
    load.run(server, 1)  # so that they are
    rate = min(load.run(server, 1).requests_per_second / 2, RATE_MAX)
    calm: list[Waits] = []
    beside: list[Waits] = []
    for _ in range(rounds):
        calm += run_steadily(load, [server], rate, seconds)
        with paced:
            beside += run_steadily(load, [server], rate, seconds)
    ratio = statistics.median(busy.p99 / quiet.p99 for busy, quiet in zip(beside, calm, strict=True))
    return ratio, {
        "rate": rate,
        "calm_p99_milliseconds": statistics.median(each.p99 for each in calm),
        "beside_p99_milliseconds": statistics.median(each.p99 for each in beside),
    }
