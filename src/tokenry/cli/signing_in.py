"""Signing in for `tokenry login`: by a browser of this machine, or by a code that is typed in any other.

What that brings is a token for a short while, which is given back at once: the token that is kept is a personal one,
made with it, which its owner finds and revokes in the list of tokens.
"""

import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tokenry.cli.access import Access, opened
from tokenry.cli.expiry import read_expiry
from tokenry.cli.issuing import ended_by_signals, issuing, perhaps_made, revoking
from tokenry.cli.loopback import Loopback
from tokenry.cli.running import NOT_LOGGED_IN, CommandError, complain
from tokenry.client import (
    Client,
    ConnectionFailed,
    OAuthError,
    Policy,
    Secret,
    TokenryError,
    UnreadableAnswer,
    WrongIssuer,
)
from tokenry.client.oauth import AccessToken, OAuthClient
from tokenry.printable import printable

CLIENT_ID = "746f6b656e7279636c69"
"""Of the client that every installation has for this, as in `service/command_line.py`, which is not imported here."""
BROWSER_SECONDS_MAX = 5 * 60
LIFETIME_DEFAULT = timedelta(days=90)
MARGIN_MAX = timedelta(minutes=5)
"""By how much the service's clock may be behind ours."""
EVERYTHING = "*"
MAKES_TOKENS = "account:read_write"
"""What it takes to make a token."""
HOST_LENGTH_MAX = 80
ABSENT = 404
NEWEST = "tokenry token list --order-by created --order desc"

Keep = Callable[[str, Secret], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The token that is to be kept: its scopes, those of its user if None, and how long it lives. Raises BadParameter.

    Without `expires` that is as long as `LIFETIME_DEFAULT`, or as the policy allows if that is shorter.
    """

    scopes: str | None
    expires: str | None

    def __post_init__(self) -> None:
        """Check it before anybody is asked for anything."""
        if self.expires is not None:
            read_expiry(self.expires, "--expires")

    def find_expiry(self, policy: Policy) -> datetime | None:
        """When it expires; None for never."""
        if self.expires is not None:
            return read_expiry(self.expires, "--expires")
        lifetime = LIFETIME_DEFAULT
        if policy.max_lifetime is not None and policy.max_lifetime < lifetime:  # by the service's clock
            lifetime = policy.max_lifetime - min(policy.max_lifetime / 10, MARGIN_MAX)
        return (datetime.now(UTC) + lifetime).replace(microsecond=0)

    @property
    def asked(self) -> str:
        """The scopes that somebody is asked for, so that such a token can be made."""
        if self.scopes is None:
            return EVERYTHING
        scopes = self.scopes.replace(",", " ").split()
        return " ".join(scopes if {EVERYTHING, MAKES_TOKENS} & set(scopes) else [*scopes, MAKES_TOKENS])


def sign_in(url: str, wanted: Wanted, *, device: bool, keep: Keep) -> str:
    """Sign somebody in, make a token, and have `keep` keep it, for the user of that name; what that says.

    Raises CommandError. Whatever `keep` raises has the token revoked; the one that made it is given back in any case.
    """
    with ended_by_signals(), _signing_in(url) as oauth:
        by_device = device or not has_browser()
        access = _ask_device(oauth, wanted.asked) if by_device else _ask_browser(oauth, wanted.asked)
        try:
            # A function, so that nobody is warned that it expires soon.
            with opened(Client, Access(url=url, bearer=lambda: access.secret, origin="signing in")) as client:
                return _make_token(client, wanted, keep)
        finally:
            _give_back(oauth, access)


def has_browser() -> bool:
    """Whether a browser can be opened where the person is: not from another machine, and not without a screen."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    screens = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, screens)):
        return False
    try:
        webbrowser.get()
    except (webbrowser.Error, ValueError):  # there is none, or BROWSER is no command
        return False
    return True


def _make_token(client: Client, wanted: Wanted, keep: Keep) -> str:
    user, expiry = client.whoami().user, wanted.find_expiry(client.tokens.policy())
    label = f"tokenry on {printable(socket.gethostname())[:HOST_LENGTH_MAX]}"
    with issuing(perhaps_made(label, NEWEST)) as issue:
        made = client.tokens.create(label=label, scopes=wanted.scopes, expiry=expiry)
        issue.take_back = revoking(made.id, made.label, client.tokens.revoke)
        if made.secret is None:
            raise CommandError("The service has not shown the token that it made.")
        said = keep(user, made.secret)
        issue.take_back = None
    return said


def _ask_browser(oauth: OAuthClient, scopes: str) -> AccessToken:
    """Have somebody sign in in a browser of this machine."""
    try:
        loopback = Loopback()
    except OSError as error:
        complain(f"No port of this machine is free for the browser ({error.strerror}).")
        return _ask_device(oauth, scopes)
    with loopback:
        attempt = oauth.begin_code(loopback.address, scopes)
        _tell(f"Sign in in your browser. If it does not open, go to\n\n    {attempt.url}\n\nCtrl-C ends this.")
        # Some browsers return when they are closed, which may wait for what is answered here.
        threading.Thread(target=webbrowser.open, args=(attempt.url,), daemon=True).start()
        try:
            answer = loopback.wait(attempt.is_answer, seconds=BROWSER_SECONDS_MAX)
        except TimeoutError:
            minutes = BROWSER_SECONDS_MAX // 60
            raise CommandError(f"Nobody has signed in within {minutes} minutes.", NOT_LOGGED_IN) from None
    return oauth.finish_code(attempt, answer)


def _ask_device(oauth: OAuthClient, scopes: str) -> AccessToken:
    """Have somebody sign in wherever there is a browser."""
    attempt = oauth.begin_device(scopes)
    _tell(
        f"In a browser of any device, go to\n\n    {attempt.verification_uri}\n\n"
        f"and type the code {attempt.user_code} there. Ctrl-C ends this."
    )
    return oauth.finish_device(attempt)


@contextmanager
def _signing_in(url: str) -> Iterator[OAuthClient]:
    """What signs in at a service, for a block. What goes wrong there is a CommandError that names the other way in."""
    hint = f"Log in with a token: `tokenry login {url} --with-token`."
    try:
        client = OAuthClient(url, CLIENT_ID)
    except ValueError as error:
        raise CommandError(f"{error}. {hint}") from None
    try:
        with client:
            yield client
    except WrongIssuer as error:
        raise CommandError(f"{error}: is {error.issuer} the service's address? {hint}") from None
    except OAuthError as error:
        raise CommandError(f"{url} does not sign you in: {error}. {hint}", NOT_LOGGED_IN) from None
    except ConnectionFailed as error:
        raise CommandError(f"{error}: is the service running there?") from None
    except UnreadableAnswer as error:
        said = "it has no OAuth" if error.status == ABSENT else f"{error}"
        raise CommandError(f"{url} cannot sign people in: {said}. {hint}") from None
    except TokenryError as error:
        raise CommandError(f"{url} cannot sign people in: {error}. {hint}") from None


def _give_back(oauth: OAuthClient, access: AccessToken) -> None:
    try:
        oauth.revoke(access)
    except TokenryError as error:
        complain(f"The token that signed you in could not be given back, and ends by itself soon: {error}.")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
