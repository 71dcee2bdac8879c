"""The step after the password, for who has a second factor, the first time and anew; and going on after the last."""

from functools import partial
from urllib.parse import quote

from tokenry.domain.errors import Fault, Unauthorized
from tokenry.domain.recovery_codes import TYPED_LENGTH_MAX
from tokenry.domain.secrets import Secret
from tokenry.pages.page import Run
from tokenry.pages.paths import SECOND_STEP, own_path
from tokenry.pages.rendering import PASSKEYS
from tokenry.pages.signed_in import go_on, session_cookie, start_path
from tokenry.pages.throttle import TOO_OFTEN, Throttle
from tokenry.pages.visits import Cookie, Redirect, Reply, Visit, show
from tokenry.service.passkey_sign_in import PasskeySignIn
from tokenry.service.passwords import PasswordProved
from tokenry.service.second_steps import LIFETIME, Pending, SecondStepRefused, SecondSteps
from tokenry.service.sessions import Sessions

COOKIE = "tokenry-second-step"
_OVER = Cookie(COOKIE, "")
NOTHING = "Enter a code."
WRONG = "That code is wrong, or was used already."
WAIT = "There were too many wrong codes. Wait an hour, or use a recovery code or a passkey."


class SecondStepPages:
    """`/sign-in/second`."""

    def __init__(
        self, second_steps: SecondSteps, passkeys: PasskeySignIn, sessions: Sessions, throttle: Throttle
    ) -> None:
        self._second_steps = second_steps
        self._passkeys = passkeys
        self._sessions = sessions
        self._throttle = throttle

    def go_on(self, visit: Visit, proved: Secret | PasswordProved, target: str, *cookies: Cookie) -> Reply:
        """After a password that was right: its session, or the second step."""
        if isinstance(proved, Secret):
            return go_on(target, session_cookie(proved, self._sessions), *cookies)
        ticket = self._second_steps.begin(proved, visit.form_token)
        pending = Cookie(COOKIE, ticket, int(LIFETIME.total_seconds()))
        return Redirect(f"{SECOND_STEP}?next={quote(target, safe='/')}", [pending, *cookies])

    def find_pending(self, visit: Visit) -> Pending | None:
        """Find whose second step it is, with this browser."""
        return self._second_steps.find_pending(visit.cookies.get(COOKIE, ""), visit.form_token)

    def show(self, visit: Visit) -> Reply:
        """GET the forms for a code and for a passkey."""
        pending = self.find_pending(visit)
        target = own_path(visit.query.get("next"))
        return _start_over(visit, target) if pending is None else self._ask(visit, pending, target)

    async def take(self, visit: Visit, run: Run) -> Reply:
        """POST a code."""
        target, typed = own_path(visit.form.find("next")), visit.form.get("code").strip()[:TYPED_LENGTH_MAX]
        pending = await run(partial(self.find_pending, visit))
        if pending is None:
            return _start_over(visit, target)
        ask = partial(self._ask, visit, pending, target)
        if not typed:
            return await run(partial(ask, NOTHING))
        if await self._throttle.refuses_from(visit.address):
            return await run(partial(ask, TOO_OFTEN, 429))
        taking = partial(
            self._second_steps.take_code,
            visit.cookies.get(COOKIE, ""),
            typed.replace(" ", ""),
            bound_to=visit.form_token,
            pending=pending,
            address=visit.address,
            agent=visit.agent,
            replaced=visit.session,
        )
        try:
            taken = await run(taking, writes=True)
        except Unauthorized:  # meanwhile it was used, or the password is another
            return _start_over(visit, target)
        if isinstance(taken, SecondStepRefused):
            return await run(partial(ask, WAIT if taken.too_often else WRONG, 429 if taken.too_often else 400))
        return go_on(target, session_cookie(taken, self._sessions), _OVER)

    def _ask(self, visit: Visit, pending: Pending, target: str, wrong: str | None = None, status: int = 400) -> Reply:
        return show(
            "second_step",
            200 if wrong is None else status,
            script=PASSKEYS if pending.passkey and self._passkeys.party is not None else None,
            faults=[] if wrong is None else [Fault(wrong, "code")],
            pending=pending,
            next=target,
            start=start_path(visit, target),
            asked=self._passkeys.ask(visit.form_token, pending.user.id)
            if pending.passkey and self._passkeys.party is not None
            else None,
        )


def _start_over(visit: Visit, target: str) -> Reply:
    return Redirect(start_path(visit, target), [_OVER], flash="start-over")
