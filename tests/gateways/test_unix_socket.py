"""The gateways that can ask tokenry by a unix socket, from the recipes that say so."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.gateways.parts import ask, bearer
from tests.gateways.programs import Running, refused, running
from tests.issuing import management
from tests.servers import Server, serving, wait_until
from tokenry.operator.gateway import Gateway

GATEWAYS = [name for name in Gateway if name is not Gateway.TRAEFIK]


@dataclass(frozen=True, slots=True)
class Socket:
    """A service that listens at a socket, and who may manage it."""

    path: Path
    server: Server
    api: httpx2.Client

    def token(self, scopes: str = "linodes:read_only", *networks: str) -> tuple[int, str]:
        """A new token, for use from these networks: its id and itself."""
        token = self.api.post("/profile/tokens", json={"scopes": scopes}).json()
        if networks:
            self.api.put(f"/profile/tokens/{token['id']}/details", json={"networks": networks}).raise_for_status()
        return token["id"], token["token"]


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Socket]:
    directory = tmp_path_factory.mktemp("uds")
    path = directory / "t.sock"
    with (
        serving(directory / "data", "--uds", str(path), "--trusted-proxies", "unix:") as server,
        management(server) as api,
    ):
        yield Socket(path, server, api)


@pytest.fixture(scope="module", params=GATEWAYS)
def gateway(
    request: pytest.FixtureRequest, verifier: Socket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    name: Gateway = request.param
    folder = tmp_path_factory.mktemp(name) / "gateway"
    with running(name, folder, verifier.path, "--resource", "linodes") as gateway:
        yield gateway


def test_each_client_gets_what_the_verifier_says(gateway: Running, verifier: Socket) -> None:
    token_id, token = verifier.token()
    assert ask(gateway.port, "GET", "/a", bearer(token)).status == 200
    assert gateway.service.last.values("X-Auth-Token-Id") == [str(token_id)]
    assert refused(gateway, []).status == 401
    assert refused(gateway, bearer(token), "DELETE").status == 403
    assert verifier.api.delete(f"/profile/tokens/{token_id}").status_code == 200
    assert refused(gateway, bearer(token)).status == 401


def test_networks_of_a_token_are_held_against_the_client_itself(gateway: Running, verifier: Socket) -> None:
    _, here = verifier.token("linodes:read_only", "127.0.0.0/8")
    _, elsewhere = verifier.token("linodes:read_only", "203.0.113.0/24")
    forged = [("X-Forwarded-For", "203.0.113.1"), ("Forwarded", "for=203.0.113.1")]
    assert ask(gateway.port, headers=[*bearer(here), *forged]).status == 200
    assert refused(gateway, [*bearer(elsewhere), *forged]).status == 401


def test_nobody_gets_through_while_the_verifier_is_away_and_no_use_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "t.sock"
    arguments = (tmp_path / "data", "--uds", str(path), "--trusted-proxies", "unix:")
    with ExitStack() as stack:
        with serving(*arguments) as server, management(server) as api:
            gateways = [stack.enter_context(running(name, tmp_path / name, path)) for name in GATEWAYS]
            tokens = [api.post("/profile/tokens", json={"label": name}).json() for name in GATEWAYS]
            asked = [[*bearer(token["token"]), ("User-Agent", "test/1")] for token in tokens]
            pairs = list(zip(gateways, asked, strict=True))
            assert [ask(gateway.port, headers=headers).status for gateway, headers in pairs] == [200] * len(pairs)
        assert [refused(gateway, headers).status for gateway, headers in pairs] == [503] * len(pairs)
        with serving(*arguments) as again:
            for token, (gateway, headers) in zip(tokens, pairs, strict=True):
                details = f"{again.url}/v4/profile/tokens/{token['id']}/details"
                used = httpx2.get(details, headers=dict(bearer(server.token))).json()
                assert (used["last_used_address"], used["last_used_agent"]) == ("127.0.0.1", "test/1")
                wait_until(lambda: ask(gateway.port, headers=headers).status == 200, 10)  # noqa: B023 - called at once
