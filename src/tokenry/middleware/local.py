"""Deciding in this process, on the database of the service: a function call and no network.

The process has to run as a user who may read and write the service's database and read its pepper, so this is for
applications that are trusted like the service itself.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache

from tokenry.domain.errors import Fault, InsufficientScope, Invalid, Unauthorized
from tokenry.domain.identity import identity_of
from tokenry.domain.public_url import read_public_url
from tokenry.domain.scopes import Scopes
from tokenry.domain.words import WORDS, Words
from tokenry.middleware.answers import Answer, Refused
from tokenry.middleware.questions import Needs, Question, fail_closed, refuse_unknown

try:
    from anyio import create_task_group

    from tokenry.domain.checks import Denial
    from tokenry.jobs import Job, Where, run_jobs
    from tokenry.sources import take_settings
    from tokenry.storage.deadline import within
    from tokenry.storage.memory import require_frames
    from tokenry.verification.bound_tokens import BoundTokens, Shown
    from tokenry.verification.challenge import challenge
    from tokenry.verification.needs import level_of
    from tokenry.verification.verifier import Decision, KnownPresenter
    from tokenry.wiring import Deciding, begin_verification, list_jobs, open_installation
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] == "tokenry":
        raise
    text = f'{error.name} is not installed, and deciding in this process needs it: run pip install "tokenry[server]".'
    raise ImportError(text, name=error.name) from error

TIMEOUT_SECONDS = 1.0
NOT_COUNTED = Fault("LocalVerifier counts no requests: leave it out, or use a RemoteVerifier", "cost")
REFUSALS_MAX = 256


class LocalVerifier:
    """Decides like the service whose data directory, database and scopes these are, and together with it.

    On SQLite a question is answered where it is asked, at once. On PostgreSQL it waits for the database, at most
    `timeout` seconds. A thread of its own, until it is closed, writes down uses and looks after what is remembered.

    `origin` is the application's public address, such as `https://api.example.com`: with it tokens that are bound to a
    key are accepted, with a proof for that address (RFC 9449), which is written into the database. Without it they are
    refused. `words` are those of refusals: the service's own, if it has set others than the usual ones.

    It counts no requests against limits of tokens, since workers of the service do that in memory of their own: needs
    with a `cost` are refused.

    Safe to be used by several threads and event loops, and after a fork. Raises SetupError, and ValueError for what
    cannot be an origin.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str] = "data",
        *,
        database_url: str | None = None,
        scopes_file: str | os.PathLike[str] | None = None,
        timeout: float = TIMEOUT_SECONDS,
        origin: str | None = None,
        words: Words = WORDS,
    ) -> None:
        self._origin = None if origin is None else read_public_url(origin)
        self._settings = take_settings(data_dir=data_dir, database_url=database_url, scopes_file=scopes_file)
        self._timeout = timeout
        self._words = words
        self._lock = threading.Lock()
        self._keeper: _Keeper | None = None
        self._left: list[_Keeper | None] = []
        self._open()
        os.register_at_fork(after_in_child=self._begin_anew)

    def verify(self, question: Question) -> Answer:
        """Decide; on PostgreSQL, waiting for the database."""
        try:
            needed, found = self._decide(question)
            decision = found.result(self._timeout) if isinstance(found, Future) else found
        except Exception as error:  # noqa: BLE001 - a failure to decide must not become the application's
            return fail_closed("this process", question, error)
        return _read_decision(decision, needed, self._words)

    async def verify_async(self, question: Question) -> Answer:
        """Decide."""
        try:
            needed, found = self._decide(question)
            if isinstance(found, Future):
                async with asyncio.timeout(self._timeout):
                    found = await asyncio.wrap_future(found)
        except Exception as error:  # noqa: BLE001 - as above
            return fail_closed("this process", question, error)
        return _read_decision(found, needed, self._words)

    def check(self, *needs: Needs) -> None:
        """Refuse what the catalogue lacks. Raises ValueError with each, and what may be meant."""
        refuse_unknown(self._catalogue, needs)

    def close(self) -> None:
        """Write down the last uses, and let go of the database and the thread. A later question opens them again."""
        with self._lock:
            keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.stop()
            atexit.unregister(self.close)

    async def close_async(self) -> None:
        """Do the same without holding up the event loop."""
        await asyncio.to_thread(self.close)

    def _decide(self, question: Question) -> tuple[Scopes, Decision | Future[Decision]]:
        """What is needed, and the decision, or its future. Raises Refusal."""
        needs = question.needs
        if needs.cost:
            raise Invalid(NOT_COUNTED)
        client = KnownPresenter(question.address, question.agent)
        require_frames()  # not in the midst of it, with the lock held
        with self._lock:  # the cache and SQLite's connection are for one thread at a time
            keeper = self._keeper or self._open()
            level = level_of(question.method) if needs.by_method else None
            needed = keeper.verification.read_policy(needs.query.encode("ascii"), level)
            verifier, bound_tokens = keeper.verification.verifier, keeper.bound_tokens
            proved = self._origin is not None and question.is_bound
            decide_now = bound_tokens.find_now if proved else verifier.verify_now
            decision = decide_now(question.authorization, needed, client)
        if proved:
            shown = Shown(self._origin, question.method, question.target, question.proof)
            waiting = bound_tokens.decide(question.authorization, needed, client, shown, found=decision)
        elif decision is None:
            waiting = verifier.verify(question.authorization, needed, client)
        else:
            return needed, decision
        return needed, asyncio.run_coroutine_threadsafe(waiting, keeper.loop)

    def _open(self) -> "_Keeper":
        installation = open_installation(self._settings)
        self._catalogue = installation.catalogue
        verification = begin_verification(installation)
        now = installation.transactions.now
        bound_tokens = BoundTokens(verification.verifier, installation.proofs, now, self._run_in_thread)
        jobs = list_jobs(installation, verification, self._lock)
        self._keeper = keeper = _Keeper(verification, bound_tokens, jobs)
        atexit.register(self.close)
        return keeper

    async def _run_in_thread(self, work: Callable[[], bool], *, who: int, writes: bool) -> bool:
        """Do what waits for the database in a thread, for as long as anybody waits for it."""
        with within(self._timeout):
            return await asyncio.to_thread(work)

    def _begin_anew(self) -> None:
        """In a child process there is no thread, and the lock may be held by one that there was.

        What the parent has open is left alone: closing a file of SQLite's drops the locks on it.
        """
        if self._keeper is not None:
            self._keeper.verification.leave_to_parent()
        self._left.append(self._keeper)
        self._keeper, self._lock = None, threading.Lock()


