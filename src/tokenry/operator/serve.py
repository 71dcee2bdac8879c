"""`tokenry serve`."""

from contextlib import suppress
from functools import partial

from tokenry.application import build_app
from tokenry.cli.running import alone, complain
from tokenry.cli.streams import OutputError
from tokenry.counters.opening import open_counters
from tokenry.domain.secrets import Secret
from tokenry.operator.first_token import FirstTokenPlace, welcome
from tokenry.operator.options import ALL, takes_settings
from tokenry.operator.usernames import complain_of_ambiguous
from tokenry.serving.server import base_url, listen
from tokenry.serving.server import run as run_server
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
    counters = open_counters(settings.rate_limit_storage)  # made here, so that all worker processes share them
    listener = listen(settings.host, settings.port)
    complain_of_ambiguous(prepare(settings))
    url = base_url(listener)
    greeting = f"API:   {url}/v4\nData:  {settings.data_dir.resolve()}"
    place = FirstTokenPlace(settings, lambda secret: print(greeting, welcome(url, secret, None), sep="\n", flush=True))
    secret = _begin(settings, place)

    def announce() -> None:
        with suppress(OutputError):  # it serves, whether or not anybody is told
            if secret is None:
                print(greeting)
            elif place.path is not None:
                print(greeting, welcome(url, secret, place.path), sep="\n")
            print("\nReady. Ctrl-C stops it.", flush=True)

    run_server(
        partial(build_app, settings, counters=counters),
        listener,
        workers=settings.workers,
        bind_workers=settings.bind_workers,
        trusted_proxies=settings.trusted_proxies,
        log_level=settings.log_level,
        announce=announce,
    )


def _begin(settings: Settings, place: FirstTokenPlace) -> Secret | None:
    """Make the first account and token if there are none; the token then. Say it if others can hold up changes."""
    installation = open_installation(settings)
    try:
        if wrong := installation.database.exposure():
            complain(f"{wrong}.")
        with place.kept_if_begun():
            return begin(installation, place.deliver)
    finally:
        installation.database.close()


app = alone(serve)
