"""Options that several commands share; some as one parameter: a dataclass whose fields are the options.

@takes_groups
def view(token_id: int, output: Output) -> None: ...
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import fields, is_dataclass
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_type_hints

import typer

ID_MAX = (1 << 63) - 1
"""The largest id that databases and the wire format have."""
COUNT_MAX = 1_000_000_000
"""A larger count is a mistake in typing."""
NotBefore = Annotated[
    str | None,
    typer.Option(metavar="WHEN", show_default="at once", help="Have it refused until then: 12h, or a time (UTC)."),
]
RotatesItselfOnly = Annotated[
    bool,
    typer.Option(
        "--rotates-itself-only", help="Let it rotate itself, whatever its scopes, and manage nothing else, for good."
    ),
]
_LIMIT = partial(
    typer.Option,
    "--requests-per-minute",
    metavar="N",
    min=0,
    help="How many requests a minute it may be used for, where they are counted; 0 for no limit.",
)
NewLimit = Annotated[int | None, _LIMIT(show_default="no limit")]
ChangedLimit = Annotated[int | None, _LIMIT(show_default="as it is")]


def read_text(word: str) -> str:
    """Read a text for the service, which is UTF-8 whatever the locale's encoding is. Raises BadParameter."""
    try:
        return word.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        raise typer.BadParameter("it is not valid UTF-8") from None


AUDIT_SHOWN = 100
"""Events in a list for people."""

OfSubject = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", parser=read_text, show_default=False, help="Show only what was done to this, such as token:12."
    ),
]
OfAction = Annotated[
    str | None,
    typer.Option(metavar="TEXT", parser=read_text, show_default=False, help="Show only this, such as token.create."),
]
OfActor = Annotated[
    str | None,
    typer.Option(metavar="TEXT", parser=read_text, show_default=False, help="Show only what this one did, by name."),
]
AuditLimit = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=COUNT_MAX,
        show_default=f"{AUDIT_SHOWN}; all with --csv",
        help="Show at most this many, the newest first.",
    ),
]


def takes_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, in place of each parameter that is such a dataclass, the options that are its fields."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}

    @wraps(command)
    def called(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
        command(**given)

    shared = [_parameter(field.name, field.default, kind) for kind in groups.values() for field in fields(kind)]
    return with_options(called, command, shared, in_place_of=groups)


def with_options(
    called: Callable[..., None],
    command: Callable[..., None],
    options: Sequence[Parameter],
    *,
    in_place_of: Container[str],
) -> Callable[..., None]:
    """Show what is called for a command as taking these options in the place of some of its parameters."""
    hints = get_type_hints(command, include_extras=True)
    own = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=parameter.default, annotation=hints[name])
        for name, parameter in signature(command).parameters.items()
        if name not in in_place_of
    ]
    taken = [*own, *options]
    called.__signature__ = Signature(taken)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in taken}
    return called


def _parameter(name: str, default: object, kind: type) -> Parameter:
    annotation = get_type_hints(kind, include_extras=True)[name]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
