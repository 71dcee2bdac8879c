"""Fixtures of pages: the application as browsers reach it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browsers import chromium
from tests.conftest import App, Clock, make_app
from tests.pages.parts import PUBLIC_URL, Visitor, give_password, visitor
from tests.passwords import CHEAP, CHEAP_VARIABLES
from tests.servers import Server, serving
from tokenry.service.installation import Installation
from tokenry.settings import Settings
from tokenry.wiring import open_installation

SETTINGS: dict[str, Any] = {**CHEAP, "rate_limit_sign_in": 5}


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[App]:
    """The application on SQLite, at an address for browsers."""
    app = make_app(tmp_path / "data", clock, public_url=PUBLIC_URL, **SETTINGS)
    with app.client:
        yield app


@pytest.fixture
def site_on_each_engine(tmp_path: Path, clock: Clock, migrated_url: str | None) -> Iterator[App]:
    """The same on SQLite and on PostgreSQL."""
    app = make_app(tmp_path / "data", clock, migrated_url, public_url=PUBLIC_URL, **SETTINGS)
    with app.client:
        yield app


@pytest.fixture
def do(site: App) -> Iterator[Installation]:
    """The use cases of the site, as a command of the operator's has them."""
    installation = open_installation(site.settings, site.clock)
    yield installation
    installation.database.close()


@pytest.fixture
def ada(site: App) -> Visitor:
    """Somebody at the site, who is not signed in."""
    return visitor(site)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium for the tests of a file. While it is there its thread can run no event loop."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def admin(site: App, do: Installation) -> Visitor:
    """The administrator of the site, who has just chosen a password."""
    return give_password(site, do)


@pytest.fixture
def owner(site_on_each_engine: App) -> Iterator[tuple[App, Installation, Visitor]]:
    """A site on each engine, its use cases, and its administrator, who has just chosen a password."""
    do = open_installation(site_on_each_engine.settings, site_on_each_engine.clock)
    yield site_on_each_engine, do, give_password(site_on_each_engine, do)
    do.database.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running service for all that is done in a browser, whose tests name what they make and sign in anew."""
    with serving(tmp_path_factory.mktemp("browser") / "data", variables=CHEAP_VARIABLES) as server:
        yield server


@pytest.fixture(scope="module")
def beside(service: Server) -> Iterator[Installation]:
    """The use cases of the running service that a file has, as a command of the operator's has them."""
    installation = open_installation(Settings(data_dir=service.data_dir))
    yield installation
    installation.database.close()
