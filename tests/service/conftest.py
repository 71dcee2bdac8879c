"""What tests of the use cases start from."""

from collections.abc import Iterator

import pytest

from tests.making import NOW
from tests.service.parts import Bench
from tests.sites import Site, serving_site
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NEVER
from tokenry.service.accounts import Accounts
from tokenry.service.details import TokenDetails
from tokenry.service.installation import begin_installation
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.service.users import Users
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database, to_seconds


@pytest.fixture
def bench(database: Database) -> Bench:
    transactions = Transactions(database, lambda: NOW)
    tokens = Tokens(transactions, Peppers((bytes(32),)), default_catalogue())
    secret = begin_installation(transactions, Accounts(transactions), tokens, lambda secret: None)
    assert secret is not None
    actor = Actor(
        token_id=1,
        scopes=Scopes.parse("account:read_write linodes:read_only"),
        expires_at=to_seconds(NEVER),
        user_id=1,
        username="admin",
        account_id=1,
        account_euuid="E",
        preview=secret.preview,
    )
    origin = Origin.of(actor, "203.0.113.9")
    return Bench(tokens, Users(transactions), database, transactions, actor, origin)


@pytest.fixture
def details(bench: Bench) -> TokenDetails:
    return TokenDetails(bench.transactions)


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server of this machine."""
    with serving_site() as site:
        yield site
