"""Choosing a password: by a link, or by who is signed in."""

from functools import partial

from tokenry.domain.errors import Fault, NotFound
from tokenry.domain.links import LIFETIME, LINK_PATH
from tokenry.domain.passwords import PASSWORD_LENGTH_MAX, normalise, password_faults
from tokenry.domain.secrets import LINK, Secret
from tokenry.domain.users import User
from tokenry.pages.page import Run
from tokenry.pages.paths import HOME
from tokenry.pages.second_step import SecondStepPages
from tokenry.pages.signed_in import require_recent, session_cookie
from tokenry.pages.visits import Cookie, Redirect, Reply, Shown, Visit, show
from tokenry.service.hashing import Hashing
from tokenry.service.links import Links
from tokenry.service.passwords import Passwords
from tokenry.service.sessions import Sessions

COOKIE = "tokenry-link"


class PasswordPages:
    """`/link` and `/password`."""

    def __init__(
        self, links: Links, passwords: Passwords, sessions: Sessions, hashing: Hashing, second_step: SecondStepPages
    ) -> None:
        self._links = links
        self._passwords = passwords
        self._sessions = sessions
        self._hashing = hashing
        self._second_step = second_step

    def open_link(self, visit: Visit) -> Reply:
        """GET a link: its secret goes into a cookie, and so into no address that a browser keeps or tells."""
        secret = Secret.parse(visit.path["link"], (LINK.prefix,))
        if secret is None:
            return _gone()
        return Redirect(LINK_PATH, [Cookie(COOKIE, secret.reveal(), int(LIFETIME.total_seconds()))])

    def show_link(self, visit: Visit) -> Reply:
        """GET the form that a link leads to. It stays usable: programs look at links, too."""
        user = self._links.find_user(visit.cookies.get(COOKIE, ""))
        return _gone() if user is None else show("link", user=user)

    async def use_link(self, visit: Visit, run: Run) -> Reply:
        """POST the password that somebody chose by a link, once, and be signed in."""
        text = visit.cookies.get(COOKIE, "")
        user = await run(partial(self._links.find_user, text))
        if user is None:
            return _gone()
        password, faults = read_new_password(visit, user)
        if faults:
            return show("link", 400, user=user, faults=faults)
        hash = await self._hashing.hash(password)
        using = partial(self._links.use_link, text, hash, address=visit.address, agent=visit.agent)
        try:
            proved = await run(using, writes=True)
        except NotFound:  # somebody else was faster
            return _gone()
        return self._second_step.go_on(visit, proved, HOME, Cookie(COOKIE, ""))

    def show_password(self, visit: Visit) -> Reply:
        """GET the form for another password."""
        require_recent(visit)
        return show("password", user=visit.signed_in.user)

    async def change_password(self, visit: Visit, run: Run) -> Reply:
        """POST another password, which ends all other sessions."""
        require_recent(visit)
        session = visit.signed_in
        password, faults = read_new_password(visit, session.user)
        if faults:
            return show("password", 400, user=session.user, faults=faults)
        hash = await self._hashing.hash(password)
        changing = partial(self._passwords.change_password, visit.origin, session, hash)
        secret = await run(changing, writes=True)
        return Redirect(HOME, [session_cookie(secret, self._sessions)], flash="password-set")


def read_new_password(visit: Visit, user: User) -> tuple[str, list[Fault]]:
    """Read a password that somebody chose, twice, and everything that is wrong with it."""
    password, again = normalise(visit.form.get("password")), normalise(visit.form.get("again"))
    faults = password_faults(password, user)
    if password[: PASSWORD_LENGTH_MAX + 1] != again[: PASSWORD_LENGTH_MAX + 1]:
        faults.append(Fault("Type the same password twice.", "again"))
    return password, faults


def _gone() -> Shown:
    return show("link_gone", 404, cookies=[Cookie(COOKIE, "")])
