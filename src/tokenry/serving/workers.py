"""When and where on the machine the processes of a service run."""

import itertools
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from socket import socket
from threading import Thread
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from tokenry.complaints import Complaints
from tokenry.core_dumps import leave_no_core
from tokenry.domain.errors import SetupError, TooSlow, Unavailable
from tokenry.log import Log

ORPHANED = 1
"""The exit status of a worker whose parent is gone; there is nobody to see it."""
PAUSE_SECONDS = 0.5
"""From one attempt of a worker to begin to the next."""

log = Log("tokenry.serving")


class WorkerConfig(uvicorn.Config):
    """What worker processes are given when they begin. Each ends at once when the process that made it is gone.

    Nobody would stop or replace it, and it would keep the port. What tells, however the parent ended, is a
    pipe whose other end the parent alone holds from before there is a worker. A worker watches it before anything else
    of its configuration arrives, since the application takes a while to load.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._watched, self._held = Pipe(duplex=False)

    def __reduce__(self) -> tuple[object, ...]:
        return _arrive, (self._watched,), {name: value for name, value in vars(self).items() if name != "_held"}


def _arrive(watched: Connection) -> WorkerConfig:
    leave_no_core()  # before the password of a database arrives
    Thread(target=_end_after, args=(watched,), daemon=True).start()
    return WorkerConfig.__new__(WorkerConfig)


def _end_after(watched: Connection) -> None:
    watched.poll(None)  # nothing is ever sent: it waits for the other end to be closed
    os._exit(ORPHANED)


class Workers(Multiprocess):
    """The worker processes of a service; one that dies is replaced at once.

    `welcome` is called when the first of them has started.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket], welcome: Callable[[], None]) -> None:
        super().__init__(config, sockets)
        self._welcome: Callable[[], None] | None = welcome

    def init_processes(self) -> None:
        """Start all workers."""
        super().init_processes()
        self._settle()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that died or hang; called twice a second."""
        super().keep_subprocess_alive()
        self._settle()
        if self._welcome is not None and not self.should_exit.is_set() and self._has_started():
            self._welcome()
            self._welcome = None

    def terminate_all(self) -> None:
        """Stop all workers. Whoever connects from now on is refused, and does not wait for nobody."""
        super().terminate_all()
        for listener in self.sockets:
            listener.close()

    def _has_started(self) -> bool:
        return any(process.is_ready(self.config.timeout_worker_healthcheck) for process in self.processes)

    def _settle(self) -> None:
        """Close this process's copy of a worker's end of the pipe between them.

        So a wait for a worker's sign of life ends as soon as the worker dies, and not only when its time is up.
        """
        for process in self.processes:
            process.child_conn.close()


class BoundWorkers(Workers):
    """Workers that each keep to a core of their own, or share them in turn where there are fewer.

    The cores are those that the service itself may run on.
    """

    def _settle(self) -> None:
        super()._settle()
        for process, core in zip(self.processes, itertools.cycle(sorted(os.sched_getaffinity(0)))):
            if process.pid is not None:
                with suppress(ProcessLookupError):  # it has just died; the one in its place is bound in its turn
                    os.sched_setaffinity(process.pid, {core})


def build_in_worker(build: Callable[[], ASGIApp]) -> ASGIApp:
    """Build the application of a worker as soon as it can be.

    It could be when the service began. A worker that takes the place of another waits until the database, say, is back:
    the others serve meanwhile. It serves nobody yet, so who tells it to stop need not wait.
    """
    complaints = Complaints("a worker cannot begin yet")
    handlers = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while True:
            try:
                return build()
            except SetupError as error:
                complaints.add(str(error))
            except (Unavailable, TooSlow) as refusal:
                complaints.add(str(refusal))
            time.sleep(PAUSE_SECONDS)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def require_binding() -> None:
    """Raise SetupError where workers cannot be bound to cores."""
    if not hasattr(os, "sched_setaffinity"):
        raise SetupError("Workers cannot be bound to cores on this system: leave out --bind-workers.")


def wait_for_turns() -> None:
    """Let this process, when a request wakes it, wait until the core is free rather than interrupt what runs there.

    That is Linux's SCHED_BATCH, sched(7), for the event loop and the threads that it starts (decision 22). Otherwise
    those threads, other workers and the gateway interrupt each other for a request at a time; so each does all that has
    come in meanwhile. A system that refuses costs speed alone.
    """
    if not hasattr(os, "SCHED_BATCH"):
        return
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except OSError as error:
        log.info("the system keeps its scheduling policy, so requests interrupt each other", reason=error.strerror)
