"""Signing in by a password, and proving anew who one is."""

from collections.abc import Callable, Sequence
from functools import partial

from tokenry.domain.errors import Fault, Unauthorized
from tokenry.domain.passwords import PASSWORD_LENGTH_MAX, normalise
from tokenry.domain.providers import Provider
from tokenry.domain.sessions import Session
from tokenry.domain.users import EMAIL_LENGTH_MAX
from tokenry.pages.attempts import TOO_OFTEN, Attempts
from tokenry.pages.page import Run
from tokenry.pages.paths import own_path
from tokenry.pages.second_step import SecondStepPages
from tokenry.pages.signed_in import go_on, session_cookie
from tokenry.pages.visits import Redirect, Reply, Shown, Visit, show
from tokenry.service.hashing import Hashing
from tokenry.service.passwords import Passwords
from tokenry.service.sessions import Sessions

WRONG = "The name or the password is wrong."
"""Whatever was: there is no such user, the user has no password or is disabled, or it is another password."""


class SignInPages:
    """`/sign-in` and `/sign-in/again`."""

    def __init__(
        self,
        passwords: Passwords,
        sessions: Sessions,
        hashing: Hashing,
        attempts: Attempts,
        *,
        second_step: SecondStepPages,
        providers: Sequence[Provider],
    ) -> None:
        self._passwords = passwords
        self._sessions = sessions
        self._hashing = hashing
        self._attempts = attempts
        self._second_step = second_step
        self._providers = providers

    def show_sign_in(self, visit: Visit) -> Reply:
        """GET the form; who is signed in goes on to where it would lead."""
        target = own_path(visit.query.get("next"))
        return (
            Redirect(target)
            if visit.session is not None
            else show("sign_in", next=target, name="", providers=self._providers)
        )

    async def sign_in(self, visit: Visit, run: Run) -> Reply:
        """POST a name and a password.

        Every wrong answer takes the same steps: a look-up, a comparison, and an answer, after which failures of known
        users are written down.
        """
        name, password = visit.form.get("name").strip(), normalise(visit.form.get("password"))
        asked = partial(_ask, "sign_in", next=own_path(visit.form.get("next")), name=name, providers=self._providers)
        faults = [] if name else [Fault("Enter your username or email address.", "name")]
        faults += [] if password else [Fault("Enter your password.", "password")]
        if faults:
            return asked(faults)
        if await self._attempts.are_too_many_from(visit.address):
            return asked([Fault(TOO_OFTEN)], 429)
        typed = name[:EMAIL_LENGTH_MAX]
        who = await run(partial(self._passwords.find_signing_in, typed, visit.address))
        if await self._attempts.are_too_many_of(typed, visit.address, known_address=who.known_address):
            return asked([Fault(TOO_OFTEN)], 429)
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
                return asked([Fault(WRONG)])
            return self._second_step.go_on(visit, proved, own_path(visit.form.get("next")))
        noting: Callable[[], object] = self._passwords.note_failure_of_nobody
        if who.user is not None:
            noting = partial(self._passwords.note_failure, who.user.id, address=visit.address)
        return asked([Fault(WRONG)], afterwards=noting)

    def show_again(self, visit: Visit) -> Reply:
        """GET the form that asks who is signed in for the password once more."""
        session = visit.signed_in
        return show(
            "sign_in_again",
            user=session.user,
            next=own_path(visit.query.get("next")),
            providers=self._providers_of(session),
        )

    async def sign_in_again(self, visit: Visit, run: Run) -> Reply:
        """POST the password once more; from then on what is dangerous may be done for some minutes."""
        session, password = visit.signed_in, normalise(visit.form.get("password"))
        target = own_path(visit.form.get("next"))
        asked = partial(_ask, "sign_in_again", user=session.user, next=target, providers=self._providers_of(session))
        if not password:
            return asked([Fault("Enter your password.", "password")])
        if await self._attempts.are_too_many_from(visit.address) or await self._attempts.are_too_many_of(
            session.user.username, visit.address, known_address=True
        ):
            return asked([Fault(TOO_OFTEN)], 429)
        hash = await run(partial(self._passwords.find_hash, session))
        if not await self._hashing.verify(hash, password[: PASSWORD_LENGTH_MAX + 1]) or hash is None:
            noting = partial(self._passwords.note_failure, session.user.id, address=visit.address)
            return asked([Fault("The password is wrong.", "password")], afterwards=noting)
        secret = await run(partial(self._sessions.authenticate_again, visit.origin, session), writes=True)
        return go_on(target, session_cookie(secret, self._sessions))

    def _providers_of(self, session: Session) -> Sequence[Provider]:
        """The providers by which it can be proved anew who is signed in: by which it was proved before."""
        return [provider for provider in self._providers if provider.method == session.method]


def _ask(
    template: str,
    faults: Sequence[Fault],
    status: int = 400,
    *,
    afterwards: Callable[[], object] | None = None,
    **values: object,
) -> Reply:
    """Show a form once more, with what is wrong; of what was filled in, never the password."""
    return Shown(f"{template}.html", {"faults": faults, **values}, status, afterwards=afterwards)
