"""Addresses of a service, as people give them to clients, commands and the middleware: read in one way for all."""

import re
from ipaddress import IPv6Address

from tokenry.printable import printable

EXAMPLE = "http://127.0.0.1:8470"
HOST_LABEL_LENGTH_MAX = 63
PORT_MAX = 65535
SHOWN_LENGTH_MAX = 200
API_PATHS = ("/v4", "/v4beta")
"""What the paths of requests begin with, and people copy with the address."""

_SCHEME = re.compile(r"(https?)://", re.ASCII | re.IGNORECASE)
_AUTHORITY_END = re.compile(r"[/?#]")
_HOST = re.compile(r"[0-9a-z._-]+", re.ASCII | re.IGNORECASE)
_PORT = re.compile(r"\d{1,5}", re.ASCII)
_PATH = re.compile(r"(?:[0-9a-z/!$&'()*+,;=:._~-]|%[0-9a-f]{2})*", re.ASCII | re.IGNORECASE)
_LONG_WORD = re.compile(r"[0-9A-Za-z_]{32,}", re.ASCII)
"""A token that stands where the address should, for instance."""


def read_base_url(text: str) -> str:
    """An address without a slash or `/v4` at its end, and without the white space around it.

    Raises ValueError, which names the address but none of its user, password and query.
    """
    address = text.strip()
    problem = _find_problem(address)
    if problem is not None:
        raise ValueError(f"The address {_shown(address)} must be like {EXAMPLE}: {problem}")
    scheme, _, rest = address.partition("://")
    rest = rest.rstrip("/")
    for path in API_PATHS:
        rest = rest.removesuffix(path).rstrip("/")
    return f"{scheme.lower()}://{rest}"


def _find_problem(address: str) -> str | None:
    scheme = _SCHEME.match(address)
    if scheme is None:
        return "it has to begin with http:// or https://"
    authority, rest = _split(address[scheme.end() :])
    if "@" in authority:
        return "a user or a password has no place in it"
    if "?" in rest or "#" in rest:
        return "a query or a fragment has no place in it"
    if not _PATH.fullmatch(rest):
        return "its path has a character that no path has"
    if any(segment in {".", ".."} for segment in rest.split("/")):
        return "its path leads elsewhere"
    return _find_problem_of_authority(authority)


def _find_problem_of_authority(authority: str) -> str | None:
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, colon, port = authority, "", ""
    if colon and not (_PORT.fullmatch(port) and 1 <= int(port) <= PORT_MAX):
        return "its port has to be a number from 1 to 65535"
    if host.startswith("[") and host.endswith("]"):
        return None if _is_ipv6(host[1:-1]) else "what is in brackets has to be an IPv6 address without a zone"
    if not host:
        return "it has no host"
    if not host.isascii():
        return "its host has to be written in ASCII, as xn--…"
    labels = host.removesuffix(".").split(".")
    if not _HOST.fullmatch(host) or not all(0 < len(label) <= HOST_LABEL_LENGTH_MAX for label in labels):
        return "its host is not a valid host name"
    return None


def _is_ipv6(text: str) -> bool:
    try:
        return IPv6Address(text).scope_id is None
    except ValueError:
        return False


def _split(rest: str) -> tuple[str, str]:
    """Host and port, and what follows them."""
    end = _AUTHORITY_END.search(rest)
    return (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])


def _shown(address: str) -> str:
    """An address as a message may name it. A password may hold whatever separates the parts: in doubt none is shown."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "", address
    authority, after = _split(rest)
    if "@" in f"{scheme}{after}" or authority.count("@") > 1:
        return "…"
    path = after.partition("?")[0].partition("#")[0]
    named = f"{scheme}{separator}{authority.rpartition('@')[2]}{path}"
    return printable(_LONG_WORD.sub("…", named)[:SHOWN_LENGTH_MAX]) or "''"
