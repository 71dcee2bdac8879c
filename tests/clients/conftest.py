"""Who acts in the tests of clients, beside the administrator of the shared service."""

import re
from dataclasses import dataclass

import httpx2
import pytest

from tests.servers import Server, tokenry


@pytest.fixture(scope="session")
def restricted_token(server: Server) -> str:
    """A token of a user who has grants, and none of them given."""
    body = {"username": "granted", "email": "granted@example.org", "restricted": True}
    bearer = {"Authorization": f"Bearer {server.token}"}
    httpx2.post(f"{server.url}/v4/account/users", headers=bearer, json=body).raise_for_status()
    place = ("--data-dir", str(server.data_dir))
    made = tokenry("admin", "token", "create", "--user", "granted", "--expires", "1d", *place)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@dataclass
class Family:
    """A parent account beside the first one: the token of its administrator, and its child account's euuid."""

    token: str
    child: str


@pytest.fixture(scope="session")
def family(server: Server) -> Family:
    """An account `Parent` with the administrator `parent`, and its child account `Child`."""

    def run(*arguments: str) -> str:
        done = tokenry(*arguments, "--data-dir", str(server.data_dir))
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("admin", "account", "create", "Parent", "--admin", "parent")
    made = run("admin", "account", "create", "Child", "--parent", "Parent", "--email", "c@example.org")
    euuid = re.search(r"euuid ([0-9A-F-]{35})", made)
    assert euuid is not None
    token = run("admin", "token", "create", "--user", "parent", "--expires", "1d")
    return Family(token.strip(), euuid[1])