class _Keeper:
    """A thread with an event loop, for all that goes on beside the questions."""

    def __init__(self, verification: Deciding, bound_tokens: BoundTokens, jobs: Sequence[Job]) -> None:
        self.verification = verification
        self.bound_tokens = bound_tokens
        self.loop = asyncio.new_event_loop()
        self._jobs = [job for job in jobs if job.where is Where.PROCESS]
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tokenry", daemon=True)
        self._thread.start()
        self._ready.wait()  # a fork from now on must not find modules half imported

    def stop(self) -> None:
        """End the thread, when it has written down the last uses."""
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
                runner.run(self._keep())
        finally:
            self._ready.set()

    async def _keep(self) -> None:
        async with create_task_group() as tasks:
            tasks.start_soon(run_jobs, self._jobs)
            self._ready.set()
            await self._stop.wait()
            tasks.cancel_scope.cancel()
        await self.verification.close()


def _read_decision(decision: Decision, needed: Scopes, words: Words) -> Answer:
    actor, denial = decision.actor, decision.denial
    if actor is not None and denial is None:
        return identity_of(actor)
    challenged = challenge(decision, str(needed), realm=words.realm)
    return _refusal(challenged, words, lacks_scope=denial is Denial.INSUFFICIENT_SCOPE)


@lru_cache(maxsize=REFUSALS_MAX)
def _refusal(challenged: str, words: Words, *, lacks_scope: bool) -> Refused:
    """What is said of a denial: written once for each, since whoever makes tokens up pays nothing for it."""
    if lacks_scope:
        return Refused.because(403, *words.put(InsufficientScope()).faults, challenge=challenged)
    return Refused.because(401, *words.put(Unauthorized()).faults, challenge=challenged)
