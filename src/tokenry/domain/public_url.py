"""The address by which browsers and OAuth's clients know this service, which is its issuer (RFC 8414 section 2)."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

API_VERSIONS = ("v4", "v4beta")
"""The first segments of the paths of the management API, which are alike."""
API_PATHS = ("", *API_VERSIONS)
"""Below the public address: what names the management API, by which clients ask for tokens (RFC 9728)."""

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def read_public_url(text: str) -> str:
    """Read `https://host` with a port or none, or the same with `http` where the host is this machine; in lower case.

    There is no path, query, fragment or slash at the end: an issuer is compared as a text. Raises ValueError.
    """
    url = urlsplit(text.lower())
    host, port = url.hostname or "", url.port
    shown = f"[{host}]" if ":" in host else host
    if ":" in host:
        ip_address(host)
    elif not _HOST.fullmatch(host):
        raise ValueError
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(host)):
        raise ValueError
    whole = f"{url.scheme}://{shown}" if port is None else f"{url.scheme}://{shown}:{port}"
    if whole != text.lower():
        raise ValueError
    return f"{url.scheme}://{shown}" if port in {None, _DEFAULT_PORTS[url.scheme]} else whole


def api_addresses(public_url: str | None) -> frozenset[str]:
    """Every address that means the management API; none where the service does not know its own."""
    if public_url is None:
        return frozenset()
    named = [f"{public_url}/{path}" if path else public_url for path in API_PATHS]
    return frozenset(address + end for address in named for end in ("", "/"))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or its address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_own_origin(origin: str, public_url: str) -> bool:
    """Whether a page's Origin (RFC 6454) is that of the service. On loopback, this machine has several names."""
    if origin == public_url:
        return True
    try:
        own, other = urlsplit(public_url), urlsplit(origin)
        same = own.scheme == other.scheme == "http" and own.port == other.port and other.username is None
    except ValueError:
        return False
    return same and origin == f"http://{other.netloc}" and is_loopback(other.hostname or "")
