"""The site: everything is on it, it leads everywhere, and it loads nothing from anywhere else."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sphinx.util.inventory import InventoryFile

import tokenry.client
import tokenry.middleware
from tests.docs.conftest import DOCS

LOADING = {"src", "srcset", "data", "poster", "action"}
LOADED_BY_LINK = {"stylesheet", "icon", "preload", "prefetch", "modulepreload", "manifest"}


class Loads(HTMLParser):
    """What a page has a browser load, as it stands there."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found += [value for name, value in given.items() if name in LOADING]
        if tag == "link" and LOADED_BY_LINK & set(given.get("rel", "").split()):
            self.found.append(given["href"])


def loads(page: str) -> list[str]:
    parser = Loads()
    parser.feed(page)
    return parser.found


def is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).netloc) or urlsplit(address).scheme not in {"", "data"}


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        '<img src="http://example.com/x.png">',
    ],
)
def test_what_a_page_loads_from_elsewhere_is_noticed(page: str) -> None:
    assert [is_elsewhere(address) for address in loads(page)] == [True]


def test_pages_load_from_no_other_host_and_nothing_that_is_missing(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    for page in pages:
        for address in loads(page.read_text("utf-8")):
            assert not is_elsewhere(address), (page, address)
            assert urlsplit(address).scheme == "data" or (page.parent / urlsplit(address).path).exists(), (
                page,
                address,
            )


def test_styles_load_from_no_other_host(site: Path) -> None:
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        for address in re.findall(r"""(?:url\(|@import\s+)["']?([^"')\s;]+)""", sheet.read_text("utf-8")):
            assert not is_elsewhere(address), (sheet, address)


def test_every_page_is_on_the_site(site: Path) -> None:
    for page in DOCS.rglob("*.md"):
        assert (site / page.relative_to(DOCS)).with_suffix(".html").exists(), page


@pytest.mark.parametrize(("package", "names"), [(m.__name__, m.__all__) for m in (tokenry.client, tokenry.middleware)])
def test_everything_that_is_public_is_in_the_reference(site: Path, package: str, names: list[str]) -> None:
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    documented = {name for kind, objects in inventory.data.items() if kind.startswith("py:") for name in objects}
    hidden = {"tokenry.middleware.Answer"}  # a union of two that are there
    assert {f"{package}.{name}" for name in names} - documented - hidden == set()
