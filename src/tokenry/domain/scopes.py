"""The scope algebra: what a token may do, and which sets of scopes cover which.

A scope is `resource:action`, `resource:action@instance` for one of the many that a resource may have, or `*` for
everything. One without an instance covers every instance. `read_write` covers `read_only`, whatever the catalogue says;
what else an action implies, of its own resource, is the catalogue's. A set of scopes keeps the order in which it was
asked for, and its text: what they imply is never stored.

Beside an operator's catalogue (`catalogue.py`) stands one of this service's own, by which a product's backend manages
users and tokens. `*` does not have these scopes, unless an administrator holds it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import NamedTuple, Self

SCOPES_LENGTH_MAX = 4096
POLICY_BYTES_MAX = 2048
"""Of the scopes and resources that a gateway asks for, written as a query."""
READS, WRITES = "account:read_only", "account:read_write"
"""The scopes that this service asks for itself, on its own paths."""
CHILDREN_READS, CHILDREN_WRITES = "child_account:read_only", "child_account:read_write"
"""The same for child accounts."""
MANAGEMENT_PREFIX = "tokenry_"
"""How the names of this service's own resources begin, and no others."""
USERS_READS, USERS_WRITES = "tokenry_users:read_only", "tokenry_users:read_write"
TOKENS_READS, TOKENS_WRITES = "tokenry_tokens:read_only", "tokenry_tokens:read_write"
"""What a product's backend needs to manage users, and their tokens."""
VERIFY_READS = "tokenry_verify:read_only"
"""What it needs to be told of tokens that were presented to it."""
AUDIT_READS = "tokenry_audit:read_only"
"""What it needs to be told what was done in its account."""
ALL_MANAGEMENT = (USERS_WRITES, TOKENS_WRITES, "tokenry_verify:read_write", "tokenry_audit:read_write")
"""What covers all of management."""
RESOURCE = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""An action is named by the same rule."""
INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Nothing that means something in a URL, a header, a configuration of a gateway, or a list of scopes."""
_SEPARATORS = re.compile(r"[ ,]+")

Implied = Mapping[str, frozenset[str]]
"""By scope without an instance: every action that it implies. Those that are not in it imply what levels do."""
NOTHING_IMPLIED: Implied = {}


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


