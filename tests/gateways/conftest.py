"""Gateways and tokens. Each gateway is started once in a test process, when it is first asked for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx2
import pytest

from tests.gateways.programs import Running, running
from tests.issuing import NewToken, make_expired, management, token_maker
from tests.servers import Server, serving
from tokenry.operator.gateway import Gateway


@pytest.fixture(scope="session")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that believes what the gateways, which are all on this machine, tell of the client's address."""
    with serving(tmp_path_factory.mktemp("verifier") / "data", "--trusted-proxies", "127.0.0.1") as server:
        yield server


@pytest.fixture(scope="session")
def running_gateway(
    verifier: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Gateway], Running]]:
    """A function that starts gateways under the policy `resource=linodes`, each once."""
    started: dict[Gateway, Running] = {}
    with ExitStack() as stack:

        def start(name: Gateway) -> Running:
            if name not in started:
                folder = tmp_path_factory.mktemp(name) / "gateway"
                started[name] = stack.enter_context(running(name, folder, verifier.port, "--resource", "linodes"))
            return started[name]

        yield start


@pytest.fixture(params=list(Gateway))
def gateway(request: pytest.FixtureRequest, running_gateway: Callable[[Gateway], Running]) -> Running:
    """Each gateway in turn."""
    name: Gateway = request.param
    return running_gateway(name)


@pytest.fixture(scope="session")
def api(verifier: Server) -> Iterator[httpx2.Client]:
    """A client of the management API with the first token."""
    with management(verifier) as client:
        yield client


@pytest.fixture(scope="session")
def new_token(api: httpx2.Client) -> NewToken:
    """A function that makes a token; its arguments are the keys of the body."""
    return token_maker(api)


@pytest.fixture(scope="session")
def reading_token(new_token: NewToken) -> str:
    """A token that may read linodes and expires some day, so that no identity header is empty."""
    return new_token(scopes="linodes:read_only", expiry="2100-01-01T00:00:00")


@pytest.fixture(scope="session")
def writing_token(new_token: NewToken) -> str:
    """A token that may write linodes and never expires."""
    return new_token(scopes="linodes:read_write")


@pytest.fixture(scope="session")
def expired_token(verifier: Server, new_token: NewToken) -> str:
    """A token that was valid until a moment ago."""
    return make_expired(verifier, new_token)
