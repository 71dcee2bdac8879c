"""What can be set, by TOKENRY_* variables and by flags of the same names; `operator/options.py` reads both."""

import os
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import timedelta
from math import nan
from pathlib import Path

from tokenry.domain.errors import SetupError
from tokenry.domain.scopes import Catalogue
from tokenry.storage.catalogue import default_catalogue, read_catalogue
from tokenry.storage.deadline import TIMEOUT_SECONDS

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8470
DEFAULT_DATA_DIR = Path("data")
DEFAULT_RATE_LIMIT = 1600
DEFAULT_RATE_LIMIT_FAILURES = 60
DEFAULT_RATE_LIMIT_STORAGE = "memory"
DEFAULT_DATABASE_TIMEOUT = TIMEOUT_SECONDS
DATABASE_TIMEOUT_MIN, DATABASE_TIMEOUT_MAX = 0.1, 60
DEFAULT_REQUEST_TIMEOUT = 7.0
DEFAULT_USERNAME_RESERVATION_DAYS = 365
VARIABLES = frozenset(
    f"TOKENRY_{name}"
    for name in (
        "HOST",
        "PORT",
        "DATA_DIR",
        "DATABASE_URL",
        "WORKERS",
        "BIND_WORKERS",
        "SCOPES_FILE",
        "BOOTSTRAP_TOKEN_FILE",
        "TRUSTED_PROXIES",
        "RATE_LIMIT",
        "RATE_LIMIT_FAILURES",
        "RATE_LIMIT_STORAGE",
        "DATABASE_TIMEOUT",
        "REQUEST_TIMEOUT",
        "USERNAME_RESERVATION_DAYS",
        "LOG_LEVEL",
    )
)
CLIENT_VARIABLES = frozenset(
    f"TOKENRY_{name}" for name in ("URL", "TOKEN", "TOKEN_FILE", "CONTEXT", "CONFIG_DIR", "STATE_DIR")
)
"""Those of the client and its command line, which mean nothing to the service and may well be set beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation's settings. A `database_url` of None is SQLite in the data directory."""

    data_dir: Path = DEFAULT_DATA_DIR
    database_url: str | None = field(default=None, repr=False)  # may hold a password
    scopes_file: Path | None = None
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    workers: int = 1
    bind_workers: bool = False
    bootstrap_token_file: Path | None = None
    trusted_proxies: str = ""
    rate_limit: int = DEFAULT_RATE_LIMIT
    rate_limit_failures: int = DEFAULT_RATE_LIMIT_FAILURES
    rate_limit_storage: str = field(default=DEFAULT_RATE_LIMIT_STORAGE, repr=False)  # may hold a password
    database_timeout: float = DEFAULT_DATABASE_TIMEOUT
    request_timeout: float = DEFAULT_REQUEST_TIMEOUT
    username_reservation_days: int = DEFAULT_USERNAME_RESERVATION_DAYS
    log_level: str = "info"

    @property
    def username_reservation(self) -> timedelta:
        """How long nobody else may have the name of a user who was deleted or renamed."""
        return timedelta(days=self.username_reservation_days)

    def catalogue(self) -> Catalogue:
        """The scopes that tokens may have. Raises SetupError."""
        return default_catalogue() if self.scopes_file is None else read_catalogue(self.scopes_file)

    def require_deadlines_in_order(self) -> None:
        """Raise SetupError unless a request has time left when its wait for others has ended."""
        if not self.database_timeout < self.request_timeout:
            raise SetupError(
                f"TOKENRY_DATABASE_TIMEOUT ({self.database_timeout:g} seconds) has to be less than "
                f"TOKENRY_REQUEST_TIMEOUT ({self.request_timeout:g} seconds): a request waits for the database within "
                "its own time."
            )


def read_database_timeout(environment: Mapping[str, str] = os.environ) -> float:
    """TOKENRY_DATABASE_TIMEOUT, for commands that have no option for it. Raises SetupError."""
    text = environment.get("TOKENRY_DATABASE_TIMEOUT")
    try:
        seconds = float(text) if text else DEFAULT_DATABASE_TIMEOUT
    except ValueError:
        seconds = nan
    if not DATABASE_TIMEOUT_MIN <= seconds <= DATABASE_TIMEOUT_MAX:
        raise SetupError(
            f"TOKENRY_DATABASE_TIMEOUT is no number of seconds from {DATABASE_TIMEOUT_MIN} to {DATABASE_TIMEOUT_MAX}."
        )
    return seconds


def unknown_variables(environment: Iterable[str] = os.environ) -> list[str]:
    """The TOKENRY_* variables that mean nothing here: most likely misspelt."""
    known = VARIABLES | CLIENT_VARIABLES
    return sorted(name for name in environment if name.startswith("TOKENRY_") and name not in known)


def forget_variables(environment: MutableMapping[str, str] = os.environ) -> None:
    """Take what was read out of the environment, so that no process that this one starts is given a password in it.

    Not all of them close their memory to others: one is Python's own, `multiprocessing.resource_tracker`.
    """
    for name in VARIABLES | CLIENT_VARIABLES:
        environment.pop(name, None)


def require_directory(path: Path) -> None:
    """Make the data directory, for its owner alone. Raises SetupError unless files can be made in it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(path, os.W_OK | os.X_OK)
    except OSError as error:
        raise SetupError(
            f"The data directory {path} cannot be made ({error.strerror}): choose another with --data-dir or "
            "TOKENRY_DATA_DIR."
        ) from error
    if not writable:
        raise SetupError(
            f"The data directory {path} is not writable for this user: change its owner, or choose another with "
            "--data-dir or TOKENRY_DATA_DIR."
        )
