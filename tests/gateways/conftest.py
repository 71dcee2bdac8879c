"""Gateways. Each gateway is started once in a test process, when it is first asked for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.gateways.programs import Running, running
from tests.servers import Server
from tokenry.operator.gateway import Gateway


@pytest.fixture(scope="session")
def running_gateway(
    service: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Gateway], Running]]:
    """A function that starts gateways under the policy `resource=linodes`, each once."""
    started: dict[Gateway, Running] = {}
    with ExitStack() as stack:

        def start(name: Gateway) -> Running:
            if name not in started:
                folder = tmp_path_factory.mktemp(name) / "gateway"
                started[name] = stack.enter_context(running(name, folder, service.port, "--resource", "linodes"))
            return started[name]

        yield start


@pytest.fixture(params=list(Gateway))
def gateway(request: pytest.FixtureRequest, running_gateway: Callable[[Gateway], Running]) -> Running:
    """Each gateway in turn."""
    name: Gateway = request.param
    return running_gateway(name)
