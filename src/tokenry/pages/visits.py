"""What a page is given of a request, and what it answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import NotFound, Unauthorized
from tokenry.domain.sessions import Session
from tokenry.pages.fields import Fields, Form

ID_LENGTH_MAX = 18
"""Digits of an id: longer ones do not fit into a column."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set, by its name without what says how safe it is. Without `seconds` it ends with the browser."""

    name: str
    value: str = field(repr=False)
    seconds: int | None = None


@dataclass(frozen=True)
class Visit:
    """A request for a page: who is signed in, from where, what is asked, and what its forms have to send back."""

    session: Session | None
    now: datetime
    address: str | None
    agent: str | None
    path: Mapping[str, str]
    query: Fields
    raw_query: str
    form: Form
    cookies: Mapping[str, str] = field(repr=False)
    form_token: str = field(repr=False)
    language: str
    target: str = field(repr=False)
    """The path and the query, to come back to."""

    @property
    def signed_in(self) -> Session:
        """The session. Raises Unauthorized where nobody is signed in."""
        if self.session is None:
            raise Unauthorized
        return self.session

    @property
    def origin(self) -> Origin:
        """Where a change by who is signed in comes from. Raises Unauthorized where nobody is."""
        return self.signed_in.origin(self.address)

    def path_id(self, name: str) -> int:
        """The id in the path of this name. Raises NotFound for what cannot be one."""
        found = read_id(self.path[name])
        if found is None:
            raise NotFound
        return found


@dataclass(frozen=True, slots=True)
class Shown:
    """A page to show: its template and what that is given.

    `form_action` are origins or schemes besides our own origin to which a form of it may lead: browsers apply that to
    wherever the answer to a form redirects to, too. `afterwards` is done, in a thread for changes, when the answer is
    out: so nobody can tell from the time that it took whether there was anything to do.
    """

    template: str
    values: Mapping[str, object] = field(repr=False)
    status: int = 200
    cookies: Sequence[Cookie] = ()
    form_action: Sequence[str] = ()
    afterwards: Callable[[], object] | None = None
    script: str | None = None
    """Which of our scripts it has, if one; `rendering.py` has their names."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another page to go to, with GET. `flash` is the name of what that one says on top, once (`FLASHES`)."""

    address: str = field(repr=False)
    cookies: Sequence[Cookie] = ()
    flash: str | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """A file to keep: its name, of ASCII, and what is in it, whole or in pieces, each made when it is wanted."""

    name: str
    media_type: str
    body: bytes | Iterator[bytes] = field(repr=False)


Reply: TypeAlias = Shown | Redirect | Download
FLASHES = {
    "app-ended": "That application is not let in any more.",
    "device-allowed": "Your device is let in: go on there.",
    "device-refused": "That device is turned away.",
    "signed-out": "You are signed out.",
    "session-ended": "That browser is signed out.",
    "sessions-ended": "All other browsers are signed out.",
    "settings-saved": "Your settings are saved.",
    "password-set": "Your password is set. Other browsers are signed out.",
    "start-over": "That took too long. Start over.",
    "took-too-long": "That took too long. Here is another key.",
    "one-time-set": "One-time passwords are set up. Other browsers are signed out.",
    "one-time-removed": "You do without one-time passwords. Other browsers are signed out.",
    "passkey-added": "The passkey is added. Other browsers are signed out.",
    "user-changed": "The user is changed.",
    "user-disabled": "The user is disabled: all of its tokens are refused from now on.",
    "user-enabled": "The user is enabled again.",
    "user-deleted": "The user is deleted, and all of its tokens are revoked.",
    "service-account-made": "The service account is made. Next, make a token for it.",
    "service-account-changed": "The service account is changed.",
    "service-account-deleted": "The service account is deleted, and its tokens are revoked.",
    "client-made": "The client is registered. It has no secret.",
    "client-changed": "The client is changed.",
    "client-deleted": "The client is deleted, and all that it was let in for is ended.",
    "nothing-chosen": "Choose some tokens first.",
    "tokens-revoked": "Revoked: nobody can use them any more.",
    "tokens-disabled": "Disabled: they are refused until an administrator enables them.",
    "tokens-enabled": "Enabled: they are accepted again.",
    "webhook-changed": "The webhook is changed.",
    "webhook-disabled": "The webhook is disabled: it is told nothing.",
    "webhook-enabled": "The webhook is enabled.",
    "webhook-deleted": "The webhook is deleted.",
    "webhook-tested": "A test message is on its way: it is the first of those below.",
    "webhook-redelivered": "The message is sent once more.",
    "token-watched": "The token is watched. Nothing is refused.",
    "token-unwatched": "The token is watched no more, and keeps its scopes.",
    "token-narrowed": "The token is kept to these scopes from now on.",
    "policy-set": "The policy is set. It holds from now on.",
    "mail-sent": "The message is sent: look into your mail.",
    "secret-revoked": "The token is revoked: nobody can use it any more.",
    "secret-unknown": "No token that works has this text.",
    "made-already": "That form was sent before, and did what it says. A secret is shown once, and not again: "
    "if you have not seen it, give the token another one.",
    "form-sent-before": "That form was sent before, and did what it says. What it made is shown once, and not again: "
    "if you have not seen it, make another one.",
    "token-saved": "It is saved.",
    "token-disabled": "The token is disabled: it opens nothing until you enable it.",
    "token-enabled": "The token is enabled: it opens again.",
    "token-revoked": "The token is revoked: it opens nothing any more.",
    "all-revoked": "All your tokens are revoked.",
    "passkey-removed": "The passkey is removed. Other browsers are signed out.",
}
"""What a page may say of what was done before it, by name: a cookie holds the name, and no words."""


def show(
    template: str,
    status: int = 200,
    *,
    cookies: Sequence[Cookie] = (),
    form_action: Sequence[str] = (),
    afterwards: Callable[[], object] | None = None,
    script: str | None = None,
    **values: object,
) -> Shown:
    """Show a page: `values` are what its template is given, and `faults` among them what it says on top."""
    return Shown(f"{template}.html", values, status, cookies, form_action, afterwards, script)


def read_id(text: str) -> int | None:
    """Read the id of something in a path or a form; None for what cannot be one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= ID_LENGTH_MAX else None
