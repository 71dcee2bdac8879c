"""Where settings come from: flags, then TOKENRY_* variables, files that TOKENRY_*_FILE name, a TOML file, defaults."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from tokenry.domain.errors import SetupError
from tokenry.settings import CONFIG_FILE, NOTES, SECRETS, Settings, flag_of, variable_of

DEFAULT = "default"
BYTES_MAX = 64 * 1024
"""Of a file with settings, or with one secret."""
ALWAYS = frozenset({"database_timeout"})
"""What commands obey that have no flag for it."""


class WrongSettings(SetupError):  # noqa: N818 - as its siblings
    """Settings have values that they cannot have. The text names all of them, and where each value came from."""


@dataclass(frozen=True, slots=True)
class Value:
    """What was found for a setting, before it was read, and where."""

    given: object
    origin: str


def find_settings(
    flags: Mapping[str, object], config_file: Path | None, environment: Mapping[str, str] = os.environ
) -> dict[str, Value]:
    """Find what is given for the settings that a command takes, from the first place that has it.

    It takes those it has flags for, of which None is not given, and those that all obey. What a file has that is no
    setting is found too. An empty variable is not given, but for secrets: without its value, the service would quietly
    be another one. Raises SetupError for a file that cannot be read, and for a variable set beside its file.
    """
    file, _ = find_config_file(config_file, environment)
    taken = flags.keys() | ALWAYS
    content = {} if file is None else _read_toml(file)
    known = taken | (content.keys() - Settings.model_fields.keys())
    found = {name: Value(given, str(file)) for name, given in content.items() if name in known}
    for name in taken:
        variable = variable_of(name)
        given = environment.get(variable)
        if given or (given is not None and name in SECRETS):
            found[name] = Value(given, variable)
        if name in SECRETS and (path := environment.get(f"{variable}_FILE")):
            if given:
                raise SetupError(f"{variable} and {variable}_FILE are both set: keep one of them.")
            found[name] = Value(_read_secret(Path(path), f"{variable}_FILE"), f"{variable}_FILE")
        if flags.get(name) is not None:
            found[name] = Value(flags[name], flag_of(name))
    return found


def find_config_file(config_file: Path | None, environment: Mapping[str, str] = os.environ) -> tuple[Path | None, str]:
    """Find which TOML file is read, and where that comes from."""
    if config_file is not None:
        return config_file, "--config-file"
    if path := environment.get(CONFIG_FILE):
        return Path(path), CONFIG_FILE
    return None, DEFAULT


def take_settings(**given: object) -> Settings:
    """Take settings from a program. Raises WrongSettings."""
    return _settings_of({name: Value(value, name) for name, value in given.items()})


def read_settings(
    flags: Mapping[str, object], config_file: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Read the settings that a command takes. Raises SetupError, which is WrongSettings for values."""
    return _settings_of(find_settings(flags, config_file, environment))


def _settings_of(found: Mapping[str, Value]) -> Settings:
    settings, faults = judge(found)
    if settings is None:
        raise WrongSettings("; ".join(faults.values()) + ".")
    return settings


def judge(found: Mapping[str, Value]) -> tuple[Settings | None, Mapping[str, str]]:
    """Read what was found: the settings, or what is wrong with each that is wrong, by name."""
    try:
        return Settings.model_validate({name: value.given for name, value in found.items()}), {}
    except ValidationError as error:
        names = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors(include_input=False, include_url=False))
    return None, {name: f"{_place(name, found[name])} {_wanted(name)}" for name in names}


def _place(name: str, value: Value) -> str:
    """Where to mend it: the flag or variable by its name, a line of a file by its key."""
    return value.origin if value.origin in {flag_of(name), variable_of(name), name} else f"{name} ({value.origin})"


def _wanted(name: str) -> str:
    """What a setting takes, in words. A value is not repeated: it may be a secret in the wrong place."""
    field = Settings.model_fields.get(name)
    if field is None:
        near = get_close_matches(name, Settings.model_fields, n=1)
        return "is not a setting of tokenry" + (f": did you mean {near[0]}?" if near else "")
    kind: Any = field.annotation
    if kind is int:
        return f"has to be a whole number {_bounds(field)}"
    if kind is float:
        return f"has to be a number {_bounds(field)}"
    if kind is bool:
        return "has to be true or false"
    if get_origin(kind) is Literal:
        return f"has to be one of {', '.join(get_args(kind))}"
    return NOTES[name].wanted or ("has to be a path" if Path in (kind, *get_args(kind)) else "has to be a text")


def _bounds(field: FieldInfo) -> str:
    least, most = (
        next(getattr(bound, name) for bound in field.metadata if hasattr(bound, name)) for name in ("ge", "le")
    )
    return f"from {least} to {most}"


def _read_toml(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(_read_text(path, "The settings file"))
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"The settings file {path} is not TOML ({error}).") from None
    except (ValueError, RecursionError):  # which the library lets through
        raise SetupError(f"The settings file {path} has a number too long, or brackets too deep, to be read.") from None


def _read_secret(path: Path, variable: str) -> str:
    secret = _read_text(path, variable).strip()
    if not secret:
        raise SetupError(f"{variable} {path} is empty.")
    return secret


def _read_text(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise SetupError(f"{what} {path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError:
        raise SetupError(f"{what} {path} is not UTF-8.") from None
    if len(content) > BYTES_MAX:
        raise SetupError(f"{what} {path} has more than {BYTES_MAX} bytes, so it cannot be the right file.")
    return text
