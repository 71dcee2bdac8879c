"""Verifiers on a service, and what ends its tokens."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.servers import Server
from tokenry.middleware.local import LocalVerifier
from tokenry.middleware.remote import RemoteVerifier


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


def token_id(api: httpx2.Client, token: str) -> int:
    rows = api.get("/profile/tokens", params={"page_size": 500}).raise_for_status().json()["data"]
    found: int = next(row["id"] for row in rows if row["token"] == token[:16])
    return found


def revoke(api: httpx2.Client, token: str) -> None:
    api.delete(f"/profile/tokens/{token_id(api, token)}").raise_for_status()
