"""Settings as options: a command names those it takes, and is given all of them, read from wherever they are."""

import getpass
import os
from collections.abc import Callable, Container, Mapping, Sequence
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from tokenry.cli.missing import say_missing
from tokenry.cli.options import with_options
from tokenry.cli.running import CommandError
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Invalid, NotFound
from tokenry.operator.scopes import explain_unknown
from tokenry.printable import printable
from tokenry.settings import CONFIG_FILE, NOTES, Settings, flag_of, variable_of
from tokenry.sources import read_settings

LOCAL = ("data_dir", "database_url")
"""What leads to the database."""
SCOPED = (*LOCAL, "scopes_file")
NAMING = (*LOCAL, "username_reservation_days")
ALL = tuple(Settings.model_fields)
_KINDS = {
    "user": "user",
    "username": "user",
    "euuid": "account",
    "client_id": "client",
    "token_id": "token",
    "webhook_id": "webhook",
    "delivery_id": "message",
    "identity": "identity",
}
"""What commands ask for, by the names of their parameters: each is of the one before, where there are several."""
_METAVARS = {int: "NUMBER", float: "SECONDS", Path: "PATH"}


def takes_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each of these settings, and the settings in its parameter `settings`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def read(*, flags: Mapping[str, object], config_file: Path | None, **given: Any) -> None:
            settings = read_settings(flags, config_file)
            try:
                command(**given, settings=settings)
            except Invalid as refusal:
                raise explain_unknown(refusal, settings) from None

        return _taking(names, read, command, in_place_of={"settings"})

    return decorate


def takes_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for every setting, and what was given, unread: `flags`, and the file `config_file`."""
    return _taking(ALL, command, command, in_place_of={"flags", "config_file"})


def _taking(
    names: Sequence[str], take: Callable[..., None], command: Callable[..., None], *, in_place_of: Container[str]
) -> Callable[..., None]:
    """A command with an option for each of these settings: `take` is given what they were given, as `flags`."""

    @wraps(command)
    def called(**given: Any) -> None:
        flags = {name: given.pop(name) for name in names}
        try:
            take(**given, flags=flags)
        except NotFound as refusal:
            things = ((kind, given[name]) for name, kind in _KINDS.items() if given.get(name) is not None)
            missing = say_missing(things) if refusal.faults == NotFound().faults else None
            if missing is None:
                raise
            raise CommandError(missing) from None

    return with_options(called, command, [*map(_option, names), _config_file()], in_place_of=in_place_of)


def _option(name: str) -> Parameter:
    """An option that is None when it is not given. What it is given is judged with all other settings."""
    field, note = Settings.model_fields[name], NOTES[name]
    kind: Any = next((kind for kind in get_args(field.annotation) if kind is Path), field.annotation)
    default = note.unset or ("no" if field.default is False else field.default)
    words = get_args(kind) if get_origin(kind) is Literal else ()
    option = typer.Option(
        f"{flag_of(name)}/--no-{flag_of(name)[2:]}" if kind is bool else flag_of(name),
        metavar=None if kind is bool else f"[{'|'.join(words)}]" if words else _METAVARS.get(kind, "TEXT"),
        autocompletion=_completing(words) if words else None,
        show_default=False,
        help=f"{field.description} [{variable_of(name)}; default: {default}]",
    )
    return _keyword(name, bool if kind is bool else str, option)


def _completing(words: Sequence[str]) -> Callable[[str], list[str]]:
    """What a shell may complete to one of these words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def _config_file() -> Parameter:
    option = typer.Option(
        "--config-file",
        metavar="PATH",
        show_default=False,
        help=f"A TOML file with settings; flags and variables go before. [{CONFIG_FILE}; default: none]",
    )
    return _keyword("config_file", Path, option)


def _keyword(name: str, kind: Any, option: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option])


def operator() -> Origin:
    """Who is at the command line, for the audit."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = str(os.getuid())
    return Origin(f"operator:{printable(name)}")  # the variable LOGNAME may hold anything
