"""The HTTP application of one worker process. What only commands and embedded verification need is in `wiring.py`."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from anyio import create_task_group
from starlette.types import ASGIApp

from tokenry.counters.opening import Counters, open_counters
from tokenry.domain.accounts import Actor
from tokenry.faces import create_app, routes
from tokenry.gate.fast_path import APP_STATE_KEY, FastPath
from tokenry.jobs import run_jobs
from tokenry.openid.relying_party import OpenIdRelyingParty
from tokenry.pages.page import Checks as PageChecks
from tokenry.pages.paths import CALLBACK
from tokenry.pages.throttle import Throttle
from tokenry.service.hashing import Hashing
from tokenry.serving.health import Readiness
from tokenry.settings import Settings
from tokenry.verification.bound_tokens import BoundTokens
from tokenry.verification.inspection import Inspector
from tokenry.web.limits import RateLimits
from tokenry.web.resource import Checks
from tokenry.web.threads import Threads
from tokenry.wiring import begin_verification, list_jobs, open_installation


def build_app(settings: Settings, clock: Callable[[], float] = time.time, counters: Counters | None = None) -> ASGIApp:
    """Build the whole HTTP application of one worker process. `counters` are those it shares with others."""
    installation = open_installation(settings, clock)
    counters = counters or open_counters(settings.rate_limit_storage)
    verification = begin_verification(installation, clock)
    verifier = verification.verifier
    limits = RateLimits(
        counters,
        requests=settings.rate_limit,
        failures=settings.rate_limit_failures,
        now=clock,
        name=installation.peppers.check_value()[:4].hex(),
    )

    quotas = getattr(counters, "quotas", None)
    metadata = settings.metadata_header
    fast_path = FastPath(verifier, verification.read_policy, settings.words, quotas, metadata=metadata)

    @asynccontextmanager
    async def lifespan(app: ASGIApp) -> AsyncIterator[Mapping[str, object]]:
        async with create_task_group() as tasks:
            tasks.start_soon(run_jobs, list_jobs(installation, verification))
            yield {APP_STATE_KEY: fast_path}
            tasks.cancel_scope.cancel()
        await verification.close()
        await counters.close()

    threads = Threads(settings.request_timeout)

    async def find_keys(actor: Actor, previews: Sequence[str]) -> Mapping[str, str]:
        return await threads.run(partial(installation.proofs.find_keys, previews), who=actor.user_id)

    inspector = Inspector(verifier.without_uses(), find_keys)
    bound_tokens = BoundTokens(verifier, installation.proofs, installation.transactions.now, threads.run)
    checks = Checks(verifier, limits, installation.admission, threads, bound_tokens, installation.public_url)
    page_checks = PageChecks(
        installation.sessions, limits, threads, installation.transactions.now, installation.public_url
    )
    hashing, throttle = Hashing(settings.hash_work), Throttle(limits, settings.rate_limit_sign_in)
    ready = Readiness(installation.database, verification.credentials.find)
    parties = [
        OpenIdRelyingParty(
            provider, f"{installation.public_url}{CALLBACK}/{provider.name}", installation.transactions.now
        )
        for provider in settings.providers()
    ]
    table = routes(
        installation,
        checks,
        inspector,
        ready,
        words=settings.words,
        metadata_header=metadata,
        page_checks=page_checks,
        hashing=hashing,
        throttle=throttle,
        parties=parties,
    )
    return create_app(table, lifespan)
