"""The catalogue: which scopes there are, what each implies, and what people are told of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.scopes import (
    LEVELS_IMPLY,
    SCOPES_LENGTH_MAX,
    Implied,
    Level,
    Name,
    Scopes,
    is_instance,
    split_scopes,
    stored_scopes,
)
from tokenry.domain.suggestions import find_likely, write_suggestion

JSON_BYTES_MAX = 4 * 1024 * 1024
"""As how much JSON somebody may send one."""


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done with a resource, what other actions that implies, and words for people."""

    name: str
    implies: tuple[str, ...] = ()
    title: str = ""
    description: str = ""

    @property
    def shown(self) -> str:
        """What people are told that it is."""
        return self.title or _LEVEL_TITLES.get(self.name, self.name)


_LEVEL_TITLES = {Level.READ_ONLY.word: "See", Level.READ_WRITE.word: "See and change"}


def level_actions(*levels: Level) -> tuple[Action, ...]:
    """The actions of a resource that has these levels."""
    return tuple(Action(level.word) for level in levels)


@dataclass(frozen=True, slots=True)
class Resource:
    """One entry of the catalogue. A scope may name one of its `instances`, if it has any.

    `reads` and `writes` are the actions that a request needs which leaves them to its method; without them, its levels.
    """

    name: str
    actions: tuple[Action, ...]
    description: str = ""
    title: str = ""
    instances: bool = False
    reads: str | None = None
    writes: str | None = None

    @property
    def shown(self) -> str:
        """What people are told that it is."""
        return self.title or self.description or self.name

    @property
    def scopes(self) -> Sequence[str]:
        """Its scopes, one for each action."""
        return [f"{self.name}:{action.name}" for action in self.actions]

    @property
    def levels(self) -> Sequence[Level]:
        """Those of its actions that are levels."""
        return [level for level in Level if any(action.name == level.word for action in self.actions)]

    def find_action(self, level: Level) -> str | None:
        """Find what a request of this level needs; None if the catalogue does not say it.

        A resource may lack the level itself. Where no level of it is high enough, the answer is an action that no token
        can have, so that only `*` covers it.
        """
        chosen = self.reads if level is Level.READ_ONLY else self.writes
        if chosen is not None or not self.levels:
            return chosen
        return min((existing for existing in self.levels if existing >= level), default=level).word

    def implied(self) -> dict[str, frozenset[str]]:
        """By action: all that it implies, directly or not."""
        direct = {
            action.name: {*action.implies, *LEVELS_IMPLY.get(action.name, ())} & {each.name for each in self.actions}
            for action in self.actions
        }
        found = {}
        for name in direct:
            reached, waiting = set[str](), [name]
            while waiting:
                further = direct[waiting.pop()] - reached
                reached |= further
                waiting += further
            found[name] = frozenset(reached)
        return found


