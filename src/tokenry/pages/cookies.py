"""Cookies: their names, how safe they are, and how they are read."""

import hmac
import re
from collections.abc import Mapping

from starlette.types import Scope

from tokenry.domain.texts import write_base64url
from tokenry.pages.visits import Cookie

SESSION = "tokenry"
VISIT = "tokenry-visit"
"""Of somebody who is not signed in: what forms are bound to until then."""
FLASH = "tokenry-flash"
NEXT = "tokenry-next"
"""Where somebody wanted to go who has to set up a second factor first."""
NEXT_SECONDS = 900
VISIT_VALUE = re.compile(r"[0-9A-Za-z_-]{43}", re.ASCII)
_FORM = b"tokenry form"


class Cookies:
    """How cookies are named and set: over https for this host alone, over http without what browsers refuse there."""

    def __init__(self, *, secure: bool) -> None:
        self._prefix = "__Host-" if secure else ""
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")

    def read(self, scope: Scope) -> Mapping[str, str]:
        """The cookies of a request, by their names without the prefix. One that comes twice is none.

        Blanks alone are taken off a name (RFC 6265 section 5.2): with all that Python calls white space, such as a byte
        A0, cookies that other hosts may set would have a name of ours.
        """
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
        pairs = [piece.strip(" \t").partition("=") for line in lines for piece in line.split(";")]
        names = [name for name, _, _ in pairs]
        return {
            name.removeprefix(self._prefix): value
            for name, _, value in pairs
            if name.startswith(self._prefix) and names.count(name) == 1
        }

    def write(self, cookie: Cookie) -> bytes:
        """The header that sets a cookie; one without a value is removed."""
        seconds = 0 if not cookie.value else cookie.seconds
        lasting = "" if seconds is None else f"; Max-Age={seconds}"
        return f"{self._prefix}{cookie.name}={cookie.value}{self._attributes}{lasting}".encode("ascii")


def form_token(cookie: str) -> str:
    """What a form has to send back to show that it is ours: only who has the cookie can know it."""
    return write_base64url(hmac.digest(cookie.encode("utf-8"), _FORM, "sha256"))
