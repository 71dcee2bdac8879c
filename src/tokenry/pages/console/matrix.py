"""What may be chosen of scopes: everything the catalogue has, and what of it is to be had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from tokenry.domain.catalogue import MANAGEMENT, Action, Catalogue, Resource
from tokenry.domain.policy import Rules
from tokenry.domain.scopes import Level, Scopes
from tokenry.domain.users import User

NOT_THERE = "There is no such scope"
OWN_LIMIT = "Beyond your own limit"
ITS_LIMIT = "Beyond its limit"
POLICY = "Not allowed by the policy"


@dataclass(frozen=True, slots=True)
class Choice:
    """One scope to choose, and why it is not to be had, if it is not."""

    scope: str
    title: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A resource: its levels, by their words, and its other actions."""

    name: str
    title: str
    levels: Mapping[str, Choice]
    others: Sequence[Choice]

    def highest(self, level: str) -> str | None:
        """The scope of the highest level up to this one that is to be had, if there is one."""
        wanted = Level.named(level)
        lower = [] if wanted is None else [each.word for each in Level if each <= wanted]
        found = [self.levels[word] for word in lower if word in self.levels and self.levels[word].reason is None]
        return found[-1].scope if found else None


@dataclass(frozen=True, slots=True)
class Matrix:
    """All that can be chosen. `everything` is why `*` is not to be had; with `instances` there are scopes of some."""

    rows: Sequence[Row]
    everything: str | None
    instances: bool

    @classmethod
    def of(cls, catalogue: Catalogue, user: User, limit: Scopes, rules: Rules, beyond: str = OWN_LIMIT) -> Self:
        """What a user's token may do if its maker may give at most the scopes `limit`; `beyond` is why no more.

        Management is shown to who may give it.
        """
        judge = _Judge(catalogue, limit, rules.scopes, user.ceiling.by(catalogue.implied), beyond)
        return cls._judged(judge, [*catalogue.resources, *(MANAGEMENT.resources if limit.manages else ())])

    @classmethod
    def within(cls, catalogue: Catalogue, limit: Scopes) -> Self:
        """What somebody may set who has the scopes `limit`, where neither policy nor management is concerned."""
        return cls._judged(_Judge(catalogue, limit, limit, limit, OWN_LIMIT), catalogue.resources)

    @classmethod
    def narrower(cls, catalogue: Catalogue, held: Scopes) -> Self:
        """What a token may be kept to that has the scopes `held`: the resources of which it has something."""
        judge = _Judge(catalogue, held, held, held, ITS_LIMIT)
        resources = [*catalogue.resources, *MANAGEMENT.resources]
        return cls._judged(
            judge, [each for each in resources if any(judge.reason(scope) is None for scope in each.scopes)]
        )

    @classmethod
    def _judged(cls, judge: "_Judge", resources: Sequence[Resource]) -> Self:
        rows = tuple(map(judge.row, resources))
        return cls(rows, judge.reason("*"), any(resource.instances for resource in resources))


class _Judge(NamedTuple):
    """Says what is to be had: what `limit`, the policy and the user's own ceiling allow."""

    catalogue: Catalogue
    limit: Scopes
    allowed: Scopes
    ceiling: Scopes
    beyond: str

    def row(self, resource: Resource) -> Row:
        words = dict.fromkeys(level.word for level in Level)
        there = {action.name: self._choice(resource, action) for action in resource.actions}
        missing = Choice("", "", NOT_THERE)
        levels = {word: there.get(word, missing) for word in words}
        others = [choice for name, choice in there.items() if name not in words]
        return Row(resource.name, resource.shown, levels if words.keys() & there.keys() else {}, others)

    def reason(self, scope: str) -> str | None:
        """Why a scope is not to be had."""
        asked = self.catalogue.read(scope)
        if self.limit.covers(asked) and self.allowed.covers(asked):
            return None
        return POLICY if self.ceiling.covers(asked) else self.beyond

    def _choice(self, resource: Resource, action: Action) -> Choice:
        scope = f"{resource.name}:{action.name}"
        return Choice(scope, action.shown, self.reason(scope))