class Name(NamedTuple):
    """One scope; `instance` is empty for all of a resource."""

    resource: str
    action: str
    instance: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `resource:action` or `resource:action@instance`. Raises ValueError with what is neither."""
        general, at, instance = text.partition("@")
        resource, _, action = general.partition(":")
        if not (RESOURCE.fullmatch(resource) and RESOURCE.fullmatch(action)):
            raise ValueError(text)
        if at and not is_instance(instance):
            raise ValueError(text)
        return cls(resource, action, instance)

    def __str__(self) -> str:
        return f"{self.general}@{self.instance}" if self.instance else self.general

    @property
    def general(self) -> str:
        """The scope for all instances."""
        return f"{self.resource}:{self.action}"

    def covered(self, implied: Implied) -> Iterator["Name"]:
        """All that it covers: of its own instance, if it has one."""
        yield self
        for action in implied.get(self.general, LEVELS_IMPLY.get(self.action, frozenset())):
            yield self._replace(action=action)


LEVELS_IMPLY = {Level.READ_WRITE.word: frozenset({Level.READ_ONLY.word})}
"""What these actions imply of any resource, by the wire format."""


@dataclass(frozen=True)
class Scopes:
    """A set of scopes, by their texts. `everything` is `*`, without names; `manages` if it has those of management.

    `implied` is what a catalogue says; without it, actions imply nothing but levels. Two sets of which one has it are
    compared by it, so it is enough if one of them comes from a catalogue.
    """

    names: Mapping[str, Name]
    everything: bool = False
    manages: bool = False
    implied: Implied = field(default_factory=dict, compare=False, repr=False, kw_only=True)
    audience = ""
    """For whom they are asked for, if that is said: `Asked` has it."""
    origin = ""
    """Where requests for whoever asks go, if that is said."""
    cost = 0
    """How much of a token's limit a request takes, if that is said."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read scopes separated by spaces or commas.

        They are not compared with a catalogue here: that is `Catalogue.faults`. Raises ValueError with the first piece
        that is no scope at all. A resource named twice keeps its wider level, and no instance of what it has all of;
        `*` swallows the rest.
        """
        pieces = split_scopes(text)
        names = [Name.parse(piece) for piece in pieces if piece != "*"]
        return cls({}, everything=True) if "*" in pieces else cls(_reduce(names))

    def __str__(self) -> str:
        """Space-joined in the order asked for: the form that is stored and shown."""
        return self.text

    @cached_property
    def text(self) -> str:
        """What `str` gives, made once."""
        return "*" if self.everything else " ".join(self.names)

    @cached_property
    def sorted_text(self) -> str:
        """Space-joined and alphabetical, with all that they imply: the form of headers.

        Whoever reads it needs no catalogue. A level is not told beside one that covers it.
        """
        return "*" if self.everything else " ".join(map(str, sorted(_reduce(map(Name.parse, self.held)).values())))

    @cached_property
    def held(self) -> frozenset[str]:
        """All that these scopes cover, but for instances of what they have all of."""
        return frozenset(str(covered) for name in self.names.values() for covered in name.covered(self.implied))

    @property
    def texts(self) -> Sequence[str]:
        """Each of them as it is written."""
        return ("*",) if self.everything else tuple(self.names)

    def missing(self, needed: "Scopes") -> Sequence[str]:
        """Which of the scopes that are needed these do not cover."""
        return [text for text in needed.texts if not self.covers(Scopes.parse(text).by(needed.implied))]

    def covers(self, needed: "Scopes") -> bool:
        """Whether these scopes cover all that `needed` names."""
        if self.everything:
            return self.manages or not needed.management
        if needed.everything:
            return False
        if self.held.issuperset(needed.names):  # most of what is asked on the hot path, in one call
            return True
        if needed.implied and not self.implied:
            return self.by(needed.implied).covers(needed)
        return all(text in self.held or name.general in self.held for text, name in needed.names.items())

    def by(self, implied: Implied) -> Self:
        """These scopes, with what a catalogue says that they imply."""
        return replace(self, implied=implied) if implied and implied is not self.implied else self

    def within(self, limit: "Scopes") -> "Scopes":
        """What of these scopes `limit` covers, which is these as they are if it covers them all."""
        implied = self.implied or limit.implied
        mine, limit = self.by(implied), limit.by(implied)
        if limit.everything:
            return mine if limit.manages else mine.without_management()
        if mine.everything:
            return limit if mine.manages else limit.without_management()
        if limit.covers(mine):
            return mine
        common = [text for text in mine.held if limit.covers(Scopes.parse(text))]
        common += [text for text in limit.held if mine.covers(Scopes.parse(text))]
        places = _places(mine.names.values())
        names = sorted(map(Name.parse, common), key=lambda name: (places[name.resource], name))
        return Scopes(_reduce(names, implied), implied=implied)

    def united(self, others: "Scopes") -> "Scopes":
        """These scopes and others together: of a resource that both have, the higher level."""
        return Scopes.parse(f"{self} {others}").by(self.implied or others.implied)

    def of_instance(self, instance: str) -> "Scopes":
        """The same of one instance; `*` stays what it is. Raises ValueError if one of them names an instance."""
        if any(name.instance for name in self.names.values()):
            raise ValueError(self.text)
        names = [name._replace(instance=instance) for name in self.names.values()]
        return replace(self, names={str(name): name for name in names})

    def managing(self) -> "Scopes":
        """These scopes as an administrator holds them: `*` with those of management."""
        return ALL if self.everything else self

    def with_management(self) -> "Scopes":
        """These scopes, and all of management."""
        if self.everything:
            return ALL
        return replace(self, names=_reduce([*self.names.values(), *map(Name.parse, ALL_MANAGEMENT)]))

    @cached_property
    def management(self) -> bool:
        """Whether some of these are of management."""
        return self.manages or any(is_management(name.resource) for name in self.names.values())

    def without_management(self) -> "Scopes":
        """These scopes but for those of management."""
        if not self.management:
            return self
        names = {text: name for text, name in self.names.items() if not is_management(name.resource)}
        return Scopes(names, self.everything, implied=self.implied)


@dataclass(frozen=True)
class Asked(Scopes):
    """Scopes that are asked for by somebody in particular: a token that is meant for others is not for them.

    `audience` is an address (RFC 8707), or ANYBODY where a token is to be told about, whomever it is meant for.
    `origin` is what a proof's address begins with (RFC 9449); without one no proof is taken. `cost` is what a request
    counts for, of those that a token with a limit may be used for; 0: it is not counted.
    """

    audience: str = ""
    origin: str = ""
    cost: int = 0


ANYBODY = "*"
EVERYTHING = Scopes({}, everything=True)
ALL = Scopes({}, everything=True, manages=True)
"""What `*` is for an administrator."""
NOTHING = Scopes({})
NOTHING_FOR_ANYBODY = Asked({}, audience=ANYBODY)


def is_management(resource: str) -> bool:
    """Whether a resource is one of this service's own."""
    return resource.startswith(MANAGEMENT_PREFIX)


def is_resource(text: str) -> bool:
    """Whether this names a resource, or one of its instances."""
    name, at, instance = text.partition("@")
    return bool(RESOURCE.fullmatch(name)) and (not at or is_instance(instance))


def is_instance(text: str) -> bool:
    """Whether an instance can be called so."""
    return bool(INSTANCE.fullmatch(text))


def split_scopes(text: str) -> list[str]:
    """Cut a list of scopes, separated by spaces or commas, into its pieces."""
    return [piece for piece in _SEPARATORS.split(text) if piece]


@lru_cache(maxsize=4096)
def stored_scopes(text: str) -> Scopes:
    """Read scopes that were checked before they were stored; the many tokens that share a text share the result."""
    return Scopes.parse(text)


def _reduce(names: Iterable[Name], implied: Implied = NOTHING_IMPLIED) -> dict[str, Name]:
    """These scopes but for those that others among them cover. A resource stands where it was named first."""
    found = list(names)
    places = _places(found)
    covered = {each for name in found for each in name.covered(implied) if each != name}
    general = {name for name in covered.union(found) if not name.instance}
    return {
        str(name): name
        for name in sorted(found, key=lambda name: places[name.resource])
        if name not in covered and not (name.instance and name._replace(instance="") in general)
    }


def _places(names: Iterable[Name]) -> Mapping[str, int]:
    """By resource: which of them is named first, which next."""
    return {resource: place for place, resource in enumerate(dict.fromkeys(name.resource for name in names))}
