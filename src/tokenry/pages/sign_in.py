"""Signing in by a password."""

from collections.abc import Callable, Sequence
from functools import partial

from tokenry.domain.errors import Fault, Unauthorized
from tokenry.domain.passwords import PASSWORD_LENGTH_MAX, normalise
from tokenry.domain.providers import Provider
from tokenry.domain.users import EMAIL_LENGTH_MAX
from tokenry.pages.page import Run
from tokenry.pages.paths import own_path
from tokenry.pages.second_step import SecondStepPages
from tokenry.pages.throttle import TOO_OFTEN, Throttle
from tokenry.pages.visits import Redirect, Reply, Visit, show
from tokenry.service.hashing import Hashing
from tokenry.service.installation import Installation

WRONG = "The name or the password is wrong."
"""Whatever was: there is no such user, the user has no password or is disabled, or it is another password."""


class SignInPages:
    """`/sign-in`."""

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
        self._party = installation.passkeys.party
        self._hashing = hashing
        self._throttle = throttle
        self._second_step = second_step
        self._providers = providers

    def show_sign_in(self, visit: Visit) -> Reply:
        """GET the form; who is signed in goes on to where it would lead."""
        target = own_path(visit.query.get("next"))
        return self._ask(target, "") if visit.session is None else Redirect(target)

    async def sign_in(self, visit: Visit, run: Run) -> Reply:
        """POST a name and a password.

        Every wrong answer takes the same steps: a look-up, a comparison, and an answer, after which failures of known
        users are written down.
        """
        name, password = visit.form.get("name").strip(), normalise(visit.form.get("password"))
        target = own_path(visit.form.find("next"))
        ask = partial(self._ask, target, name)
        faults = [] if name else [Fault("Enter your username or email address.", "name")]
        faults += [] if password else [Fault("Enter your password.", "password")]
        if faults:
            return ask(faults)
        if await self._throttle.refuses_from(visit.address):
            return ask([Fault(TOO_OFTEN)], 429)
        typed = name[:EMAIL_LENGTH_MAX]
        who = await run(partial(self._passwords.find_signing_in, typed, visit.address))
        if await self._throttle.refuses_name(typed, visit.address, known_address=who.known_address):
            return ask([Fault(TOO_OFTEN)], 429)
        right = await self._hashing.verify(who.hash, password[: PASSWORD_LENGTH_MAX + 1])
        if right and who.hash is not None:
            rehashed = await self._hashing.hash(password) if self._hashing.is_outdated(who.hash) else None
            try:
                proved = await run(
                    partial(
                        self._passwords.sign_in,
                        who,
                        address=visit.address,
                        agent=visit.agent,
                        replaced=visit.session,
                        rehashed=rehashed,
                    ),
                    writes=True,
                )
            except Unauthorized:  # since the comparison it was changed, or the user disabled
                return ask([Fault(WRONG)])
            return self._second_step.go_on(visit, proved, target)
        noting: Callable[[], object] = self._passwords.note_failure_of_nobody
        if who.user is not None:
            noting = partial(self._passwords.note_failure, who.user.id, address=visit.address)
        return ask([Fault(WRONG)], afterwards=noting)

    def _ask(
        self,
        target: str,
        name: str,
        faults: Sequence[Fault] = (),
        status: int = 400,
        *,
        afterwards: Callable[[], object] | None = None,
    ) -> Reply:
        """Show the form, with what is wrong if there is something; of what was filled in, never the password."""
        return show(
            "sign_in",
            status if faults else 200,
            afterwards=afterwards,
            faults=faults,
            next=target,
            name=name,
            passkey=self._party is not None,
            providers=self._providers,
        )
