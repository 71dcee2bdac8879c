"""Proving anew who is signed in: by all that it takes to sign in, before what is dangerous."""

from collections.abc import Callable, Sequence
from functools import partial

from tokenry.domain.errors import Fault
from tokenry.domain.passwords import PASSWORD_LENGTH_MAX, normalise
from tokenry.domain.providers import Provider
from tokenry.pages.page import Run
from tokenry.pages.paths import own_path
from tokenry.pages.second_step import SecondStepPages
from tokenry.pages.throttle import TOO_OFTEN, Throttle
from tokenry.pages.visits import Reply, Visit, show
from tokenry.service.hashing import Hashing
from tokenry.service.installation import Installation

ATTEMPT = "again"
WRONG = Fault("The password is wrong.", "password")


class SignInAgainPages:
    """`/sign-in/again`. Passkeys and providers have pages of their own, to which this one leads."""

    def __init__(
        self,
        installation: Installation,
        hashing: Hashing,
        throttle: Throttle,
        *,
        second_step: SecondStepPages,
        providers: Sequence[Provider],
    ) -> None:
        self._passwords = installation.passwords
        self._factors = installation.factors
        self._party = installation.passkeys.party
        self._hashing = hashing
        self._throttle = throttle
        self._second_step = second_step
        self._providers = providers

    def show(self, visit: Visit) -> Reply:
        """GET the ways in which who is signed in can prove it."""
        return self._ask(visit, own_path(visit.query.get("next")))

    async def take(self, visit: Visit, run: Run) -> Reply:
        """POST the password; who has a second factor is asked for that next.

        From then on what is dangerous may be done for some minutes.
        """
        session, password = visit.signed_in, normalise(visit.form.get("password"))
        target = own_path(visit.form.find("next"))
        ask = partial(self._ask, visit, target)
        if not password:
            return await run(partial(ask, Fault("Enter your password.", "password")))
        if await self._throttle.refuses_session(session, visit.address, ATTEMPT):
            return await run(partial(ask, Fault(TOO_OFTEN), 429))
        hash = await run(partial(self._passwords.find_hash, session))
        if not await self._hashing.verify(hash, password[: PASSWORD_LENGTH_MAX + 1]) or hash is None:
            noting = partial(self._passwords.note_failure, session.user.id, address=visit.address)
            return await run(partial(ask, WRONG, afterwards=noting))
        proved = await run(partial(self._passwords.prove, visit.origin, session, hash), writes=True)
        return self._second_step.go_on(visit, proved, target)

    def _ask(
        self,
        visit: Visit,
        target: str,
        wrong: Fault | None = None,
        status: int = 400,
        *,
        afterwards: Callable[[], object] | None = None,
    ) -> Reply:
        session = visit.signed_in
        held = self._factors.list_held(session)
        return show(
            "sign_in_again",
            200 if wrong is None else status,
            afterwards=afterwards,
            faults=[] if wrong is None else [wrong],
            next=target,
            password=held.password_set is not None,
            passkey=bool(held.passkeys) and self._party is not None,
            # By another provider than before it would be another proof; and one may have been taken out of the file.
            providers=[provider for provider in self._providers if provider.method == session.method],
        )
