"""The application that the tests of the fast path and of the protocol share."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.lifespan.on import LifespanOn

from tests.conftest import START, Clock, make_app, new_database
from tests.oauth_making import add_client, give
from tests.serving.parts import AUDIENCE, PEER, PROVER, Served, head
from tokenry.application import build_app
from tokenry.domain.accounts import Origin
from tokenry.domain.secrets import checksum
from tokenry.domain.tokens import NewToken
from tokenry.serving.protocol import BoundedProtocol
from tokenry.wiring import open_installation

MESSAGES = """
[messages]
instances = true
reads = "read"
writes = "send"
actions.read = {}
actions.send.implies = ["read"]
"""
UNKNOWN_BODY = "pat_" + "A" * 44


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if request.param == "sqlite":
        yield from serve(tmp_path_factory.mktemp("fast") / "data", None)
    else:
        with new_database(request.getfixturevalue("postgres")) as url:
            yield from serve(tmp_path_factory.mktemp("fast") / "data", url.render_as_string(hide_password=False))


def serve(data_dir: Path, url: str | None, **settings: Any) -> Iterator[Served]:
    clock = Clock()
    scopes_file = data_dir.parent / "scopes.toml"
    usual = files("tokenry.storage").joinpath("catalogue.toml").read_text("utf-8")
    scopes_file.write_text(usual + MESSAGES, "utf-8")
    app = make_app(data_dir, clock, url, scopes_file=scopes_file, **settings)
    with app.client:  # which lets go of the database at the end
        pass
    installation = open_installation(app.settings, clock)

    def create(scopes: str, seconds: int = 3600, limit: int = 0) -> str:
        expiry = datetime.fromtimestamp(START + seconds, UTC)
        new = NewToken(scopes=scopes, expiry=expiry, requests_per_minute=limit)
        return installation.tokens.create_token_for(Origin("test"), "admin", new)[1].reveal()

    secrets = {"good": app.token, "narrow": create("linodes:read_only"), "expired": create("*", 5)}
    secrets |= {"revoked": create("*"), "here": create("*"), "office": create("*")}
    client = add_client(installation.database)
    for name, audience in (("app", ()), ("meant", (AUDIENCE,))):
        issued = give(installation.transactions, installation.peppers, client, audience=audience)
        secrets[name] = issued.access.reveal()
    issued = give(installation.transactions, installation.peppers, client, jkt=PROVER.jkt)
    secrets["bound"] = issued.access.reveal()
    secrets |= {"unknown": UNKNOWN_BODY + checksum(UNKNOWN_BODY), "wrong": app.token[:-1] + "!"}
    secrets["limited"] = create("linodes:read_only", 30 * 86400, limit=3)
    secrets["team"] = create("messages:send@team-7")
    clock.seconds += 10
    installation.database.close()
    config = uvicorn.Config(
        build_app(app.settings, clock),
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        forwarded_allow_ips=PEER,
    )
    config.load()
    loop = asyncio.new_event_loop()
    lifespan = LifespanOn(config)
    loop.run_until_complete(lifespan.startup())
    served = Served(loop, config, lifespan, clock, secrets, waits=url is not None)
    served.state.default_headers = [(b"date", b"Sun, 15 Jun 2025 15:06:40 GMT")]
    bearer = f"Authorization: Bearer {app.token}"
    for token_id, network in ((5, "192.0.2.0/24"), (6, "203.0.113.0/24")):
        body = f'{{"networks": ["{network}"]}}'
        line = f"PUT /v4/profile/tokens/{token_id}/details"
        put = head(line, bearer, f"Content-Length: {len(body)}") + body.encode()
        assert served.exchange([put], fast=True)[0].startswith(b"HTTP/1.1 200")
    delete = head("DELETE /v4/profile/tokens/4", bearer)
    assert served.exchange([delete], fast=True)[0].startswith(b"HTTP/1.1 200")
    yield served
    loop.run_until_complete(lifespan.shutdown())
    loop.close()
