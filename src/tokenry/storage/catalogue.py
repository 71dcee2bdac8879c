"""The scope catalogue as a TOML file.

[linodes]
levels = ["read_only", "read_write"]
description = "Compute instances"
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from tokenry.domain.errors import SetupError
from tokenry.domain.scopes import MANAGEMENT_PREFIX, RESOURCE, Catalogue, Level, Resource, is_management

REQUIRED = "account"
"""The token operations themselves ask for this resource, so every catalogue has it, with both levels."""


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
        resources.insert(0, Resource(REQUIRED, both, "Account, users and tokens"))
    elif account.levels != both:
        raise SetupError(f"In {source}: [{REQUIRED}] needs both levels, for the token operations themselves.")
    return Catalogue(tuple(resources))


def _resource(name: str, table: object) -> Resource:
    if not RESOURCE.fullmatch(name):
        raise ValueError(f"[{name}] is not a resource name: use lower-case letters, digits and underscores")
    if is_management(name):
        raise ValueError(f"[{name}] begins with {MANAGEMENT_PREFIX}, as only the resources of tokenry itself do")
    if not isinstance(table, Mapping) or not isinstance(table.get("levels"), list):
        raise ValueError(f"[{name}] needs a list of levels")  # noqa: TRY004 - a wrong file, not a wrong call
    levels = [Level.named(str(word)) for word in table["levels"]]
    if not levels or None in levels:
        raise ValueError(f"[{name}] has a level other than {', '.join(level.word for level in Level)}")
    unknown = set(table) - {"levels", "description"}
    if unknown:
        raise ValueError(f"[{name}] has unknown keys: {', '.join(sorted(unknown))}")
    return Resource(name, tuple(sorted(level for level in levels if level)), str(table.get("description", "")))
