"""The component as a file: small, by itself, and handed out so that a page can name what it runs."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import App
from tokenry.component.script import PLACE, read_script
from tokenry.operator.component import app as command

BYTES_MAX = 15_000
DOCS = Path(__file__).parents[2] / "docs"


def test_script_is_small_and_loads_nothing() -> None:
    assert len(read_script().body) <= BYTES_MAX
    assert not re.search(r"\bimport\b|\brequire\b|url\(|@import", read_script().body.decode())


def test_script_writes_no_html_runs_no_text_and_keeps_nothing() -> None:
    """What it must never do with a label or a secret; the tests in a browser see to it that it does not."""
    ways = (
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(|Storage|cookie|history|console|style="
    )
    assert not re.search(ways, read_script().body.decode())


def test_documentation_names_the_properties_and_parts_that_there_are() -> None:
    script = read_script().body.decode()
    api, product = ((DOCS / f"{name}.md").read_text("utf-8") for name in ("api", "add-tokens-to-your-product"))
    there = set(re.findall(r"--tokenry-[a-z]+", script))
    assert set(re.findall(r"--tokenry-[a-z]+", api)) == there >= set(re.findall(r"--tokenry-[a-z]+", product))
    (told,) = re.findall(r"its parts are (.*?)\.", api, re.DOTALL)
    parts = {each for given in re.findall(r"part: [\"`]([^\"`]+)", script) for each in given.split()}
    assert set(re.findall(r"`([a-z]+)`", told)) | set(re.findall(r"::part\(([a-z]+)\)", product)) <= parts


def test_path_means_these_bytes_for_ever(app: App) -> None:
    told = app.client.get(PLACE).json()
    answer = app.client.get(told["path"])
    assert answer.content == read_script().body
    algorithm, _, digest = told["integrity"].partition("-")
    assert (algorithm, base64.b64decode(digest)) == ("sha384", hashlib.sha384(answer.content).digest())
    assert told["path"] == f"{PLACE}/{hashlib.sha384(answer.content).hexdigest()[:16]}.js"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert app.client.head(told["path"]).headers["etag"] == answer.headers["etag"]


def test_where_it_is_has_to_be_asked_again(app: App) -> None:
    assert app.client.get(PLACE).headers["cache-control"] == "no-cache"
    assert app.client.get(PLACE).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("name", ["", "tokenry-tokens.js", f"{'0' * 16}.js", "../tokenry-tokens.js"])
def test_no_other_path_is_there(app: App, name: str) -> None:
    assert app.client.get(f"{PLACE}/{name}").status_code == 404
    assert app.client.post(read_script().path).status_code == 405


def test_command_prints_the_script_and_the_element_that_loads_it() -> None:
    printed = CliRunner().invoke(command, [])
    assert printed.stdout_bytes == read_script().body
    printed = CliRunner().invoke(command, ["--service", "https://tokens.example.com"])
    element = re.fullmatch(
        r'<script type="module" src="(.+)" integrity="(.+)" crossorigin="anonymous"></script>\n', printed.stdout
    )
    assert element is not None
    assert element.groups() == (f"https://tokens.example.com{read_script().path}", read_script().integrity)


@pytest.mark.parametrize(
    "address", ["tokens.example.com", "http://tokens.example.com", 'https://"><script>', "https://a/b"]
)
def test_address_that_no_browser_should_load_from_is_refused(address: str) -> None:
    printed = CliRunner().invoke(command, ["--service", address])
    assert (printed.exit_code, printed.stdout) == (2, "")
