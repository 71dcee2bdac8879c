"""The scope algebra: what a token may do, and which sets of scopes cover which.

A scope is `resource:level`, or `*` for everything. `read_write` covers `read_only` of the same resource; no resource
implies another. A set of scopes keeps the order in which it was asked for.

Beside an operator's catalogue stands one of this service's own, by which a product's backend manages users and tokens.
`*` does not have these scopes, unless an administrator holds it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import Self

from tokenry.domain.errors import Fault

SCOPES_LENGTH_MAX = 4096
POLICY_BYTES_MAX = 2048
"""Of the scopes and resources that a gateway asks for, written as a query."""
READS, WRITES = "account:read_only", "account:read_write"
"""The scopes that this service asks for itself, on its own paths."""
CHILDREN_READS, CHILDREN_WRITES = "child_account:read_only", "child_account:read_write"
"""The same for child accounts."""
MANAGEMENT_PREFIX = "tokenry_"
"""How the names of this service's own resources begin, and no others."""
RESOURCE = re.compile(r"[a-z][a-z0-9_]{0,63}")
USERS_READS, USERS_WRITES = "tokenry_users:read_only", "tokenry_users:read_write"
TOKENS_READS, TOKENS_WRITES = "tokenry_tokens:read_only", "tokenry_tokens:read_write"
"""What a product's backend needs to manage users, and their tokens."""
VERIFY_READS = "tokenry_verify:read_only"
"""What it needs to be told of tokens that were presented to it."""
_SEPARATORS = re.compile(r"[ ,]+")


class Level(IntEnum):
    """How much of a resource. A higher level covers the lower ones."""

    READ_ONLY = 1
    READ_WRITE = 2

    @property
    def word(self) -> str:
        """As written in a scope: `read_only`, `read_write`."""
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> Self | None:
        """Find the level that is written `word`."""
        return next((level for level in cls if level.word == word), None)


@dataclass(frozen=True)
class Scopes:
    """A set of scopes. `everything` is `*`, without levels; `manages` if it has those of management."""

    levels: Mapping[str, Level]
    everything: bool = False
    manages: bool = False
    audience = ""
    """For whom they are asked for, if that is said: `Asked` has it."""
    origin = ""
    """Where requests for whoever asks go, if that is said."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read scopes separated by spaces or commas.

        Names are not compared with a catalogue here: that is `Catalogue.faults`. Raises ValueError with the first piece
        that is no scope at all. A resource named twice keeps its wider level; `*` swallows the rest.
        """
        levels: dict[str, Level] = {}
        pieces = split_scopes(text)
        for piece in pieces:
            if piece == "*":
                continue
            resource, _, word = piece.partition(":")
            level = Level.named(word)
            if level is None or not RESOURCE.fullmatch(resource):
                raise ValueError(piece)
            levels[resource] = max(level, levels.get(resource, level))
        if "*" in pieces:
            return cls({}, everything=True)
        return cls(levels)

    def __str__(self) -> str:
        """Space-joined in the order asked for: the form that is stored and shown."""
        return self.text

    @cached_property
    def text(self) -> str:
        """What `str` gives, made once."""
        return "*" if self.everything else " ".join(_join(self.levels.items()))

    @cached_property
    def sorted_text(self) -> str:
        """Space-joined and alphabetical: the form of the X-OAuth-Scopes header."""
        return "*" if self.everything else " ".join(_join(sorted(self.levels.items())))

    def covers(self, needed: "Scopes") -> bool:
        """Whether these scopes cover all that `needed` names."""
        if self.everything:
            return self.manages or not needed.management
        if needed.everything:
            return False
        for resource, level in needed.levels.items():  # noqa: SIM110 - at half the price of `all`, on the hot path
            if self.levels.get(resource, 0) < level:
                return False
        return True

    def within(self, limit: "Scopes") -> "Scopes":
        """What of these scopes `limit` covers: of a resource that both have, the lower level."""
        if limit.everything:
            return self if limit.manages else self.without_management()
        if self.everything:
            return limit if self.manages else limit.without_management()
        common = (name for name in self.levels if name in limit.levels)
        return Scopes({name: min(self.levels[name], limit.levels[name]) for name in common})

    def united(self, others: "Scopes") -> "Scopes":
        """These scopes and others together: of a resource that both have, the higher level."""
        return Scopes.parse(f"{self} {others}")

    def managing(self) -> "Scopes":
        """These scopes as an administrator holds them: `*` with those of management."""
        return ALL if self.everything else self

    def with_management(self) -> "Scopes":
        """These scopes, and all of management."""
        if self.everything:
            return ALL
        return Scopes({**self.levels, **{resource.name: max(resource.levels) for resource in MANAGEMENT.resources}})

    @cached_property
    def management(self) -> bool:
        """Whether some of these are of management."""
        return self.manages or any(map(is_management, self.levels))

    def without_management(self) -> "Scopes":
        """These scopes but for those of management."""
        if not self.management:
            return self
        levels = {name: level for name, level in self.levels.items() if not is_management(name)}
        return Scopes(levels, self.everything)


