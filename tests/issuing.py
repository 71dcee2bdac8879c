"""Tokens of a running service, made through its management API, and how they are presented."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx2

from tests.description import CHECKED
from tests.servers import Server

POLL_SECONDS = 0.05
NewToken = Callable[..., str]


def bearer(token: str) -> dict[str, str]:
    """The header of a request with a token."""
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def management(server: Server) -> Iterator[httpx2.Client]:
    """A client of the management API with the first token."""
    with httpx2.Client(base_url=f"{server.url}/v4", headers=bearer(server.token), event_hooks=CHECKED) as client:
        yield client


def token_maker(api: httpx2.Client) -> NewToken:
    """A function that makes a token; its arguments are the keys of the body."""

    def make(**body: object) -> str:
        token: str = api.post("/profile/tokens", json=body).raise_for_status().json()["token"]
        return token

    return make


def make_expired(server: Server, new_token: NewToken) -> str:
    """A token that was valid until a moment ago."""
    expiry = datetime.now(UTC) + timedelta(seconds=2)  # the wire has whole seconds: in one to two
    token = new_token(expiry=expiry.strftime("%Y-%m-%dT%H:%M:%S"))
    while httpx2.get(f"{server.url}/verify", headers=bearer(token)).status_code == 200:
        time.sleep(POLL_SECONDS)
    return token
