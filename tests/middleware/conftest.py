"""A service that believes what an application on this machine tells of its clients, and tokens of it."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.issuing import NewToken, make_expired, management, token_maker
from tests.servers import Server, serving
from tokenry.middleware.local import LocalVerifier
from tokenry.middleware.remote import RemoteVerifier


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("service") / "data", "--trusted-proxies", "127.0.0.1") as server:
        yield server


@pytest.fixture
def remote(service: Server) -> Iterator[RemoteVerifier]:
    verifier = RemoteVerifier(service.url, timeout=10)  # the machine may be busy
    yield verifier
    verifier.close()


@pytest.fixture
def local(service: Server) -> Iterator[LocalVerifier]:
    """A verifier in this process, on the database of the service that runs in another."""
    verifier = LocalVerifier(service.data_dir)
    yield verifier
    verifier.close()


@pytest.fixture(scope="session")
def api(service: Server) -> Iterator[httpx2.Client]:
    """A client of the management API with the first token."""
    with management(service) as client:
        yield client


@pytest.fixture(scope="session")
def new_token(api: httpx2.Client) -> NewToken:
    """A function that makes a token; its arguments are the keys of the body."""
    return token_maker(api)


@pytest.fixture(scope="session")
def reading_token(new_token: NewToken) -> str:
    return new_token(scopes="linodes:read_only", expiry="2100-01-01T00:00:00")


@pytest.fixture(scope="session")
def writing_token(new_token: NewToken) -> str:
    return new_token(scopes="linodes:read_write volumes:read_only")


@pytest.fixture(scope="session")
def expired_token(service: Server, new_token: NewToken) -> str:
    """A token that was valid until a moment ago."""
    return make_expired(service, new_token)


def token_id(api: httpx2.Client, token: str) -> int:
    rows = api.get("/profile/tokens", params={"page_size": 500}).raise_for_status().json()["data"]
    found: int = next(row["id"] for row in rows if row["token"] == token[:16])
    return found


def revoke(api: httpx2.Client, token: str) -> None:
    api.delete(f"/profile/tokens/{token_id(api, token)}").raise_for_status()
