"""What a page says of an application, in plain words: where it is, and what it may do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from tokenry.domain.catalogue import Action, Catalogue, Resource
from tokenry.domain.scopes import CHILDREN_WRITES, WRITES, Level, Name, Scopes, stored_scopes

_MAKING = (Scopes.parse(WRITES), Scopes.parse(CHILDREN_WRITES))
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
    """Whether whoever has these could make further tokens and users, or manages those of an account."""
    return scopes.management or any(map(scopes.covers, _MAKING))


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a browser goes from here: to a site on the `web`, or a `program` or an `app` on this device.

    They are known by the name of a host, an app by the scheme that it opens.
    """

    kind: Literal["web", "program", "app"]
    name: str


def describe_destination(redirect_uri: str) -> Destination:
    """Where an address leads."""
    scheme, host = urlsplit(redirect_uri).scheme, urlsplit(redirect_uri).hostname or ""
    if scheme == "https":
        return Destination("web", host)
    return Destination("program", host) if scheme == "http" else Destination("app", scheme)


def form_sources(redirect_uri: str) -> list[str]:
    """What the policy of a page names, so that the answer to its form may lead to this address, and on from there.

    Browsers hold to it wherever the client's own answer redirects to, which may be another of its sites: so a client on
    the web is named by its scheme alone. A program on this device may end on a website, too.
    """
    scheme = urlsplit(redirect_uri).scheme
    return [f"{scheme}:", "https:"] if scheme == "http" else [f"{scheme}:"]
