"""What pages have in common that sign somebody in, or need somebody who was asked for a password not long ago."""

from collections.abc import Callable

from tokenry.domain.errors import Refusal
from tokenry.domain.secrets import Secret
from tokenry.domain.sessions import RECENT_SECONDS
from tokenry.pages.cookies import SESSION
from tokenry.pages.paths import AGAIN, SIGN_IN, sign_in_path
from tokenry.pages.visits import Cookie, Redirect, Reply, Visit, show
from tokenry.service.sessions import Sessions

OAUTH = "/oauth/"


class NotRecent(Refusal):
    """It was too long ago that it was proved who is signed in: the page sends there, and back."""


def require_recent(visit: Visit, seconds: int = RECENT_SECONDS) -> None:
    """Have a page go on only if it was proved so short a time ago who is signed in, for what is dangerous.

    Raises Unauthorized where nobody is signed in, NotRecent.
    """
    if not visit.signed_in.is_recent(visit.now, seconds):
        raise NotRecent


def only_recent(operation: Callable[[Visit], Reply]) -> Callable[[Visit], Reply]:
    """The same operation for whoever has proved not long ago who it is."""

    def guarded(visit: Visit) -> Reply:
        require_recent(visit)
        return operation(visit)

    return guarded


def start_path(visit: Visit, target: str) -> str:
    """Where to begin to sign in, or to prove anew who is signed in, to go on to a path of ours afterwards."""
    return sign_in_path(target, SIGN_IN if visit.session is None else AGAIN)


def session_cookie(secret: Secret, sessions: Sessions) -> Cookie:
    """The cookie of a session."""
    return Cookie(SESSION, secret.reveal(), int(sessions.limits.lifetime.total_seconds()))


def go_on(target: str, *cookies: Cookie) -> Reply:
    """Go on to a path of ours after a form.

    OAuth may lead on to a client's address, to which a browser follows no redirect after a form of a page whose policy
    does not name it (`form-action`). From a page that refreshes itself it does.
    """
    if target.startswith(OAUTH):
        return show("go_on", target=target, cookies=cookies)
    return Redirect(target, cookies)
