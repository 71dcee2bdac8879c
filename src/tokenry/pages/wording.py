"""What a page says of an application, in plain words: where it is, and what it may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from tokenry.domain.scopes import WRITES, Catalogue, Level, Scopes

_WRITES = Scopes.parse(WRITES)


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


def form_sources(redirect_uri: str) -> list[str]:
    """What the policy of a page names, so that the answer to its form may lead to this address, and on from there.

    Browsers hold to it wherever the client's own answer redirects to, which may be another of its sites: so a client on
    the web is named by its scheme alone. A program on this device may end on a website, too.
    """
    scheme = urlsplit(redirect_uri).scheme
    return [f"{scheme}:", "https:"] if scheme == "http" else [f"{scheme}:"]


def write_lifetime(lifetime: timedelta) -> str:
    """A lifetime in words, in the largest unit that it has at least two of."""
    for unit, seconds in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if lifetime.total_seconds() >= 2 * seconds:
            return f"{int(lifetime.total_seconds() // seconds)} {unit}"
    return f"{int(lifetime.total_seconds())} seconds"
