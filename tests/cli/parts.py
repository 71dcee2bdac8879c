"""What several tests of the command line share: what makes a token, and a keyring."""

from collections.abc import Sequence
from typing import Any

import httpx2

from tests.cli.conftest import Person

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
