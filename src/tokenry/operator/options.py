"""Options that several commands share, each with the TOKENRY_* variable of the same name."""

import getpass
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from tokenry.cli.options import COUNT_MAX
from tokenry.domain.accounts import Origin
from tokenry.printable import printable
from tokenry.settings import (
    DATABASE_TIMEOUT_MAX,
    DATABASE_TIMEOUT_MIN,
    DEFAULT_USERNAME_RESERVATION_DAYS,
    Settings,
    read_database_timeout,
)
from tokenry.wiring import Installation, open_installation

DataDir = Annotated[
    Path, typer.Option(envvar="TOKENRY_DATA_DIR", help="Where the database, the pepper and other files live.")
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        envvar="TOKENRY_DATABASE_URL",
        show_default="SQLite in the data directory",
        help="sqlite:///path or postgresql://user@host/name. A password belongs in the variable, not on the line.",
    ),
]
ScopesFile = Annotated[
    Path | None,
    typer.Option(
        envvar="TOKENRY_SCOPES_FILE",
        show_default="the wire format's 17 resources",
        help="A TOML file with the scopes that tokens may have.",
    ),
]
Host = Annotated[str, typer.Option(envvar="TOKENRY_HOST", help="The address to listen on.")]
Port = Annotated[int, typer.Option(envvar="TOKENRY_PORT", min=0, max=65535, help="The port; 0 for any free one.")]
Workers = Annotated[int, typer.Option(envvar="TOKENRY_WORKERS", min=1, max=64, help="Processes that serve.")]
BindWorkers = Annotated[
    bool, typer.Option("--bind-workers", envvar="TOKENRY_BIND_WORKERS", help="Keep each of several workers to a core.")
]
BootstrapTokenFile = Annotated[
    Path | None,
    typer.Option(
        envvar="TOKENRY_BOOTSTRAP_TOKEN_FILE",
        show_default="printed once on a terminal, else first-token in the data directory",
        help="On the first start, write the first token to this new file of mode 0600.",
    ),
]
TrustedProxies = Annotated[
    str,
    typer.Option(
        envvar="TOKENRY_TRUSTED_PROXIES",
        show_default="none",
        help="Addresses or networks, comma-separated, whose X-Forwarded-For is believed.",
    ),
]
RateLimit = Annotated[
    int,
    typer.Option(
        envvar="TOKENRY_RATE_LIMIT", min=0, max=COUNT_MAX, help="Requests a minute for each user; 0 for no limit."
    ),
]
RateLimitFailures = Annotated[
    int,
    typer.Option(
        envvar="TOKENRY_RATE_LIMIT_FAILURES",
        min=0,
        max=COUNT_MAX,
        help="Requests a minute without a valid token for each client address; 0 for no limit.",
    ),
]
RateLimitStorage = Annotated[
    str,
    typer.Option(
        envvar="TOKENRY_RATE_LIMIT_STORAGE",
        help="Where requests are counted: memory, or redis://host:6379/0 for several machines. A password belongs in "
        "the variable, not on the line.",
    ),
]
DatabaseTimeout = Annotated[
    float,
    typer.Option(
        envvar="TOKENRY_DATABASE_TIMEOUT",
        min=DATABASE_TIMEOUT_MIN,
        max=DATABASE_TIMEOUT_MAX,
        help="Seconds that a change waits for the database's lock, and that reading a list may take.",
    ),
]
RequestTimeout = Annotated[
    float,
    typer.Option(
        envvar="TOKENRY_REQUEST_TIMEOUT", min=0.1, max=60, help="Seconds to an answer of the management API, at most."
    ),
]
UsernameReservationDays = Annotated[
    int,
    typer.Option(
        envvar="TOKENRY_USERNAME_RESERVATION_DAYS",
        min=0,
        max=36500,
        help="How long nobody else may have the name of a user who was deleted or renamed; 0 to free it at once.",
    ),
]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    typer.Option(envvar="TOKENRY_LOG_LEVEL", help="How much the log says."),
]


def open_local(
    data_dir: Path,
    database_url: str | None,
    scopes_file: Path | None = None,
    username_reservation_days: int = DEFAULT_USERNAME_RESERVATION_DAYS,
) -> Installation:
    """Open the installation that a command works on. Raises SetupError."""
    return open_installation(local_settings(data_dir, database_url, scopes_file, username_reservation_days))


def local_settings(
    data_dir: Path,
    database_url: str | None,
    scopes_file: Path | None = None,
    username_reservation_days: int = DEFAULT_USERNAME_RESERVATION_DAYS,
) -> Settings:
    """The settings of a command that works on the local database. Raises SetupError."""
    return Settings(
        data_dir=data_dir,
        database_url=database_url,
        scopes_file=scopes_file,
        database_timeout=read_database_timeout(),
        username_reservation_days=username_reservation_days,
    )


def operator() -> Origin:
    """Who is at the command line, for the audit."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = str(os.getuid())
    return Origin(f"operator:{printable(name)}")  # the variable LOGNAME may hold anything
