"""Whether a form is one of ours that its user has sent, and no other site (CSRF).

Three things have to hold: the browser says that it came from here (Origin, Sec-Fetch-Site), the cookie is there, which
browsers do not send with another site's forms (SameSite), and the form has the token of that cookie. Where the browser
says neither, the token decides.
"""

import hmac
from collections.abc import Mapping

from tokenry.domain.errors import Fault, Refusal
from tokenry.domain.public_url import is_own_origin
from tokenry.pages.cookies import SESSION, VISIT, form_token
from tokenry.pages.visits import Visit

FIELD = "form_token"
_OUR_SITES = frozenset({"same-origin", "none"})


class Forged(Refusal):
    """A form that another site may have sent, or that has outlived who was signed in when it was shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(Fault(reason))


def require_own_site(headers: Mapping[bytes, str], public_url: str) -> None:
    """Raise Forged for a form that the browser says was sent by another site, or by a page without one (`null`).

    It names the right address: who reads it may have come by another one, or the operator may have set a wrong one.
    """
    elsewhere = Forged(f"This form was not sent from {public_url}. Open the page there and try again.")
    origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
    if origin is not None and not is_own_origin(origin, public_url):
        raise elsewhere
    if site is not None and site not in _OUR_SITES:
        raise elsewhere


def tells_own_site(headers: Mapping[bytes, str]) -> bool:
    """Whether the browser says at all where a form comes from, which is from here if it was let through."""
    return b"origin" in headers or b"sec-fetch-site" in headers


def require_token(visit: Visit) -> None:
    """Raise Forged unless the form has the token of a cookie that came with it.

    While somebody is signed in that is the session's, and no other. After that either will do: it opens nothing.
    """
    names = (SESSION,) if visit.session is not None else (SESSION, VISIT)
    given = visit.form.find(FIELD).encode("utf-8")
    right = [form_token(visit.cookies[name]).encode("ascii") for name in names if name in visit.cookies]
    if not any([hmac.compare_digest(given, each) for each in right]):  # noqa: C419 - always as many
        raise Forged(
            "This form was not sent from its own page, or was open for too long, or your browser keeps no cookies from "
            "here. Reload the page and try again."
        )
