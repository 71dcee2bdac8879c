"""Who uses the command line in these tests."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.cli.terminals import Seen, on_a_terminal
from tests.servers import Server, tokenry

NO_KEYRING = "keyring.backends.fail.Keyring"


@dataclass
class Person:
    """Somebody with a configuration folder of their own, and a token in the environment or none."""

    server: Server
    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return tokenry(*arguments, given=given, variables={**self.variables, **variables})

    def does(self, *arguments: str, given: str = "") -> str:
        """Run a command that must succeed and say nothing on standard error; its output."""
        done = self.run(*arguments, given=given)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def fails(self, status: int, *arguments: str, given: str = "", **variables: str) -> str:
        """Run a command that must fail so and print nothing; what it says on standard error."""
        done = self.run(*arguments, given=given, **variables)
        assert (done.returncode, done.stdout) == (status, "")
        return done.stderr

    def rows(self, *arguments: str, given: str = "") -> list[dict[str, Any]]:
        """The rows of a command's JSON."""
        rows: list[dict[str, Any]] = json.loads(self.does(*arguments, "--json", given=given))
        return rows

    def sees(self, *arguments: str, answers: Sequence[tuple[str, str]] = (), **variables: str) -> Seen:
        """Run a command on a terminal."""
        return on_a_terminal(*arguments, answers=answers, variables={**self.variables, **variables})

    def make(self, **body: object) -> dict[str, Any]:
        """Make a token over HTTP, which is quicker."""
        bearer = {"Authorization": f"Bearer {self.variables.get('TOKENRY_TOKEN', self.server.token)}"}
        made: dict[str, Any] = httpx2.post(f"{self.server.url}/v4/profile/tokens", headers=bearer, json=body).json()
        return made

    def is_valid(self, token: str) -> bool:
        """Ask the service."""
        answer = httpx2.get(f"{self.server.url}/verify", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in {200, 401}
        return answer.status_code == 200


@pytest.fixture
def stranger(server: Server, tmp_path: Path) -> Person:
    """Somebody who is not logged in."""
    home = tmp_path / "home"
    home.mkdir()
    variables = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PYTHON_KEYRING_BACKEND": NO_KEYRING,
    }
    return Person(server, home, variables)


@pytest.fixture
def person(stranger: Person) -> Person:
    """Somebody whose token is in the environment."""
    stranger.variables |= {"TOKENRY_URL": stranger.server.url, "TOKENRY_TOKEN": stranger.server.token}
    return stranger


@pytest.fixture
def newcomer(stranger: Person) -> Person:
    """Somebody else than the first administrator, who has no token but the one in the environment."""
    name = f"newcomer-{uuid4().hex[:12]}"
    place = ("--data-dir", str(stranger.server.data_dir))
    for command in (("user", "create", name), ("token", "create", "--user", name, "--expires", "1d", "--label", "own")):
        done = tokenry("admin", *command, *place)
        assert done.returncode == 0, done.stderr
    stranger.variables |= {"TOKENRY_URL": stranger.server.url, "TOKENRY_TOKEN": done.stdout.strip()}
    return stranger
