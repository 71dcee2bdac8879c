"""What is let in besides one's own tokens: browsers that one is signed in with, and applications."""

from contextlib import suppress
from dataclasses import dataclass

from tokenry.domain.errors import NotFound
from tokenry.domain.filters import Filter
from tokenry.domain.grants import AuthorizedApp
from tokenry.domain.paging import PageRequest
from tokenry.domain.sessions import Session
from tokenry.pages.console.shown import show_in
from tokenry.pages.devices import Device, describe_agent
from tokenry.pages.navigation import APPLICATIONS, SESSIONS
from tokenry.pages.visits import Redirect, Reply, Visit, read_id
from tokenry.pages.wording import Permission, list_permissions
from tokenry.service.installation import Installation

NEWEST = Filter(descending=True)


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session, and with what browser."""

    session: Session
    device: Device
    own: bool


@dataclass(frozen=True, slots=True)
class ShownApp:
    """An application, and in words what it may do; nothing in particular is everything."""

    app: AuthorizedApp
    permissions: list[Permission]


class AccessPages:
    """`/console/sessions` and `/console/applications`."""

    def __init__(self, installation: Installation) -> None:
        self._sessions = installation.sessions
        self._apps = installation.apps
        self._catalogue = installation.catalogue

    def show_sessions(self, visit: Visit) -> Reply:
        """GET the browsers that one is signed in with."""
        own = visit.signed_in
        shown = [
            ShownSession(each, describe_agent(each.agent), each.id == own.id)
            for each in self._sessions.list_sessions(own.actor, PageRequest(), NEWEST).rows
        ]
        return show_in(SESSIONS, "sessions", shown=shown)

    def end_session(self, visit: Visit) -> Reply:
        """POST the id of a session to end, or `others` for all but one's own."""
        if "others" in visit.form:
            self._sessions.end_others(visit.origin, visit.signed_in)
            return Redirect(SESSIONS.path, flash="sessions-ended")
        session_id = read_id(visit.form.get("session_id"))
        if session_id is not None and session_id != visit.signed_in.id:
            with suppress(NotFound):  # which is what was wanted
                self._sessions.delete_session(visit.origin, session_id)
            return Redirect(SESSIONS.path, flash="session-ended")
        return Redirect(SESSIONS.path)

    def show_apps(self, visit: Visit) -> Reply:
        """GET the applications that one lets in."""
        apps = self._apps.list_apps(visit.signed_in.actor, PageRequest(), NEWEST).rows
        shown = [ShownApp(app, list(list_permissions(app.scopes, self._catalogue))) for app in apps]
        return show_in(APPLICATIONS, "applications", shown=shown)

    def end_app(self, visit: Visit) -> Reply:
        """POST the id of an app to end."""
        app_id = read_id(visit.form.get("app_id"))
        if app_id is not None:
            with suppress(NotFound):  # here, too
                self._apps.end_app(visit.origin, app_id)
            return Redirect(APPLICATIONS.path, flash="app-ended")
        return Redirect(APPLICATIONS.path)
