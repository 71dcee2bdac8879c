"""Redirect addresses: which a client may register, and whether one that a request presents is registered.

What is registered is compared character by character (RFC 9700 section 4.1), so nothing is decoded or resolved here,
and an address that a browser would read as another one cannot be registered.
"""

import re

from tokenry.addresses import PORT_MAX, find_authority_problem
from tokenry.domain.errors import Fault

REDIRECT_LENGTH_MAX = 1024
LOOPBACK_HOSTS = ("127.0.0.1", "[::1]", "localhost")
"""So written. RFC 8252 section 8.3 prefers the numbers, but clients of the wire format and of MCP use the name."""

_PARTS = re.compile(r"([a-z][a-z0-9+.-]*+):(//[^/?#]*+)?+([^?#]*+)(?:\?([^#]*+))?+(#.*+)?+", re.ASCII)
_CHARACTERS = re.compile(r"(?:[A-Za-z0-9/!$&'()+,;=:@._~?-]|%[0-9A-Fa-f]{2})*+", re.ASCII)
"""Of a path and a query (RFC 3986), without the asterisk, which would look like a wildcard and be none."""
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9-]*+(?:\.[a-z0-9-]++)++", re.ASCII)
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.ASCII | re.IGNORECASE)
_LOOPBACK = re.compile(
    rf"http://({'|'.join(map(re.escape, LOOPBACK_HOSTS))})(?::([1-9][0-9]{{0,4}}))?((?:[/?].*)?)", re.ASCII
)


def redirect_faults(uri: str, field: str = "redirect_uri") -> list[Fault]:
    """Say what keeps an address from being registered.

    It is an https address; or an http one of this machine (RFC 8252 section 7.3); or one of an app's own scheme, a
    domain name in reverse (section 7.1). `javascript:`, `data:` and the like are none of these.
    """
    problem = _find_problem(uri)
    return [] if problem is None else [Fault(problem, field)]


def matches_redirect(registered: str, presented: str) -> bool:
    """Whether a presented address is this registered one: the same text, but for a loopback address's port.

    An app of the user's machine listens where it finds a port free, so that one may differ, and only that.
    """
    if registered == presented:
        return True
    own, other = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(presented)
    if own is None or other is None or int(other[2] or 0) > PORT_MAX:
        return False
    return (own[1], own[3]) == (other[1], other[3])


def _find_problem(uri: str) -> str | None:
    if not 1 <= len(uri) <= REDIRECT_LENGTH_MAX:
        return f"Length must be 1-{REDIRECT_LENGTH_MAX} characters"
    if not uri.isascii() or not uri.isprintable():
        return "Must be of printable ASCII characters"
    parts = _PARTS.fullmatch(uri)
    if parts is None:
        return "Must be an absolute address, such as https://app.example/callback"
    scheme, authority, path, query, fragment = parts.groups()
    if fragment is not None:
        return "Must not have a fragment"
    return _find_problem_of_rest(path, query or "") or (
        _find_problem_of_web(uri, scheme, authority)
        if scheme in ("http", "https")
        else _find_problem_of_private(scheme, authority, path)
    )


def _find_problem_of_rest(path: str, query: str) -> str | None:
    if "*" in f"{path}{query}":
        return "Must not have a wildcard: addresses match exactly"
    if not _CHARACTERS.fullmatch(path) or not _CHARACTERS.fullmatch(query):
        return "Must not have a character that addresses cannot have"
    if any(_DOTS.fullmatch(segment) for segment in path.split("/")):
        return "Must not have the segments . and .."
    return None


def _find_problem_of_web(uri: str, scheme: str, authority: str | None) -> str | None:
    host = (authority or "").removeprefix("//")
    if "@" in host:
        return "Must not have a user or a password"
    problem = find_authority_problem(host)
    if problem is not None:
        return f"Must be a valid address: {problem}"
    if scheme == "http" and not _LOOPBACK.fullmatch(uri):
        return f"Must begin with https://, or with http:// for {', '.join(LOOPBACK_HOSTS)}"
    return None


def _find_problem_of_private(scheme: str, authority: str | None, path: str) -> str | None:
    if not _PRIVATE_SCHEME.fullmatch(scheme):
        return "Must begin with https://, or with an app's own scheme that has a dot, such as com.example.app:/callback"
    if authority is not None and not (_CHARACTERS.fullmatch(authority) and "@" not in authority):
        return "Must be a valid address: what follows // is not a host"
    if authority == "//" or (authority is None and not path.startswith("/")):
        return "Must have a / after the scheme, such as com.example.app:/callback"
    return None