@dataclass(frozen=True)
class Catalogue:
    """The resources that scopes may name, in the order they are shown."""

    resources: tuple[Resource, ...]

    @cached_property
    def scopes(self) -> Sequence[str]:
        """Every scope there is, without instances and `*`."""
        return tuple(scope for resource in self.resources for scope in resource.scopes)

    @cached_property
    def implied(self) -> Implied:
        """What its scopes imply beyond levels."""
        return {
            f"{resource.name}:{action}": implied
            for resource in self.resources
            for action, implied in resource.implied().items()
            if implied != LEVELS_IMPLY.get(action, frozenset())
        }

    @cached_property
    def _entries(self) -> dict[str, Resource]:
        return {resource.name: resource for resource in (*self.resources, *MANAGEMENT.resources)}

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset((*self.scopes, *MANAGEMENT.scopes))

    def faults(self, text: str) -> list[Fault]:
        """Say what is wrong with `text` as a list of scopes: one fault for each piece the catalogue does not have."""
        if len(text) > SCOPES_LENGTH_MAX:
            return [Fault(f"Length must be 1-{SCOPES_LENGTH_MAX} characters", "scopes")]
        pieces = split_scopes(text)
        if not pieces:
            return [Fault("Must contain at least one scope", "scopes")]
        unknown = dict.fromkeys(piece for piece in pieces if not self._has(piece))
        faults = [Fault(f"Invalid scope: {piece}", "scopes") for piece in unknown]
        if not faults and len(self.read(text).sorted_text) > SCOPES_LENGTH_MAX:
            faults.append(Fault(f"Length must be 1-{SCOPES_LENGTH_MAX} characters, with all that is implied", "scopes"))
        return faults

    def read(self, text: str) -> Scopes:
        """Read scopes that have no `faults`, with what they imply."""
        return Scopes.parse(text).by(self.implied)

    def require(self, text: str, field: str = "scopes") -> Scopes:
        """Read scopes that somebody gives. Raises Invalid with their `faults`, which are of this field."""
        raise_faults(Fault(fault.reason, field) for fault in self.faults(text))
        return self.read(text)

    @cached_property
    def stored(self) -> Callable[[str], Scopes]:
        """Read scopes as they are stored: what there is of them by now, with what they imply by now.

        The many tokens that share a text share the result.
        """
        return lru_cache(maxsize=4096)(lambda text: self.cut(stored_scopes(text)).by(self.implied))

    def cut(self, scopes: Scopes) -> Scopes:
        """What there is of some scopes that were checked by another catalogue: no level that is higher than before."""
        if all(map(self._has, scopes.names)):
            return scopes
        return Scopes.parse(" ".join(filter(None, map(self._cut, scopes.names.values()))))

    def _cut(self, name: Name) -> str | None:
        lower = (name._replace(action=action) for action in LEVELS_IMPLY.get(name.action, ()))
        return next((str(each) for each in (name, *lower) if self._has(str(each))), None)

    def find_scope(self, resource: str, level: Level) -> str | None:
        """Find the scope that a request of this level needs of a resource, or of `resource@instance`.

        None if the catalogue has no such resource, or does not say what its levels are.
        """
        entry = self._find_resource(resource)
        action = None if entry is None else entry.find_action(level)
        name, at, instance = resource.partition("@")
        return None if action is None else f"{name}:{action}{at}{instance}"

    def complaints(self, scopes: Iterable[str], resources: Iterable[str] = ()) -> list[str]:
        """Say of each scope and each resource that is asked for, and that there is not, which one may be meant."""
        unknown = dict.fromkeys(piece for text in scopes for piece in split_scopes(text) if not self._has(piece))
        found = [f"Invalid scope: {piece}{write_suggestion(self.suggest(piece))}" for piece in unknown]
        names = [resource.name for resource in self.resources]
        for resource in dict.fromkeys(resources):
            if self.find_scope(resource, Level.READ_ONLY) is None:
                likely = None if self._find_resource(resource) else find_likely(resource.partition("@")[0], names)
                found.append(f"{self.resource_fault(resource)}{write_suggestion(likely)}")
        return found

    def resource_fault(self, text: str) -> str:
        """Say what is wrong with a resource of which no scope is found."""
        if self._find_resource(text) is None:
            return f"Unknown resource: {text}"
        return f"The catalogue does not say what reads and what writes: name scopes of {text}"

    def suggest(self, piece: str) -> str | None:
        """The scope that may be meant by one that there is not."""
        general, at, instance = piece.partition("@")
        likely = find_likely(general, self._words)
        with_instance = f"{likely}{at}{instance}"
        return with_instance if likely is not None and self._has(with_instance) else likely

    def _has(self, piece: str) -> bool:
        general, at, instance = piece.partition("@")
        if general not in self._words:
            return piece == "*"
        return not at or (self._entries[general.partition(":")[0]].instances and is_instance(instance))

    def _find_resource(self, text: str) -> Resource | None:
        name, at, instance = text.partition("@")
        entry = next((each for each in self.resources if each.name == name), None)
        if entry is None or (at and not (entry.instances and is_instance(instance))):
            return None
        return entry


def write_json(catalogue: Catalogue) -> dict[str, object]:
    """Write it as JSON, with the resources of this service's own, for who has to know it without the file."""
    resources = [(each, False) for each in catalogue.resources] + [(each, True) for each in MANAGEMENT.resources]
    return {"resources": [_write_resource(each, management=management) for each, management in resources]}


def _write_resource(resource: Resource, *, management: bool) -> dict[str, object]:
    implied = resource.implied()
    return {
        "name": resource.name,
        "title": resource.shown,
        "description": resource.description,
        "instances": resource.instances,
        "reads": resource.find_action(Level.READ_ONLY),
        "writes": resource.find_action(Level.READ_WRITE),
        "management": management,
        "actions": [
            {
                "name": action.name,
                "scope": scope,
                "title": action.shown,
                "description": action.description,
                "implies": sorted(implied[action.name]),
            }
            for scope, action in zip(resource.scopes, resource.actions, strict=True)
        ],
    }


def read_json(values: Any) -> Catalogue:
    """Read it again. Raises ValueError for what it cannot be."""
    try:
        return Catalogue(tuple(_read_resource(each) for each in values["resources"] if not each["management"]))
    except (KeyError, TypeError, AttributeError):
        raise ValueError("this is no catalogue of scopes") from None


def _read_resource(values: Any) -> Resource:
    actions = tuple(Action(str(each["name"]), tuple(map(str, each["implies"]))) for each in values["actions"])
    return Resource(
        str(values["name"]),
        actions,
        instances=bool(values["instances"]),
        reads=values["reads"],
        writes=values["writes"],
    )


MANAGEMENT = Catalogue(
    (
        Resource("tokenry_users", level_actions(*Level), "Users of your product, by your own names for them"),
        Resource("tokenry_tokens", level_actions(*Level), "Tokens of those users"),
        Resource("tokenry_verify", level_actions(*Level), "Whether tokens are valid, and what is known of them"),
        Resource("tokenry_audit", level_actions(*Level), "What was done, and by whom"),
    )
)
"""What a service account may do here; tokens of others have none of it. `ALL_MANAGEMENT` covers it."""
