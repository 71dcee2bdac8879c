"""What can be set, each thing once: its kind, default, bounds and meaning. `sources.py` says where values come from."""

import os
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from tokenry import setting_texts as texts
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import SetupError
from tokenry.domain.mail import MailSettings, read_mail_server
from tokenry.domain.networks import SOCKET_PATH_BYTES_MAX
from tokenry.domain.passwords import HashWork
from tokenry.domain.providers import Provider
from tokenry.domain.public_url import is_loopback
from tokenry.domain.secrets import PERSONAL
from tokenry.domain.sessions import SessionLimits
from tokenry.domain.words import REALM_LENGTH_MAX, TEXT_LENGTH_MAX, Words
from tokenry.fetching.reach import Networks
from tokenry.storage.catalogue import default_catalogue, read_catalogue
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.providers import read_providers

COUNT_MAX = 1_000_000_000
"""A larger count is a mistake in typing."""
_MAY_BE_EMPTY = {"trusted_proxies", "allowed_origins", "webhook_networks"}


@dataclass(frozen=True, slots=True)
class Note:
    """What else is to know of a setting: what stands for its absence, whether it is a secret, what text it takes."""

    unset: str | None = None
    secret: bool = False
    wanted: str | None = None


_SENTENCE = f"has to be one line of printable text, of at most {TEXT_LENGTH_MAX} characters"


