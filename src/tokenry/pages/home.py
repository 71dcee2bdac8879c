"""Where somebody is led who is signed in, and signing out."""

from tokenry.pages.cookies import SESSION
from tokenry.pages.paths import CONSOLE, HOME, SIGN_IN, own_path, sign_in_path
from tokenry.pages.visits import Cookie, Redirect, Reply, Visit, show
from tokenry.service.sessions import Sessions


class HomePages:
    """`/` and `/sign-out`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def show_home(self, visit: Visit) -> Reply:
        """GET the way to the console, for whoever is signed in."""
        return Redirect(SIGN_IN if visit.session is None else CONSOLE)

    def show_sign_out(self, visit: Visit) -> Reply:
        """GET the question whether to sign out."""
        return Redirect(HOME) if visit.session is None else show("sign_out")

    def sign_out(self, visit: Visit) -> Reply:
        """POST that somebody signs out; as somebody else one may go on to a path of ours."""
        if visit.session is not None:
            self._sessions.end_session(visit.origin, visit.session)
        target = own_path(visit.form.find("next"))
        return Redirect(sign_in_path(target), [Cookie(SESSION, "")], flash="signed-out")
