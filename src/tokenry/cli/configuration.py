"""Contexts: the services that somebody has logged in to, in one file, `contexts.json`, for its owner alone.

A token is in the system's keyring if there is one, else in that file.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from tokenry.cli.files import NotOursError, make_folder, read_own_file, replace_file
from tokenry.cli.locks import locked
from tokenry.cli.running import CommandError
from tokenry.client import Secret

LOCK_SECONDS_MAX = 10
"""How long to wait for another run that changes the file; its keyring may be asking for a password."""
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A service, and as whom one uses it. `token` is None if it is in the keyring."""

    name: str
    url: str
    user: str
    token: Secret | None = None


@dataclass(frozen=True, slots=True)
class Contexts:
    """All of them by name, and the name of the one in use."""

    current: str | None = None
    by_name: Mapping[str, Context] = field(default_factory=dict)

    def find_current(self) -> Context | None:
        """The one in use."""
        return None if self.current is None else self.by_name.get(self.current)

    def find_url(self, url: str) -> Context | None:
        """The one of this address; of several, the one in use or the first."""
        found = [context for context in self.by_name.values() if context.url == url]
        return next((context for context in found if context.name == self.current), found[0] if found else None)

    def get(self, name: str) -> Context:
        """The one of this name. Raises CommandError."""
        if name in self.by_name:
            return self.by_name[name]
        names = f"there are {', '.join(self.by_name)}" if self.by_name else "there are none"
        raise CommandError(f"There is no context {name!r}; {names}. `tokenry login URL --context NAME` makes one.")

    def use(self, name: str) -> "Contexts":
        """These, with another one in use. Raises CommandError."""
        return replace(self, current=self.get(name).name)

    def add(self, context: Context) -> "Contexts":
        """These and one more, or in place of the one of its name; it is in use from now on."""
        return replace(self.put(context), current=context.name)

    def put(self, context: Context) -> "Contexts":
        """The same, but the one in use stays in use."""
        return replace(self, by_name={**self.by_name, context.name: context})

    def remove(self, name: str) -> "Contexts":
        """These without one. Raises CommandError."""
        self.get(name)
        rest = {other: context for other, context in self.by_name.items() if other != name}
        return Contexts(None if self.current == name else self.current, rest)


def find_file() -> Path:
    """Where contexts are kept: in TOKENRY_CONFIG_DIR, or where the platform has a user's configuration."""
    from platformdirs import user_config_path  # noqa: PLC0415 - it is not needed for a token of the environment

    directory = os.environ.get("TOKENRY_CONFIG_DIR")
    return (Path(directory) if directory else user_config_path("tokenry")) / "contexts.json"


def read_contexts() -> Contexts:
    """Read the file; without one there are none. Raises CommandError if others can read it, or if it is damaged."""
    file = find_file()
    try:
        text = read_own_file(file)
    except FileNotFoundError:
        return Contexts()
    except NotOursError as refused:
        raise CommandError(str(refused)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"{file} cannot be read ({type(error).__name__}): is TOKENRY_CONFIG_DIR a directory of yours?"
        ) from None
    contexts = _read(text)
    if contexts is None:
        raise CommandError(f"{file} is damaged: remove it and run `tokenry login` again.")
    return contexts


def read_name(text: str) -> str:
    """Read a context's name: up to 64 ASCII letters, digits, dots, dashes and underscores. Raises BadParameter."""
    if not _NAME.fullmatch(text):
        raise typer.BadParameter("use up to 64 letters, digits, dots, dashes and underscores, a letter or digit first")
    return text


def complete_contexts(incomplete: str) -> list[tuple[str, str]]:
    """What a shell may complete the name of a context to."""
    try:
        contexts = read_contexts().by_name.values()
    except CommandError:
        return []
    return [(context.name, context.url) for context in contexts if _NAME.fullmatch(context.name)]


ContextName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        envvar="TOKENRY_CONTEXT",
        show_default="the one in use",
        autocompletion=complete_contexts,
        help="Use this login.",
    ),
]


@contextmanager
def locked_contexts() -> Iterator[None]:
    """Read and write them in such a block to change them: nobody else does so meanwhile. Raises CommandError."""
    file = find_file()
    try:
        make_folder(file.parent)
        with locked(file.with_suffix(".lock"), patience_seconds=LOCK_SECONDS_MAX):
            yield
    except BlockingIOError:
        raise CommandError(f"{file} is being changed by another run of tokenry: wait for it to end.") from None
    except OSError as error:
        raise _unwritable(file, error) from error


def write_contexts(contexts: Contexts) -> None:
    """Put the file in place of the one there is, whole or not at all. Raises CommandError."""
    file = find_file()
    try:
        replace_file(file, _write(contexts))
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> CommandError:
    return CommandError(f"{file} cannot be written ({error.strerror}): name a directory with TOKENRY_CONFIG_DIR.")


def _read(text: str) -> Contexts | None:
    """The contexts in a text, None for one that is damaged. No exception leaves here: it would show the tokens."""
    try:
        found = json.loads(text)
        by_name = {name: _read_context(name, values) for name, values in found["contexts"].items()}
        current = found["current"]
        return Contexts(None if current is None else _require_text(current), by_name)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def _read_context(name: str, values: Mapping[str, Any]) -> Context:
    token = values["token"]
    return Context(
        name=name,
        url=_require_text(values["url"]),
        user=_require_text(values["user"]),
        token=None if token is None else Secret(_require_text(token)),
    )


def _require_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _write(contexts: Contexts) -> str:
    by_name = {
        context.name: {
            "url": context.url,
            "user": context.user,
            "token": None if context.token is None else context.token.reveal(),
        }
        for context in contexts.by_name.values()
    }
    return json.dumps({"current": contexts.current, "contexts": by_name}, indent=2) + "\n"
