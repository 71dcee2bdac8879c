"""What is chosen in the table of scopes: of a new token, of what somebody may give, of what a client may get."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from tokenry.domain.scopes import Scopes, split_scopes
from tokenry.pages.console.matrix import Matrix
from tokenry.pages.fields import Form

EVERYTHING = "*"
LEVEL = "level."
"""How the names of the fields of resources begin."""


@dataclass(frozen=True, slots=True)
class ScopeChoice:
    """What a form has of scopes.

    `access` is EVERYTHING, or else the scopes are those of all levels together: `base` for all resources, `levels` by
    resource, `ticked` actions, and `more`, typed as they are written.
    """

    access: str = ""
    base: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)
    ticked: tuple[str, ...] = ()
    more: str = ""

    @classmethod
    def read(cls, form: Form) -> Self:
        """Read a form that was sent. What is missing, or means nothing, gives nothing."""
        return cls(
            access=form.find("access"),
            base=form.find("base"),
            levels={name.removeprefix(LEVEL): value for name, value in form.pairs if name.startswith(LEVEL)},
            ticked=tuple(sorted(form.all("scope"))),
            more=form.find("more").strip(),
        )

    @classmethod
    def of(cls, text: str, matrix: Matrix, *, base: str = "") -> Self:
        """Choose scopes where they stand in the table; what has no place of its own is typed."""
        try:
            scopes = Scopes.parse(text)
        except ValueError:
            return cls(base=base, more=text)
        rows = {row.name: row for row in matrix.rows}
        levels, ticked, more = dict[str, str](), list[str](), list[str]()
        for scope, name in scopes.names.items():
            row = rows.get(name.resource)
            if row is None or name.instance:
                more.append(scope)
            elif name.action in row.levels and row.levels[name.action].scope:
                levels[name.resource] = name.action
            elif any(choice.scope == scope for choice in row.others):
                ticked.append(scope)
            else:
                more.append(scope)
        return cls(EVERYTHING if scopes.everything else "", base, levels, tuple(sorted(ticked)), " ".join(more))

    def text(self, matrix: Matrix) -> str:
        """The scopes that are chosen, as they are written; of all resources, the most that is to be had."""
        if self.access == EVERYTHING:
            return EVERYTHING
        pieces = [scope for row in matrix.rows if (scope := row.highest(self.base)) is not None]
        pieces += [choice.scope for row in matrix.rows if (choice := row.levels.get(self.levels.get(row.name, "")))]
        pieces += [choice.scope for row in matrix.rows for choice in row.others if choice.scope in self.ticked]
        pieces += split_scopes(" ".join(self.more.split()))
        try:
            return str(Scopes.parse(" ".join(filter(None, pieces))))
        except ValueError:  # what is wrong is said of each piece
            return " ".join(pieces)
