"""Who acts in the tests of clients, beside the administrator of the shared service."""

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
    made = tokenry("token", "create", "--user", "granted", "--expires", "1d", *place)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()
