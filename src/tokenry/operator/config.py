"""`tokenry config …`: what is set, where, and whether it can be used."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import typer

from tokenry.cli.running import group
from tokenry.counters.opening import open_counters
from tokenry.domain.errors import SetupError
from tokenry.domain.networks import UNIX_PEER
from tokenry.domain.public_url import is_loopback
from tokenry.operator.options import takes_flags
from tokenry.operator.tables import print_table
from tokenry.printable import printable
from tokenry.serving.unix_socket import find_group
from tokenry.settings import NOTES, SECRETS, Settings
from tokenry.sources import DEFAULT, Value, find_config_file, find_settings, judge
from tokenry.storage.database import database_url

MASK = "********"

app = group(help="Check the settings of the service, and say where each comes from.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """Check the settings of the service, and say where each comes from."""


@app.command()
@takes_flags
def check(*, flags: Mapping[str, object], config_file: Path | None) -> None:
    """Show each setting, where its value comes from, and what is wrong, with exit status 1. Secrets are masked."""
    found = find_settings(flags, config_file)
    settings, faults = judge(found)
    file, origin = find_config_file(config_file)
    rows = [_row(name, found.get(name)) for name in Settings.model_fields]
    print_table(("setting", "value", "from"), [("config_file", file or "none", origin), *rows])
    wrong = [*faults.values(), *(() if settings is None else _unusable(settings))]
    for text in wrong:
        print(f"WRONG {printable(text)}")
    if settings is None or wrong:
        raise typer.Exit(1)
    for text in _find_halves(settings):
        print(f"note  {text}")
    print("ok    all settings can be used")


def _row(name: str, value: Value | None) -> tuple[str, object, str]:
    if value is None:
        return name, NOTES[name].unset or Settings.model_fields[name].default, DEFAULT
    return name, MASK if name in SECRETS else value.given, value.origin


def _find_halves(settings: Settings) -> Iterator[str]:
    """What can be used and is hardly meant: of two settings that belong together, one."""
    if settings.public_url is None and not is_loopback(settings.host):
        yield "nobody can sign in, and OAuth is off: set --public-url or TOKENRY_PUBLIC_URL"
    trusted = UNIX_PEER in [name.strip() for name in settings.trusted_proxies.split(",")]
    if settings.uds is None:
        if trusted or settings.uds_group is not None:
            yield "no unix socket is named for what is set about one: set --uds or TOKENRY_UDS"
    elif not trusted:
        yield f"all requests by the unix socket count as one client's: add {UNIX_PEER} to TOKENRY_TRUSTED_PROXIES"


def _unusable(settings: Settings) -> Iterator[str]:
    """What only shows when the settings are used. Nothing is made, and nobody is asked."""
    uses: tuple[Callable[[], object], ...] = (
        settings.require_deadlines_in_order,
        settings.catalogue,
        settings.providers,
        settings.mail,
        lambda: database_url(settings.database_url, settings.data_dir),
        lambda: open_counters(settings.rate_limit_storage),
        lambda: find_group(settings.uds_group),
    )
    for use in uses:
        try:
            use()
        except SetupError as error:
            yield str(error)
