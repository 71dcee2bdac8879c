"""What can be gone to from every page, by who is signed in."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tokenry.domain.sessions import Session
from tokenry.domain.users import User, UserType
from tokenry.pages.paths import ADMIN, CHILDREN, CONSOLE, SECURITY


class Section(NamedTuple):
    """A part of the console: what it is called, in English, and where it begins."""

    title: str
    path: str


TOKENS = Section("Tokens", CONSOLE)
APPLICATIONS = Section("Applications", f"{CONSOLE}/applications")
SESSIONS = Section("Sessions", f"{CONSOLE}/sessions")
SIGN_IN = Section("Sign-in", SECURITY)
ACTIVITY = Section("Activity", f"{CONSOLE}/activity")
SETTINGS = Section("Settings", f"{CONSOLE}/settings")
OF_USERS = (TOKENS, ACTIVITY, APPLICATIONS, SESSIONS, SIGN_IN, SETTINGS)
CHILD_ACCOUNTS = Section("Child accounts", CHILDREN)
ADMINISTRATION = Section("Administration", ADMIN)


def list_sections(session: Session | None) -> Sequence[Section]:
    """Those that somebody may go to; none before a second factor is set up that the policy wants."""
    if session is None or session.factor_wanted:
        return ()
    return (*OF_USERS, *_further(session.user))


def _further(user: User) -> Iterator[Section]:
    if user.type is UserType.PARENT and user.enters_children:
        yield CHILD_ACCOUNTS
    if user.admin:
        yield ADMINISTRATION
