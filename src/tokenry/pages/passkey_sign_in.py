"""Signing in by a passkey, and proving anew by one who one is."""

from functools import partial

from tokenry.domain.errors import Fault, Unauthorized
from tokenry.pages.page import Run
from tokenry.pages.paths import own_path
from tokenry.pages.rendering import PASSKEYS
from tokenry.pages.second_step import COOKIE
from tokenry.pages.signed_in import go_on, session_cookie, start_path
from tokenry.pages.throttle import TOO_OFTEN, Throttle
from tokenry.pages.visits import Cookie, Reply, Visit, show
from tokenry.service.passkey_sign_in import PasskeySignIn
from tokenry.service.passkeys import PasskeyResponse
from tokenry.service.sessions import Sessions

WRONG = "That passkey could not be used. Try again, or choose another way."


class PasskeySignInPages:
    """`/sign-in/passkey`."""

    def __init__(self, passkeys: PasskeySignIn, sessions: Sessions, throttle: Throttle) -> None:
        self._passkeys = passkeys
        self._sessions = sessions
        self._throttle = throttle

    def show(self, visit: Visit) -> Reply:
        """GET the form, of a passkey of who is signed in, or of anybody's."""
        return self._ask(visit, own_path(visit.query.get("next")))

    async def use(self, visit: Visit, run: Run) -> Reply:
        """POST what the browser answered."""
        target, session = own_path(visit.form.find("next")), visit.session
        if await self._throttle.refuses_from(visit.address):
            return await run(partial(self._ask, visit, target, TOO_OFTEN, 429))
        answered = PasskeyResponse(visit.form.get("answer"), visit.form.get("ticket"), visit.form_token)
        if session is None:
            using = partial(self._passkeys.sign_in, answered, address=visit.address, agent=visit.agent)
        else:
            using = partial(self._passkeys.prove, visit.origin, session, answered)
        try:
            secret = await run(using, writes=True)
        except Unauthorized:
            return await run(partial(self._ask, visit, target, WRONG))
        return go_on(target, session_cookie(secret, self._sessions), Cookie(COOKIE, ""))

    def _ask(self, visit: Visit, target: str, wrong: str | None = None, status: int = 400) -> Reply:
        user_id = None if visit.session is None else visit.session.user.id
        possible = self._passkeys.party is not None
        return show(
            "passkey_sign_in",
            200 if wrong is None else status,
            script=PASSKEYS if possible else None,
            faults=[] if wrong is None else [Fault(wrong)],
            next=target,
            asked=self._passkeys.ask(visit.form_token, user_id) if possible else None,
            other=start_path(visit, target),
        )
