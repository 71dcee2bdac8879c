"""Who acts in the tests of clients, beside the administrator of the shared service."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.clients.parts import USERNAME, Person
from tests.passwords import CHEAP_VARIABLES, PASSWORD
from tests.servers import Server, serving, tokenry


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


@pytest.fixture(scope="session")
def oauth_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service for clients of OAuth, where passwords cost nothing."""
    cheap = {"TOKENRY_CLIENT_REGISTRATION": "open", **CHEAP_VARIABLES}
    with serving(tmp_path_factory.mktemp("oauth") / "data", variables=cheap) as server:
        yield server


@pytest.fixture(scope="session")
def person(oauth_service: Server) -> Iterator[Person]:
    """The administrator there, signed in, in a browser."""
    place = ("--data-dir", str(oauth_service.data_dir), "--port", str(oauth_service.port))
    link = tokenry("admin", "user", "link", USERNAME, *place)
    assert link.returncode == 0, link.stderr
    with httpx2.Client() as browser:
        person = Person(oauth_service, browser)
        chosen = person.submit(person.visit(link.stdout.strip()), password=PASSWORD, again=PASSWORD)
        assert chosen.status_code == 200, chosen.text
        yield person
