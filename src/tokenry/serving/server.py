"""Running the application: listening sockets, one process or several, and a graceful stop."""

import errno
import gc
import signal
import socket
from collections.abc import Callable, Sequence
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from tokenry.domain.errors import SetupError
from tokenry.domain.public_url import is_loopback
from tokenry.serving.descriptors import raise_limit
from tokenry.serving.logs import configure_logging
from tokenry.serving.protocol import BoundedProtocol
from tokenry.serving.workers import BoundWorkers, WorkerConfig, Workers, build_in_worker, wait_for_turns

BACKLOG_CONNECTIONS = 2048
KEEP_ALIVE_SECONDS = 75
"""Longer than gateways keep an idle connection to us, so that it is they who close: no request is lost to a race."""
GRACEFUL_SECONDS_MAX = 30
WORKER_SILENCE_SECONDS_MAX = 30
"""A worker that does not answer its parent for so long is replaced; on a slow machine it takes some time to begin."""


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket. Raises SetupError, naming the remedy."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SetupError(
            f"{host} is not an address of this machine ({error.strerror}): set --host or TOKENRY_HOST."
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG_CONNECTIONS)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            problem = "is already in use: stop what listens there, or choose another port with --port or TOKENRY_PORT"
        else:
            problem = (
                f"cannot be listened on ({error.strerror}): set --host and --port, or TOKENRY_HOST and TOKENRY_PORT"
            )
        raise SetupError(f"{host}:{port} {problem}.") from error
    listener.set_inheritable(True)
    return listener


def base_url(listener: socket.socket) -> str:
    """Where the service is reached, as a URL without a path."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound to
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def loopback_url(listener: socket.socket) -> str | None:
    """The same where it is reached from this machine alone; else None, since nobody knows how others reach it."""
    return base_url(listener) if is_loopback(listener.getsockname()[0]) else None


def run(
    build: Callable[[], ASGIApp],
    listeners: Sequence[socket.socket],
    *,
    workers: int,
    bind_workers: bool,
    trusted_proxies: str,
    log_level: str,
    announce: Callable[[], None],
    welcome: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are finished first.

    `build` makes the application in each worker process, so it must be picklable. `announce` is called as soon as those
    signals mean an orderly stop, and `welcome` as soon as requests are answered.
    """
    raise_limit()
    config = WorkerConfig(
        partial(_build, build if workers == 1 else partial(build_in_worker, build), log_level),
        factory=True,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        interface="asgi3",
        lifespan="on",
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        backlog=BACKLOG_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS_MAX,
        timeout_worker_healthcheck=WORKER_SILENCE_SECONDS_MAX,
    )
    if workers == 1:
        server = _WelcomingServer(config, welcome)
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn takes these while it serves, and raises the one that stopped it once more when it has ended.
            signal.signal(number, server.handle_exit)
        announce()
        server.run(sockets=list(listeners))
    else:
        supervisor = (BoundWorkers if bind_workers else Workers)(config, list(listeners), welcome)
        announce()
        supervisor.run()


class _WelcomingServer(uvicorn.Server):
    """A server that calls `welcome` when it has started."""

    def __init__(self, config: uvicorn.Config, welcome: Callable[[], None]) -> None:
        super().__init__(config)
        self._welcome = welcome

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._welcome()


def _build(build: Callable[[], ASGIApp], log_level: str) -> ASGIApp:
    configure_logging(log_level)
    wait_for_turns()
    app = build()
    gc.collect()
    gc.freeze()  # what is loaded now stays: later collections need not look at it
    return app
