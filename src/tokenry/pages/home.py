"""The page that somebody sees who is signed in, and signing out."""

from tokenry.pages.cookies import SESSION
from tokenry.pages.paths import HOME, sign_in_path
from tokenry.pages.visits import Cookie, Redirect, Reply, Visit, show
from tokenry.service.sessions import Sessions


class HomePages:
    """`/` and `/sign-out`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def show_home(self, visit: Visit) -> Reply:
        """GET who is signed in."""
        return show("home", user=visit.signed_in.user)

    def show_sign_out(self, visit: Visit) -> Reply:
        """GET the question whether to sign out."""
        return Redirect(HOME) if visit.session is None else show("sign_out")

    def sign_out(self, visit: Visit) -> Reply:
        """POST that somebody signs out."""
        if visit.session is not None:
            self._sessions.end_session(visit.origin, visit.session)
        return Redirect(sign_in_path(HOME), [Cookie(SESSION, "")], notice="signed-out")
