"""What a page says of an application, in plain words: where it is, and what it may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from tokenry.domain.scopes import WRITES, Catalogue, Level, Scopes

_WRITES = Scopes.parse(WRITES)
_NAMED = "127.0.0.1"
"""The one address that a policy of pages can name: of others it knows the scheme alone (CSP section 6.7.2.8)."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One of the scopes that an application is to have, and what it is about. One that changes something stands out."""

    scope: str
    subject: str
    changes: bool


def list_permissions(scopes: Scopes, catalogue: Catalogue) -> Sequence[Permission]:
    """What these scopes are, in the order of the catalogue; none for everything, which has words of its own."""
    subjects = {resource.name: resource.description or resource.name for resource in catalogue.resources}
    ordered = sorted(scopes.levels.items(), key=lambda item: [*subjects].index(item[0]) if item[0] in subjects else -1)
    return [
        Permission(f"{name}:{level.word}", subjects.get(name, name), level is Level.READ_WRITE)
        for name, level in ordered
    ]


def is_dangerous(scopes: Scopes) -> bool:
    """Whether an application could make itself further tokens and users with these, which outlive its own."""
    return scopes.covers(_WRITES)


def describe_destination(redirect_uri: str) -> str:
    """Where a browser goes from here."""
    scheme, host = urlsplit(redirect_uri).scheme, urlsplit(redirect_uri).hostname
    if scheme == "https":
        return f"the website {host}"
    if scheme == "http":
        return f"a program on this device ({host})"
    return f"an app on this device (which opens {scheme}: addresses)"


def form_source(redirect_uri: str) -> str:
    """What the policy of a page names, so that the answer to its form may lead to this address, and not elsewhere."""
    parts = urlsplit(redirect_uri)
    host = parts.hostname or ""
    by_number = host.replace(".", "").isdigit() or ":" in host
    if parts.scheme not in ("http", "https") or (by_number and host != _NAMED):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


def write_lifetime(lifetime: timedelta) -> str:
    """A lifetime in words, in the largest unit that it has at least two of."""
    for unit, seconds in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if lifetime.total_seconds() >= 2 * seconds:
            return f"{int(lifetime.total_seconds() // seconds)} {unit}"
    return f"{int(lifetime.total_seconds())} seconds"
