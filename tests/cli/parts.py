"""What several tests of the command line share: what makes a token, a keyring, and commands that are under way."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import httpx2

from tests.cli.conftest import Person
from tests.forking import Forked, start_fork
from tests.servers import TOKENRY, environment

TOKEN = ("--label", "undelivered", "--expires", "1d", "--scopes", "linodes:read_only")
CREATIONS: Sequence[tuple[str, ...]] = (
    ("token", "create", *TOKEN, "-q"),
    ("token", "create", *TOKEN, "--jsonl"),
    ("profile", "token-create", "--label", "undelivered"),
    ("admin", "token", "create", "--user", "admin", *TOKEN),
)
"""What makes a token and shows its secret, each in another way."""
KEYRING = """
import json, os, pathlib
import keyring.backend

FILE = pathlib.Path(os.environ["HOME"]) / "keyring.json"

class Keyring(keyring.backend.KeyringBackend):
    priority = 1

    def _read(self):
        return json.loads(FILE.read_text()) if FILE.exists() else {}

    def get_password(self, service, username):
        return self._read().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        FILE.write_text(json.dumps(self._read() | {f"{service}/{username}": password}))

    def delete_password(self, service, username):
        kept = self._read()
        del kept[f"{service}/{username}"]
        FILE.write_text(json.dumps(kept))
"""
"""A keyring for the library `keyring` to find; the system's own needs somebody to be logged in to a desktop."""


def undelivered(person: Person, state: str) -> list[dict[str, Any]]:
    """What there is of the tokens that these tests make."""
    listed = httpx2.get(
        f"{person.server.url}/v4/profile/tokens/details",
        params={"state": state, "page_size": 500},
        headers={"Authorization": f"Bearer {person.server.token}", "X-Filter": '{"label": "undelivered"}'},
    )
    rows: list[dict[str, Any]] = listed.json()["data"]
    return rows


@contextmanager
def started(
    *arguments: str, variables: Mapping[str, str], output: int | None = None
) -> Iterator[tuple[Forked, TextIO]]:
    """A command that is under way, for a block, and its standard error. Its output goes to a descriptor, or nowhere."""
    reading, writing = os.pipe()
    with Path(os.devnull).open("r+b") as nothing, os.fdopen(reading, encoding="utf-8") as said:
        streams = (nothing.fileno(), nothing.fileno() if output is None else output, writing)
        process = start_fork([TOKENRY, *arguments], streams, environment(**variables))
        os.close(writing)
        try:
            yield process, said
        finally:
            process.kill()
            process.wait()
