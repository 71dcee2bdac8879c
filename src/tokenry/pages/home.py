"""The page that somebody sees who is signed in, and signing out."""

from tokenry.pages.cookies import SESSION
from tokenry.pages.paths import HOME, own_path, sign_in_path
from tokenry.pages.visits import Cookie, Redirect, Reply, Visit, show
from tokenry.service.sessions import Sessions

ID_LENGTH_MAX = 19


class HomePages:
    """`/` and `/sign-out`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def show_home(self, visit: Visit) -> Reply:
        """GET who is signed in, and with which browsers."""
        session = visit.signed_in
        return show("home", user=session.user, sessions=self._sessions.list_of_user(session))

    def end_other(self, visit: Visit) -> Reply:
        """POST the id of a session to end."""
        text = visit.form.get("session_id")
        if text.isascii() and text.isdecimal() and len(text) < ID_LENGTH_MAX:
            self._sessions.end_other(visit.origin, visit.signed_in, int(text))
        return Redirect(HOME, notice="session-ended")

    def show_sign_out(self, visit: Visit) -> Reply:
        """GET the question whether to sign out."""
        return Redirect(HOME) if visit.session is None else show("sign_out")

    def sign_out(self, visit: Visit) -> Reply:
        """POST that somebody signs out; as somebody else one may go on to a path of ours."""
        if visit.session is not None:
            self._sessions.end_session(visit.origin, visit.session)
        target = own_path(visit.form.get("next"))
        return Redirect(sign_in_path(target), [Cookie(SESSION, "")], notice="signed-out")