@dataclass(frozen=True)
class Asked(Scopes):
    """Scopes that are asked for by somebody in particular: a token that is meant for others is not for them.

    `audience` is an address (RFC 8707), or ANYBODY where a token is to be told about, whomever it is meant for.
    `origin` is what a proof's address begins with (RFC 9449); without one no proof is taken.
    """

    audience: str = ""
    origin: str = ""


ANYBODY = "*"
EVERYTHING = Scopes({}, everything=True)
ALL = Scopes({}, everything=True, manages=True)
"""What `*` is for an administrator."""
NOTHING = Scopes({})
NOTHING_FOR_ANYBODY = Asked({}, audience=ANYBODY)


def is_management(resource: str) -> bool:
    """Whether a resource is one of this service's own."""
    return resource.startswith(MANAGEMENT_PREFIX)


def split_scopes(text: str) -> list[str]:
    """Cut a list of scopes, separated by spaces or commas, into its pieces."""
    return [piece for piece in _SEPARATORS.split(text) if piece]


@lru_cache(maxsize=4096)
def stored_scopes(text: str) -> Scopes:
    """Read scopes that were checked before they were stored; the many tokens that share a text share the result."""
    return Scopes.parse(text)


def _join(levels: Iterable[tuple[str, Level]]) -> Iterable[str]:
    return (f"{resource}:{level.word}" for resource, level in levels)


@dataclass(frozen=True, slots=True)
class Resource:
    """One entry of the catalogue: a name, the levels that exist for it, and words for people."""

    name: str
    levels: tuple[Level, ...]
    description: str


@dataclass(frozen=True)
class Catalogue:
    """The resources that scopes may name, in the order they are shown."""

    resources: tuple[Resource, ...]

    @cached_property
    def scopes(self) -> Sequence[str]:
        """Every scope there is, without `*`."""
        return tuple(f"{resource.name}:{level.word}" for resource in self.resources for level in resource.levels)

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(("*", *self.scopes, *MANAGEMENT.scopes))

    def faults(self, text: str) -> list[Fault]:
        """Say what is wrong with `text` as a list of scopes: one fault for each piece the catalogue does not have."""
        if len(text) > SCOPES_LENGTH_MAX:
            return [Fault(f"Length must be 1-{SCOPES_LENGTH_MAX} characters", "scopes")]
        pieces = split_scopes(text)
        if not pieces:
            return [Fault("Must contain at least one scope", "scopes")]
        unknown = dict.fromkeys(piece for piece in pieces if piece not in self._words)
        return [Fault(f"Invalid scope: {piece}", "scopes") for piece in unknown]

    def cut(self, scopes: Scopes) -> Scopes:
        """What there is of some scopes that were checked by another catalogue: no level that is higher than before."""
        if scopes.everything:
            return scopes
        levels = {
            resource.name: [level for level in resource.levels if level <= scopes.levels.get(resource.name, 0)]
            for resource in (*self.resources, *MANAGEMENT.resources)
        }
        return Scopes({name: max(found) for name, found in levels.items() if found})

    def find_scope(self, resource: str, level: Level) -> str | None:
        """Find the lowest scope that gives `level` of a resource; None if the catalogue has no such resource.

        A resource may lack the level itself. Where no level of it is high enough, the answer is a scope that no token
        can have, so that only `*` covers it.
        """
        entry = next((entry for entry in self.resources if entry.name == resource), None)
        if entry is None:
            return None
        lowest = min((existing for existing in entry.levels if existing >= level), default=level)
        return f"{resource}:{lowest.word}"


_BOTH = tuple(Level)
MANAGEMENT = Catalogue(
    (
        Resource("tokenry_users", _BOTH, "Users of your product, by your own names for them"),
        Resource("tokenry_tokens", _BOTH, "Tokens of those users"),
        Resource("tokenry_verify", (Level.READ_ONLY,), "Whether tokens are valid, and what is known of them"),
        Resource("tokenry_audit", (Level.READ_ONLY,), "What was done, and by whom"),
    )
)
"""What a service account may do here; tokens of others have none of it."""
