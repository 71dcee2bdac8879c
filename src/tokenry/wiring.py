"""From settings to everything that decides and changes; `application.py` puts HTTP around it."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tokenry.domain.errors import SetupError
from tokenry.domain.secrets import Secret, personal_kind
from tokenry.jobs import Job, Where
from tokenry.service import mailing, notices, shortening, telling
from tokenry.service.command_line import register_command_line
from tokenry.service.documents import Documents
from tokenry.service.grants.withdrawal import end_withdrawn
from tokenry.service.installation import Installation, Others, begin_installation
from tokenry.service.overview import LOOK_SECONDS
from tokenry.service.pruning import PRUNING_SECONDS
from tokenry.service.registration import Registration
from tokenry.service.transactions import Transactions
from tokenry.serving import descriptors
from tokenry.serving.descriptors import DescriptorWatch
from tokenry.settings import Settings, require_directory
from tokenry.storage.database import Database, database_url
from tokenry.storage.files import find_peppers, setup_lock
from tokenry.storage.migration import migrate, one_at_a_time, refuse_newer, require_current
from tokenry.storage.peppers import find_matching_peppers, set_up_peppers, settle_peppers
from tokenry.storage.usernames import list_ambiguous
from tokenry.verification import clock as clocks
from tokenry.verification import last_used
from tokenry.verification import screen as screening
from tokenry.verification.cache import Cache
from tokenry.verification.clock import ClockWatch
from tokenry.verification.follower import NO_LOCK, TEND_SECONDS, Tending
from tokenry.verification.last_used import Uses
from tokenry.verification.needs import ReadPolicy, policy_reader
from tokenry.verification.screen import Screen
from tokenry.verification.sqlite import SqliteCredentials
from tokenry.verification.verifier import Credentials, Verifier


@dataclass(frozen=True, slots=True)
class Deciding:
    """What decides on tokens in this process. What has to be looked after meanwhile `list_jobs` says."""

    verifier: Verifier
    read_policy: ReadPolicy
    credentials: Credentials
    cache: Cache | None
    screen: Screen | None
    uses: Uses
    database: Database
    clock_watch: ClockWatch

    def leave_to_parent(self) -> None:
        """In a process that was forked: leave what is remembered to the parent. It cannot be used here any more."""
        if self.cache is not None:
            self.database.epoch.leave_to_parent()

    async def close(self) -> None:
        """Write down the last uses, and let go of the database."""
        await self.uses.close()
        await self.credentials.close()
        self.database.close()


def prepare(settings: Settings, clock: Callable[[], float] = time.time) -> Sequence[str]:
    """Make or migrate the database, make the pepper, register the command line, and end what lost a scope.

    Raises SetupError. What was done by then is gone on from later. Safe to run twice, and in several processes at once,
    on several hosts too. Returns the usernames that are an older user's in another case. `clock` gives seconds since
    1970.
    """
    require_directory(settings.data_dir)
    catalogue = settings.catalogue()
    settings.providers()
    settings.mail()
    database = _database(settings)
    try:
        with setup_lock(settings.data_dir), one_at_a_time(database):
            find_peppers(settings.data_dir)  # refused before anything is made, if they are damaged
            if refuse_newer(database) is not None:
                settle_peppers(settings.data_dir, database)
            migrate(database)
            set_up_peppers(settings.data_dir, database)
            transactions = Transactions(database, _moments(clock))
            register_command_line(transactions)
            end_withdrawn(transactions, catalogue)
            with database.read() as connection:
                return list_ambiguous(connection)
    finally:
        database.close()


def open_installation(settings: Settings, clock: Callable[[], float] = time.time) -> Installation:
    """Open an installation that `prepare` has been through. Raises SetupError.

    `clock` gives seconds since 1970.
    """
    catalogue = settings.catalogue()
    database = _database(settings)
    if database.is_sqlite and not Path(str(database.url.database)).exists():
        raise SetupError(
            f"There is no database {database.url.database}: run `tokenry migrate` or `tokenry serve` first."
        )
    try:
        require_current(database)
        peppers = find_matching_peppers(settings.data_dir, database)
    except BaseException:
        database.close()
        raise
    if peppers is None:
        database.close()
        raise SetupError(f"The database was never set up completely: run `tokenry migrate` with {settings.data_dir}.")

    return Installation(
        database,
        peppers,
        catalogue,
        _moments(clock),
        settings.username_reservation,
        public_url=settings.public_url,
        session_limits=settings.session_limits,
        others=Others(
            Registration(settings.client_registration),
            Documents(settings.client_documents),
            settings.reach_of_webhooks,
            settings.mail(),
            settings.leak_keys_url,
        ),
        allowed_origins=settings.origins,
        kind=personal_kind(settings.token_prefix),
    )


def begin(installation: Installation, deliver: Callable[[Secret], None]) -> Secret | None:
    """Make the first account, administrator and token, unless they are there; the token, or None."""
    return begin_installation(installation.transactions, installation.accounts, installation.tokens, deliver)


def begin_verification(installation: Installation, clock: Callable[[], float] = time.time) -> Deciding:
    """Make ready to decide on the tokens of an installation. `clock` gives seconds since 1970."""
    database = installation.database
    credentials = credentials_of(database)
    cache = screen = None
    if isinstance(credentials, SqliteCredentials):
        cache = Cache(database.epoch.changed)
        credentials = screen = Screen(credentials, database.epoch.created)
    uses = Uses(database, clock)
    read_scopes = installation.catalogue.stored
    return Deciding(
        verifier=Verifier(credentials, installation.peppers, clock, cache=cache, uses=uses, read_scopes=read_scopes),
        read_policy=policy_reader(installation.catalogue),
        credentials=credentials,
        cache=cache,
        screen=screen,
        uses=uses,
        database=database,
        clock_watch=ClockWatch(clock),
    )


def list_jobs(
    installation: Installation, verification: Deciding, lock: AbstractContextManager[object] = NO_LOCK
) -> Sequence[Job]:
    """All that is done beside the answers. A process does those that `Where` gives it.

    `lock` is that of those who use what is remembered in other threads.
    """
    cache, screen, uses = verification.cache, verification.screen, verification.uses
    jobs = [
        Job("writing down uses of tokens", last_used.INTERVAL_SECONDS, Where.PROCESS, partial(uses.flush, lock)),
        Job("watching the clock", clocks.LOOK_SECONDS, Where.PROCESS, verification.clock_watch.look),
        Job("watching file descriptors", descriptors.LOOK_SECONDS, Where.WORKER, DescriptorWatch().look),
        Job("counting tokens", LOOK_SECONDS, Where.FLEET, installation.overviews.run),
        Job("deleting what expired", PRUNING_SECONDS, Where.FLEET, installation.pruning.run),
        Job("telling webhooks", telling.INTERVAL_SECONDS, Where.FLEET, installation.telling.run),
        Job("trying webhooks that fail", telling.INTERVAL_SECONDS, Where.FLEET, installation.telling.try_failing),
        Job("noting what users are told", notices.LOOK_SECONDS, Where.FLEET, installation.notices.run),
        Job("shortening tokens", shortening.LOOK_SECONDS, Where.FLEET, installation.shortenings.run),
        Job("mailing what users are told", mailing.INTERVAL_SECONDS, Where.FLEET, installation.mailing.run),
    ]
    if cache is not None and screen is not None:
        tending = Tending(installation.database.epoch, (cache, screen), lock)
        jobs += [
            Job("tending the epoch", TEND_SECONDS, Where.PROCESS, tending.look),
            Job("listing all tokens", screening.LOOK_SECONDS, Where.PROCESS, partial(screen.fill, lock), at_once=True),
        ]
    return jobs


def credentials_of(database: Database) -> Credentials:
    """The look-up that fits the database."""
    if database.is_sqlite:
        return SqliteCredentials(str(database.url.database))
    from tokenry.verification.postgres import PostgresCredentials  # noqa: PLC0415 - what it imports is an extra

    return PostgresCredentials(database.url)


def _moments(clock: Callable[[], float]) -> Callable[[], datetime]:
    return lambda: datetime.fromtimestamp(clock(), UTC)


def _database(settings: Settings) -> Database:
    return Database(database_url(settings.database_url, settings.data_dir), timeout=settings.database_timeout)
