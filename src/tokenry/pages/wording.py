"""What a page says of an application, in plain words: where it is, and what it may do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from tokenry.domain.catalogue import Action, Catalogue, Resource
from tokenry.domain.scopes import WRITES, Level, Name, Scopes, stored_scopes

_WRITES = Scopes.parse(WRITES)
_LEVELS = [level.word for level in Level]


@dataclass(frozen=True, slots=True)
class Permission:
    """One of the scopes that an application is to have: what it does with what. One that changes something stands out.

    `includes` are the other things that come with it.
    """

    scope: str
    action: str
    subject: str
    changes: bool
    includes: Sequence[str] = ()


def list_permissions(scopes: Scopes, catalogue: Catalogue) -> Sequence[Permission]:
    """What these scopes are, in the order of the catalogue; none for everything, which has words of its own."""
    places = {resource.name: place for place, resource in enumerate(catalogue.resources)}
    names = sorted(scopes.names.values(), key=lambda name: places.get(name.resource, -1))
    return [_describe(name, catalogue) for name in names]


def summarize(scopes: Scopes, catalogue: Catalogue) -> Mapping[str, Sequence[str]]:
    """What these scopes are, by what may be done: with which things; nothing for everything."""
    found: dict[str, list[str]] = {}
    for permission in list_permissions(scopes, catalogue):
        found.setdefault(permission.action, []).append(permission.subject)
    return found


def in_words(catalogue: Catalogue) -> Callable[[str], Mapping[str, Sequence[str]]]:
    """What summarizes scopes as they are stored; the many tokens that share a text share the result."""
    return lru_cache(maxsize=1024)(lambda text: summarize(stored_scopes(text), catalogue))


def _describe(name: Name, catalogue: Catalogue) -> Permission:
    """One permission. What the catalogue does not say that it only reads is taken to change something."""
    entry = next((each for each in catalogue.resources if each.name == name.resource), Resource(name.resource, ()))
    titles = {action.name: action.shown for action in entry.actions}
    implied = entry.implied()
    reading = entry.find_action(Level.READ_ONLY)
    return Permission(
        str(name),
        titles.get(name.action, Action(name.action).shown),
        f"{entry.shown} ({name.instance})" if name.instance else entry.shown,
        changes=reading is None or name.action not in {reading, *implied.get(reading, ())},
        includes=[titles[each] for each in sorted(implied.get(name.action, ())) if each not in _LEVELS],
    )


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
