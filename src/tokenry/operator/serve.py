"""`tokenry serve`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from socket import socket

from tokenry.application import build_app
from tokenry.cli.running import alone, complain
from tokenry.cli.streams import OutputError
from tokenry.counters.opening import Counters, open_counters
from tokenry.domain.links import link_address
from tokenry.domain.secrets import Secret
from tokenry.operator.first_token import FirstTokenPlace, first_sign_in, welcome
from tokenry.operator.options import ALL, takes_settings
from tokenry.operator.usernames import complain_of_ambiguous
from tokenry.pages.paths import CONSOLE
from tokenry.service.installation import FIRST_START, FIRST_USERNAME
from tokenry.serving.server import BACKLOG_CONNECTIONS, base_url, listen, loopback_url
from tokenry.serving.server import run as run_server
from tokenry.serving.unix_socket import find_exposure, unix_listener
from tokenry.serving.workers import require_binding
from tokenry.settings import Settings, forget_variables
from tokenry.wiring import begin, open_installation, prepare


@takes_settings(*ALL)
def serve(*, settings: Settings) -> None:
    """Run the service; the first start sets everything up and makes a first token."""
    forget_variables()
    _serve(settings)


def _serve(settings: Settings) -> None:
    """Set up what is missing, and serve until a signal ends it."""
    settings.require_deadlines_in_order()
    if settings.bind_workers:
        require_binding()
    # Made here, so that all worker processes share them.
    counters = open_counters(settings.rate_limit_storage, shared=settings.workers > 1)
    with _listening(settings) as listeners:
        if settings.public_url is None:
            settings = settings.model_copy(update={"public_url": loopback_url(listeners[0])})
        _serve_at(listeners, settings, counters)


@contextmanager
def _listening(settings: Settings) -> Iterator[Sequence[socket]]:
    """Listen for the length of a block: at the port first, then at the unix socket if there is to be one."""
    listener = listen(settings.host, settings.port)
    if settings.uds is None:
        yield [listener]
        return
    if wrong := find_exposure(settings.uds):
        complain(f"{wrong}.")
    mode = int(settings.uds_mode, 8)
    with unix_listener(settings.uds, mode=mode, group=settings.uds_group, backlog=BACKLOG_CONNECTIONS) as by_path:
        yield [listener, by_path]


def _serve_at(listeners: Sequence[socket], settings: Settings, counters: Counters) -> None:
    complain_of_ambiguous(prepare(settings))
    url = base_url(listeners[0])
    greeting = _greeting(url, settings)
    place = FirstTokenPlace(settings, lambda secret: print(greeting, welcome(url, secret, None), sep="\n", flush=True))
    secret, link = _begin(settings, place)

    def announce() -> None:
        with suppress(OutputError):  # it serves, whether or not anybody is told
            if secret is None:
                print(greeting, flush=True)
            elif place.path is not None:
                print(greeting, welcome(url, secret, place.path), sep="\n")
            if secret is not None:
                print(first_sign_in(link, settings), flush=True)

    run_server(
        partial(build_app, settings, counters=counters),
        listeners,
        workers=settings.workers,
        bind_workers=settings.bind_workers,
        trusted_proxies=settings.trusted_proxies,
        log_level=settings.log_level,
        announce=announce,
        welcome=say_ready,
    )


def say_ready() -> None:
    """Say that requests are answered."""
    with suppress(OutputError):
        print("\nReady. Ctrl-C stops it.", flush=True)


def _greeting(url: str, settings: Settings) -> str:
    lines = [f"API:   {url}/v4"]
    if settings.public_url is not None:
        lines.append(f"Web:   {settings.public_url}{CONSOLE}")
    if settings.uds is not None:
        lines.append(f"UDS:   {settings.uds.absolute()}")
    return "\n".join([*lines, f"Data:  {settings.data_dir.resolve()}"])


def _begin(settings: Settings, place: FirstTokenPlace) -> tuple[Secret | None, str | None]:
    """Make the first account and token if there are none; the token then. Say it if others can hold up changes.

    With it comes a link by which the administrator chooses a password, where that can be shown to nobody else.
    """
    installation = open_installation(settings)
    try:
        if wrong := installation.database.exposure():
            complain(f"{wrong}.")
        with place.kept_if_begun():
            secret = begin(installation, place.deliver)
        if secret is None or place.path is not None or settings.public_url is None:
            return secret, None
        link = installation.links.make_link(FIRST_START, FIRST_USERNAME)
        return secret, link_address(settings.public_url, link)
    finally:
        installation.database.close()


app = alone(serve)
