"""The OAuth client that every installation has."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.making import OPERATOR
from tokenry.domain.clients import client_faults
from tokenry.domain.errors import NotFound
from tokenry.service.command_line import COMMAND_LINE_ID, register_command_line
from tokenry.service.installation import Installation
from tokenry.settings import Settings
from tokenry.storage import oauth_clients
from tokenry.wiring import open_installation, prepare


@pytest.fixture
def do(settings: Settings) -> Iterator[Installation]:
    """An installation on each engine that several processes set up at once."""
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(prepare, [settings] * 3))
    installation = open_installation(settings)
    yield installation
    installation.database.close()


def test_every_installation_has_it_once(settings: Settings, do: Installation) -> None:
    prepare(settings)
    (client,) = do.clients.list_clients()
    assert (client.client_id, client.public, client.verified, client.account_id) == (COMMAND_LINE_ID, True, True, None)
    assert client_faults(client) == []
    assert bytes.fromhex(COMMAND_LINE_ID) == b"tokenrycli"


def test_one_that_the_operator_ended_stays_ended(settings: Settings, do: Installation) -> None:
    do.clients.disable_client(OPERATOR, COMMAND_LINE_ID)
    prepare(settings)
    assert do.clients.get_client(COMMAND_LINE_ID).disabled is not None
    do.clients.delete_client(OPERATOR, COMMAND_LINE_ID)
    prepare(settings)
    with pytest.raises(NotFound):
        do.clients.get_client(COMMAND_LINE_ID)


def test_one_that_somebody_makes_meanwhile_is_enough(do: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth_clients, "was_registered", lambda *_: False)
    assert not register_command_line(do.transactions)
    assert len(list(do.clients.list_clients())) == 1