class Settings(BaseModel):
    """One installation's settings. The descriptions are the help of the flags, and the table of the page."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8470, ge=0, le=65535, description="The port; 0 for any free one.")
    uds: Annotated[
        Path | None,
        AfterValidator(texts.require_socket_path),
        Note(unset="none", wanted=f"has to be a path of at most {SOCKET_PATH_BYTES_MAX} bytes"),
    ] = Field(default=None, description="A unix socket to listen on as well, beside address and port.")
    uds_mode: Annotated[
        str,
        AfterValidator(texts.require_mode),
        Note(wanted="has to be three octal digits such as 660, in a TOML file with quotes"),
    ] = Field(default="0660", description="The mode of the unix socket: those who may write to it may ask.")
    uds_group: Annotated[str | None, Note(unset="the process's own")] = Field(
        default=None, description="The group of the unix socket, by name or number."
    )
    public_url: Annotated[
        str | None,
        AfterValidator(texts.read_optional_url),
        Note(
            unset="the address listened on, where that is loopback",
            wanted="has to be https://host or https://host:port, or http:// on this machine, without a path",
        ),
    ] = Field(
        default=None,
        description="The address of the service for browsers, such as https://tokens.example.com: OAuth's issuer.",
    )
    data_dir: Path = Field(default=Path("data"), description="Where the database, the pepper and other files live.")
    database_url: Annotated[
        str | None,
        Note(
            unset="SQLite in the data directory",
            secret=True,
            wanted="has to be sqlite:///path/to/file or postgresql://user@host/name",
        ),
    ] = Field(
        default=None,
        repr=False,
        description="sqlite:///path or postgresql://user@host/name. A password belongs in the variable or a file, not "
        "on the line.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="Processes that serve.")
    bind_workers: bool = Field(default=False, description="Keep each of several workers to a core.")
    scopes_file: Annotated[Path | None, Note(unset="the wire format's 17 resources")] = Field(
        default=None, description="A TOML file with the scopes that tokens may have."
    )
    providers_file: Annotated[Path | None, Note(unset="none")] = Field(
        default=None, description="A TOML file with the OpenID providers that people may sign in with."
    )
    bootstrap_token_file: Annotated[
        Path | None, Note(unset="printed once on a terminal, else first-token in the data directory")
    ] = Field(default=None, description="On the first start, write the first token to this new file of mode 0600.")
    trusted_proxies: Annotated[
        str,
        AfterValidator(texts.require_networks),
        Note(unset="none", wanted="has to be addresses or networks such as 10.0.0.0/8, or unix:, comma-separated"),
    ] = Field(
        default="",
        description="Addresses or networks, comma-separated, whose X-Forwarded-For is believed; unix: is all who come "
        "by the unix socket.",
    )
    rate_limit: int = Field(
        default=1600,
        ge=0,
        le=COUNT_MAX,
        description="Requests a minute for each user, with all tokens together; 0: no limit.",
    )
    rate_limit_failures: int = Field(
        default=60,
        ge=0,
        le=COUNT_MAX,
        description="Requests a minute without a valid token for each client address; 0: no limit.",
    )
    rate_limit_storage: Annotated[str, Note(secret=True)] = Field(
        default="memory",
        repr=False,
        description="Where requests are counted: memory, or redis://host:6379/0 for several machines. A password "
        "belongs in the variable or a file, not on the line.",
    )
    database_timeout: float = Field(
        default=TIMEOUT_SECONDS,
        ge=0.1,
        le=60,
        description="Seconds that a change waits for the database's lock, and that reading a list may take; less than "
        "the request timeout.",
    )
    request_timeout: float = Field(
        default=7.0, ge=0.1, le=60, description="Seconds to an answer of the management API, at most."
    )
    username_reservation_days: int = Field(
        default=365,
        ge=0,
        le=36500,
        description="Days for which nobody else may have the name of a user who was deleted or renamed; 0 to free it "
        "at once.",
    )
    rate_limit_sign_in: int = Field(
        default=10,
        ge=0,
        le=COUNT_MAX,
        description="Attempts a minute to sign in as a user, and thrice as many from an address; 0: no limit.",
    )
    password_memory: int = Field(
        default=65_536, ge=64, le=4_194_304, description="Memory that the hash of a password takes, in KiB (argon2id)."
    )
    password_rounds: int = Field(
        default=3, ge=1, le=1000, description="How often the hash of a password goes through its memory."
    )
    password_lanes: int = Field(default=4, ge=1, le=8, description="Threads in which the hash of a password is made.")
    session_idle_minutes: int = Field(
        default=720, ge=1, le=525_600, description="Minutes without a page after which somebody is signed out."
    )
    session_days: int = Field(
        default=14, ge=1, le=365, description="Days after which somebody has to sign in again, at the latest."
    )
    allowed_origins: Annotated[
        str,
        AfterValidator(texts.read_origins),
        Note(
            unset="none",
            wanted="has to be origins such as https://app.example.com, comma-separated; http:// on this machine alone",
        ),
    ] = Field(
        default="",
        description="Origins of a product's pages, comma-separated, in which its users manage their tokens by page "
        "tokens.",
    )
    client_registration: Literal["off", "token", "open"] = Field(
        default="off",
        description="Whether OAuth clients may register themselves: with an administrator's token, or anybody.",
    )
    client_documents: Literal["off", "open", "loopback"] = Field(
        default="off",
        description="Whether an https address of the internet is an OAuth client, whose document is fetched from "
        "there; with loopback, for development, also an http address of this machine.",
    )
    webhook_networks: Annotated[
        str,
        AfterValidator(texts.read_networks),
        Note(unset="none", wanted="has to be networks such as 10.0.0.0/8, comma-separated"),
    ] = Field(
        default="",
        description="Networks beside the internet, comma-separated, in which administrators may have webhooks; there "
        "by http too.",
    )
    smtp_url: Annotated[
        str | None,
        AfterValidator(texts.require_mail_server),
        Note(
            unset="none: no mail is sent",
            secret=True,
            wanted="has to be smtp://user:password@host or smtps://user:password@host, with a port or without",
        ),
    ] = Field(
        default=None,
        repr=False,
        description="The server by which mail goes out: smtps:// with TLS, smtp:// with STARTTLS, which only a server "
        "on this machine need not have. A password belongs in the variable or a file, not on the line.",
    )
    mail_from: Annotated[
        str | None,
        AfterValidator(texts.require_sender),
        Note(unset="none: no mail is sent", wanted="has to be an address"),
    ] = Field(default=None, description="The address that mail is from, such as tokens@example.com.")
    leak_keys_url: Annotated[
        str | None,
        AfterValidator(texts.require_fetched),
        Note(unset="none: no reports are taken", wanted="has to be an https address, or http:// on this machine"),
    ] = Field(default=None, description="Where GitHub's keys are, by which it signs reports of tokens that leaked.")
    token_prefix: Annotated[
        str,
        AfterValidator(texts.require_prefix),
        Note(
            wanted="has to be 2 to 12 of a-z, 0-9 and _, the last a _, and not what another kind of secret begins with"
        ),
    ] = Field(
        default=PERSONAL.prefix,
        description="What new personal tokens begin with, such as acme_. Those that begin otherwise go on working.",
    )
    realm: Annotated[
        str,
        AfterValidator(texts.require_realm),
        Note(wanted=f"has to be 1 to {REALM_LENGTH_MAX} characters of ASCII without quotation marks and backslashes"),
    ] = Field(default="tokenry", description="The realm in WWW-Authenticate: the name of what tokens are for.")
    invalid_token_text: Annotated[
        str | None, AfterValidator(texts.require_sentence), Note(unset="Invalid Token", wanted=_SENTENCE)
    ] = Field(default=None, description="What is said to whoever has no valid token.")
    insufficient_scope_text: Annotated[
        str | None,
        AfterValidator(texts.require_sentence),
        Note(unset="Your token is not authorized to use this endpoint.", wanted=_SENTENCE),
    ] = Field(
        default=None,
        description="What is said of a valid token whose scopes do not suffice. Unless it is set, /v4 says it as the "
        "wire format does.",
    )
    metadata_header: bool = Field(
        default=False,
        description="Tell gateways, in X-Auth-Metadata, the metadata of a token and its user: up to 11 KiB.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much the log says."
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_what_is_none(cls, given: object, field: ValidationInfo) -> object:
        """Refuse what would be taken for something else: true for 1, no path for `.`, no address for SQLite's.

        The null character too, which no name can have.
        """
        kind = cls.model_fields[str(field.field_name)].annotation
        if isinstance(given, bool) and kind is not bool:
            raise ValueError
        if isinstance(given, str) and ("\0" in given or (not given and field.field_name not in _MAY_BE_EMPTY)):
            raise ValueError
        return given

    @property
    def origins(self) -> frozenset[str]:
        """The origins of pages that page tokens are used from."""
        return frozenset(filter(None, self.allowed_origins.split(",")))

    @property
    def reach_of_webhooks(self) -> Networks:
        """Where administrators may have webhooks."""
        return Networks(tuple(map(ip_network, filter(None, self.webhook_networks.split(",")))), internet=True)

    @property
    def username_reservation(self) -> timedelta:
        """How long nobody else may have the name of a user who was deleted or renamed."""
        return timedelta(days=self.username_reservation_days)

    @property
    def hash_work(self) -> HashWork:
        """How much work the hash of a password is."""
        return HashWork(self.password_memory, self.password_rounds, self.password_lanes)

    @property
    def words(self) -> Words:
        """What whoever presents a token is told of a refusal."""
        return Words(self.realm, self.invalid_token_text, self.insufficient_scope_text)

    @property
    def session_limits(self) -> SessionLimits:
        """How long somebody stays signed in."""
        return SessionLimits(timedelta(minutes=self.session_idle_minutes), timedelta(days=self.session_days))

    def find_public_url(self) -> str:
        """The address for browsers, where no socket tells the port. Raises SetupError if nobody can know."""
        if self.public_url is None and is_loopback(self.host) and self.port:
            return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"
        if self.public_url is None:
            raise SetupError(
                "Nobody knows by which address browsers reach the service: set --public-url or TOKENRY_PUBLIC_URL."
            )
        return self.public_url

    def catalogue(self) -> Catalogue:
        """The scopes that tokens may have. Raises SetupError."""
        return default_catalogue() if self.scopes_file is None else read_catalogue(self.scopes_file)

    def providers(self) -> tuple[Provider, ...]:
        """The OpenID providers that people may sign in with. Raises SetupError."""
        return () if self.providers_file is None else read_providers(self.providers_file)

    def mail(self) -> MailSettings | None:
        """How mail is sent; None where it is not. Raises SetupError where a half of that is set."""
        if self.smtp_url is None and self.mail_from is None:
            return None
        if self.smtp_url is None or self.mail_from is None:
            lacking = variable_of("mail_from" if self.mail_from is None else "smtp_url")
            raise SetupError(f"{lacking} is not set: mail takes TOKENRY_SMTP_URL and TOKENRY_MAIL_FROM, both or none.")
        return MailSettings(read_mail_server(self.smtp_url), self.mail_from)

    def require_deadlines_in_order(self) -> None:
        """Raise SetupError unless a request has time left when its wait for others has ended."""
        if not self.database_timeout < self.request_timeout:
            raise SetupError(
                f"TOKENRY_DATABASE_TIMEOUT ({self.database_timeout:g} seconds) has to be less than "
                f"TOKENRY_REQUEST_TIMEOUT ({self.request_timeout:g} seconds): a request waits for the database within "
                "its own time."
            )


NOTES = {
    name: next((note for note in field.metadata if isinstance(note, Note)), Note())
    for name, field in Settings.model_fields.items()
}
SECRETS = frozenset(name for name, note in NOTES.items() if note.secret)
PREFIX = "TOKENRY_"
CONFIG_FILE = f"{PREFIX}CONFIG_FILE"


def variable_of(name: str) -> str:
    """The variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def flag_of(name: str) -> str:
    """The flag of a setting."""
    return f"--{name.replace('_', '-')}"


VARIABLES = frozenset(
    {CONFIG_FILE, *map(variable_of, Settings.model_fields)} | {f"{variable_of(name)}_FILE" for name in SECRETS}
)
CLIENT_VARIABLES = frozenset(
    f"{PREFIX}{name}" for name in ("URL", "TOKEN", "TOKEN_FILE", "CONTEXT", "CONFIG_DIR", "STATE_DIR")
)
"""Those of the client and its command line, which mean nothing to the service and may well be set beside it."""


def unknown_variables(environment: Iterable[str] = os.environ) -> list[str]:
    """The TOKENRY_* variables that mean nothing here: most likely misspelt."""
    known = VARIABLES | CLIENT_VARIABLES
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def forget_variables(environment: MutableMapping[str, str] = os.environ) -> None:
    """Take what was read out of the environment, so that no process that this one starts is given a password in it.

    Not all of them close their memory to others: one is Python's own, `multiprocessing.resource_tracker`.
    """
    for name in [name for name in environment if name.startswith(PREFIX)]:  # misspelt ones too
        del environment[name]


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
            f"The data directory {path} is not writable by this user: change its owner, or choose another with "
            "--data-dir or TOKENRY_DATA_DIR."
        )
