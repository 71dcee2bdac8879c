"""The scope catalogue as a TOML file.

[linodes]                                      # a resource with the levels of the wire format
levels = ["read_only", "read_write"]
description = "Compute instances"

[labels]                                       # one with actions of its own, of which none implies another
actions = ["list", "print"]

[messages]
title = "Messages"
instances = true                               # messages:read@team-7 is a scope
reads = "read"                                 # what a request needs by its method: resource=messages
writes = "send"
actions.read.title = "Read messages"
actions.send.title = "Send messages"
actions.send.implies = ["read"]
"""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from tokenry.domain.catalogue import Action, Catalogue, Resource, level_actions
from tokenry.domain.errors import SetupError
from tokenry.domain.scopes import MANAGEMENT_PREFIX, RESOURCE, Level, is_management

REQUIRED = "account"
"""The token operations themselves ask for this resource, so every catalogue has it, with both levels."""
_RESOURCE_KEYS = {"levels", "actions", "title", "description", "instances", "reads", "writes"}
_ACTION_KEYS = {"title", "description", "implies"}


def default_catalogue() -> Catalogue:
    """The wire format's own catalogue: 17 resources."""
    return _read(files("tokenry.storage").joinpath("catalogue.toml").read_text("utf-8"), "the default catalogue")


def read_catalogue(path: Path) -> Catalogue:
    """Read an operator's catalogue; `account` is added if it is missing. Raises SetupError."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SetupError(
            f"The scopes file {path} cannot be read ({reason}): correct --scopes-file or TOKENRY_SCOPES_FILE."
        ) from error
    return _read(text, f"the scopes file {path}")


def _read(text: str, source: str) -> Catalogue:
    try:
        tables = tomllib.loads(text)
        resources = [_resource(name, table) for name, table in tables.items()]
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise SetupError(
            f"In {source}: {error}. Correct it, or leave out --scopes-file and TOKENRY_SCOPES_FILE."
        ) from error
    both = tuple(Level)
    account = next((resource for resource in resources if resource.name == REQUIRED), None)
    if account is None:
        resources.insert(0, Resource(REQUIRED, level_actions(*both), "Account, users and tokens"))
    elif tuple(account.levels) != both or account.instances:
        reason = f"[{REQUIRED}] needs both levels, and no instances, for the token operations themselves"
        raise SetupError(f"In {source}: {reason}.")
    return Catalogue(tuple(resources))


def _resource(name: str, table: object) -> Resource:
    if not RESOURCE.fullmatch(name):
        raise ValueError(f"[{name}] is not a resource name: use lower-case letters, digits and underscores")
    if is_management(name):
        raise ValueError(f"[{name}] begins with {MANAGEMENT_PREFIX}, as only the resources of tokenry itself do")
    if not isinstance(table, Mapping) or ("levels" in table) == ("actions" in table):
        raise ValueError(f"[{name}] needs a list of levels, or actions")
    _refuse_unknown(name, table, _RESOURCE_KEYS)
    actions = _levels(name, table["levels"]) if "levels" in table else _actions(name, table["actions"])
    resource = Resource(
        name,
        actions,
        _text(name, table, "description"),
        _text(name, table, "title"),
        _flag(name, table, "instances"),
        _text(name, table, "reads") or None,
        _text(name, table, "writes") or None,
    )
    _check(resource)
    return resource


def _levels(name: str, listed: object) -> tuple[Action, ...]:
    if not isinstance(listed, list):
        raise ValueError(f"[{name}] needs a list of levels")  # noqa: TRY004 - a wrong file, not a wrong call
    levels = [Level.named(str(word)) for word in listed]
    if not levels or None in levels:
        raise ValueError(f"[{name}] has a level other than {', '.join(level.word for level in Level)}")
    return level_actions(*sorted({level for level in levels if level}))


def _actions(name: str, listed: object) -> tuple[Action, ...]:
    """Actions as a list of names, or as a table by name."""
    tables = {str(each): {} for each in listed} if isinstance(listed, list) else listed
    if not isinstance(tables, Mapping) or not tables or not all(isinstance(each, Mapping) for each in tables.values()):
        raise ValueError(f"[{name}] needs actions: a list of names, or a table for each")
    for action, table in tables.items():
        if not RESOURCE.fullmatch(action):
            raise ValueError(f"[{name}] has an action {action!r}: use lower-case letters, digits and underscores")
        _refuse_unknown(f"{name}.actions.{action}", table, _ACTION_KEYS)
    return tuple(
        Action(
            action,
            tuple(_texts(f"{name}.actions.{action}", table, "implies")),
            _text(f"{name}.actions.{action}", table, "title"),
            _text(f"{name}.actions.{action}", table, "description"),
        )
        for action, table in tables.items()
    )


def _check(resource: Resource) -> None:
    """Refuse what is named and is no action of the resource, and actions that imply each other."""
    name, actions = resource.name, [action.name for action in resource.actions]
    if (resource.reads is None) != (resource.writes is None):
        raise ValueError(f"[{name}] needs both of reads and writes, or neither")
    named = [each for action in resource.actions for each in action.implies]
    for word in (*named, resource.reads, resource.writes):
        if word is not None and word not in actions:
            raise ValueError(f"[{name}] has no action {word}")
    for action, implied in resource.implied().items():
        if action in implied:
            raise ValueError(f"[{name}] has an action that implies itself: {action}")


def _refuse_unknown(name: str, table: Mapping[str, object], known: Collection[str]) -> None:
    unknown = set(table) - set(known)
    if unknown:
        raise ValueError(f"[{name}] has unknown keys: {', '.join(sorted(unknown))}")


def _texts(name: str, table: Mapping[str, object], key: str) -> Sequence[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"[{name}] needs a list of names as {key}")
    return value


def _text(name: str, table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"[{name}] needs a line of printable text as {key}")
    return value


def _flag(name: str, table: Mapping[str, object], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ValueError(f"[{name}] needs true or false as {key}")  # noqa: TRY004 - a wrong file, not a wrong call
    return value
