"""Addresses of a service, as people give them to clients, commands and the middleware: read in one way for all."""

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import unquote

from tokenry.printable import printable

EXAMPLE = "http://127.0.0.1:8470"
LENGTH_MAX = 2000
HOST_LABEL_LENGTH_MAX = 63
PORT_MAX = 65535
SHOWN_LENGTH_MAX = 200
LEFT_OUT = {"", "v4", "v4beta"}
"""What may stand at the end of the path: slashes, and what people copy of the paths of requests."""

_SCHEME = re.compile(r"(https?)://", re.ASCII | re.IGNORECASE)
_AUTHORITY_END = re.compile(r"[/?#]")
_HOST = re.compile(r"[0-9a-z._-]+", re.ASCII | re.IGNORECASE)
_PORT = re.compile(r"\d{1,5}", re.ASCII)
_PATH = re.compile(r"(?:[0-9a-z/!$&'()*+,;=:._~-]|%[0-9a-f]{2})*", re.ASCII | re.IGNORECASE)
_TOKEN = re.compile(r"pat_[0-9a-z]{28}|_(?![0-9a-f]{33})[0-9a-z]{33}", re.ASCII | re.IGNORECASE)
"""A token, whole or most of it: more than lists show. Whatever its prefix: no name has as much behind an underscore."""
_LONG_WORD = re.compile(r"[0-9A-Za-z_]{32,}", re.ASCII)
"""A token that stands where the address should, for instance."""


def read_base_url(text: str) -> str:
    """An address without any `/`, `/v4` or `/v4beta` at its end, and without the white space around it.

    Raises ValueError, which names the address but none of its user, password and query, and no token.
    """
    address = text.strip()
    problem = _find_problem(address)
    if problem is not None:
        raise ValueError(f"The address {_shown(address)} must be like {EXAMPLE}: {problem}")
    scheme, _, rest = address.partition("://")
    host, *segments = rest.split("/")
    while segments and segments[-1] in LEFT_OUT:
        segments.pop()
    return f"{scheme.lower()}://{'/'.join([host, *segments])}"


def find_authority_problem(authority: str) -> str | None:
    """Say what is wrong with a host and, where there is one, its port; a user and a password are not looked for."""
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, colon, port = authority, "", ""
    if colon and not (_PORT.fullmatch(port) and 1 <= int(port) <= PORT_MAX):
        return "its port has to be a number from 1 to 65535"
    if host.startswith("[") and host.endswith("]"):
        return None if _is_ipv6(host[1:-1]) else "what is in brackets has to be an IPv6 address without a zone"
    return _find_problem_of_host(host)


def _find_problem(address: str) -> str | None:
    scheme = _SCHEME.match(address)
    if len(address) > LENGTH_MAX:
        return f"it has more than {LENGTH_MAX} characters"
    if scheme is None:
        return "it has to begin with http:// or https://"
    authority, rest = _split(address[scheme.end() :])
    if "@" in authority:
        return "it must not contain a user or a password"
    if _TOKEN.search(unquote(address)):
        return "it must not contain a token"
    return _find_problem_of_rest(rest) or find_authority_problem(authority)


def _find_problem_of_rest(rest: str) -> str | None:
    if "?" in rest or "#" in rest:
        return "it must not have a query or a fragment"
    if not _PATH.fullmatch(rest):
        return "its path has a character that paths cannot have"
    if any(segment in {".", ".."} for segment in rest.split("/")):
        return "its path must not have the segments . and .."
    return None


def _find_problem_of_host(host: str) -> str | None:
    if not host:
        return "it has no host"
    if not host.isascii():
        return "its host has to be written in ASCII, as xn--…"
    labels = host.removesuffix(".").split(".")
    if not _HOST.fullmatch(host) or not all(0 < len(label) <= HOST_LABEL_LENGTH_MAX for label in labels):
        return "its host is not a valid host name"
    if labels[-1].isdigit() and not _is_ipv4(host):
        return "a host that ends in a number has to be an IPv4 address"
    return None


def _is_ipv4(text: str) -> bool:
    try:
        return bool(IPv4Address(text).packed)
    except ValueError:
        return False


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
    named = _LONG_WORD.sub("…", f"{scheme}{separator}{authority.rpartition('@')[2]}{path}")
    return "…" if _TOKEN.search(unquote(named)) else printable(named[:SHOWN_LENGTH_MAX]) or "''"
