"""A product's page with the component, in a real browser, against a real service."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.component.parts import CEILING, SCOPES_TOML, Product, Shown, pages_of, showing
from tests.pages.conftest import browser
from tests.servers import service_account, serving
from tokenry.client import Client

__all__ = ["browser"]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product, whose backend may give some of its scopes."""
    folder = tmp_path_factory.mktemp("product")
    scopes_file = folder / "scopes.toml"
    scopes_file.write_text(SCOPES_TOML)
    product = Product()
    flags = ("--scopes-file", str(scopes_file))
    with (
        pages_of(product) as product.origin,
        serving(folder / "data", *flags, "--allowed-origins", product.origin) as product.service,
    ):
        token = service_account(product.service, "backend", ceiling=CEILING, scopes_file=scopes_file)
        with Client(product.service.url, token) as product.backend:
            yield product


@pytest.fixture
def shown(browser: Browser, product: Product) -> Iterator[Shown]:
    """The page of a user who has no tokens yet, which says nothing on its console and asks nobody but the service."""
    with showing(browser, product) as shown:
        yield shown
