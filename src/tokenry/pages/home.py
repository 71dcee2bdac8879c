"""The page that somebody sees who is signed in, and signing out."""

from tokenry.pages.cookies import SESSION
from tokenry.pages.paths import HOME, own_path, sign_in_path
from tokenry.pages.visits import Cookie, Redirect, Reply, Visit, read_id, show
from tokenry.service.apps import Apps
from tokenry.service.sessions import Sessions


class HomePages:
    """`/` and `/sign-out`."""

    def __init__(self, sessions: Sessions, apps: Apps) -> None:
        self._sessions = sessions
        self._apps = apps

    def show_home(self, visit: Visit) -> Reply:
        """GET who is signed in, with which browsers, and which applications are let in."""
        session = visit.signed_in
        sessions, apps = self._sessions.list_of_user(session), self._apps.list_of_user(session)
        return show("home", user=session.user, sessions=sessions, apps=apps)

    def end_something(self, visit: Visit) -> Reply:
        """POST the id of a session to end, or of an app."""
        session_id, app_id = (read_id(visit.form.get(name)) for name in ("session_id", "app_id"))
        if session_id is not None:
            self._sessions.end_other(visit.origin, visit.signed_in, session_id)
            return Redirect(HOME, notice="session-ended")
        if app_id is not None:
            self._apps.end_own(visit.origin, visit.signed_in, app_id)
            return Redirect(HOME, notice="app-ended")
        return Redirect(HOME)

    def show_sign_out(self, visit: Visit) -> Reply:
        """GET the question whether to sign out."""
        return Redirect(HOME) if visit.session is None else show("sign_out")

    def sign_out(self, visit: Visit) -> Reply:
        """POST that somebody signs out; as somebody else one may go on to a path of ours."""
        if visit.session is not None:
            self._sessions.end_session(visit.origin, visit.session)
        target = own_path(visit.form.get("next"))
        return Redirect(sign_in_path(target), [Cookie(SESSION, "")], notice="signed-out")
