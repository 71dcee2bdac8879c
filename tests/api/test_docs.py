"""`/docs`: a page that loads nothing, runs its own script alone, and whose links and examples work."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx2
import pytest

from tests.conftest import App, missing
from tests.servers import Server, serving, tokenry
from tokenry.description.html import Html, element, inline, markdown
from tokenry.description.openapi import METHODS, read_description
from tokenry.description.operations import Operation, list_operations, write_curl
from tokenry.description.schemas import find_example, write_type

VOID = {"meta", "wbr"}
OF_CLIENTS = {"/oauth/token", "/oauth/device_authorization", "/oauth/par", "/oauth/register/{clientId}"}
"""What is asked by clients, which have to be registered first."""
REFUSED = {
    "#post-user-link": {"400"},
    "#delete-token-shadow": {"409"},
    "#test-mail": {"400"},
}
"""What is refused here for what other examples did before, or since nobody set up mail; by where it stands."""
OF_PAGES = "/page"
"""In the path of what is asked from pages of origins that an operator has listed, or leads there."""


class Reader(HTMLParser):
    """Reads a page: its elements, and whether each is closed where it should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


@pytest.fixture
def page(app: App) -> Reader:
    return Reader(app.client.get("/docs").text)


def operations() -> list[Operation]:
    description = read_description()
    return [
        operation for tag in description["tags"] for operation in list_operations(description["paths"], tag["name"])
    ]


def test_nothing_is_loaded_and_one_script_is_run(page: Reader) -> None:
    assert {tag for tag, _ in page.elements} <= {
        *("html", "head", "meta", "title", "style", "body", "nav", "main", "header", "section", "article"),
        *("h1", "h2", "h3", "h4", "p", "ul", "li", "dl", "dt", "dd", "a", "b", "span", "code", "pre", "wbr"),
        *("details", "summary", "script"),
    }
    assert [attributes for tag, attributes in page.elements if tag == "script"] == [{}]
    assert {name for _, attributes in page.elements for name in attributes} <= {
        *("lang", "charset", "name", "content", "id", "class", "href", "title", "tabindex", "aria-label"),
        "data-call",
    }
    assert {href for href in page.values("href") if not href.startswith("#")} == {"/openapi.json"}


def test_style_and_script_are_allowed_by_their_hashes_and_load_nothing(app: App) -> None:
    answer = app.client.get("/docs")
    (style,) = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
    (script,) = re.findall("<script>(.*?)</script>", answer.text, re.DOTALL)
    of_style, of_script = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)
    )
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; script-src 'sha256-{of_script}'; style-src 'sha256-{of_style}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert not re.search(r"url\(|@import|image-set|src\(", style)
    assert not re.search(r"Storage|cookie|innerHTML|history|import|eval", script)


def test_every_link_leads_somewhere(page: Reader) -> None:
    anchors = page.values("id")
    assert len(anchors) == len(set(anchors))
    assert {href.removeprefix("#") for href in page.values("href") if href.startswith("#")} <= set(anchors)


def test_every_operation_is_on_it(page: Reader) -> None:
    described = [
        item[method]["operationId"]
        for item in read_description()["paths"].values()
        for method in METHODS
        if method in item
    ]
    assert set(described) <= set(page.values("id"))
    assert len(operations()) == len(described)


def test_only_get_and_head_are_answered(app: App) -> None:
    assert app.client.head("/docs").status_code == 200
    assert app.client.post("/docs").status_code == 405


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with a token 2, which the examples are about, and a child account."""
    with serving(tmp_path_factory.mktemp("docs") / "data") as server:
        place = ("--data-dir", str(server.data_dir))
        assert tokenry("admin", "account", "create", "child", "--parent", "tokenry", *place).returncode == 0
        bearer = {"Authorization": f"Bearer {server.token}"}
        assert httpx2.post(f"{server.url}/v4/profile/tokens", headers=bearer).json()["id"] == 2
        yield server


def ends_something(operation: Operation) -> bool:
    return operation.method == "delete" or "revoke" in operation.anchor


ENDS_LAST: list[Operation] = sorted(operations(), key=ends_something)


@pytest.mark.parametrize("operation", ENDS_LAST, ids=lambda operation: operation.anchor)
def test_example_can_be_pasted(server: Server, operation: Operation) -> None:
    """It is understood; whether the thing it names is there is another question."""
    if shutil.which("bash") is None or shutil.which("curl") is None:
        missing("bash or curl")
    script = write_curl(operation).replace("curl ", "curl --silent --show-error --write-out '\n%{http_code}' ", 1)
    environment = {**os.environ, "TOKENRY_URL": server.url, "TOKENRY_TOKEN": server.token}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    understood = {"401"} if operation.path in OF_CLIENTS else {"200", "202", "204", "404"}
    if OF_PAGES in operation.path:
        understood = {"400", "403", "404"}
    understood |= REFUSED.get(operation.anchor, set())
    assert done.stdout.rpartition("\n")[2] in understood, done.stdout


def test_example_keeps_the_token_out_of_the_list_of_processes() -> None:
    for operation in operations():
        words = write_curl(operation)
        assert words.count("TOKENRY_TOKEN") == bool(operation.security)
        assert words.count("""@<(printf 'Authorization: Bearer %s' "$TOKENRY_TOKEN")""") == bool(operation.security)


# --- its parts -----------------------------------------------------------------------------------------------------


def test_texts_are_escaped() -> None:
    assert element("p", "<b> & ", Html("<b></b>"), title='"<') == '<p title="&quot;&lt;">&lt;b&gt; &amp; <b></b></p>'
    assert inline("a `<b>` c") == "a <code>&lt;b&gt;</code> c"


def test_markdown_has_paragraphs_and_lists() -> None:
    assert markdown("One\nline.\n\n- a\n- b\n  c\n") == "<p>One\nline.</p><ul><li>a</li><li>b\n  c</li></ul>"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/components/schemas/Token"}, '<a href="#schema-Token">Token</a>'),
        ({"const": "ok"}, "<code>ok</code>"),
        ({"enum": ["asc", "desc"]}, "<code>asc</code> or <code>desc</code>"),
        ({"type": "integer", "minimum": 25, "maximum": 500, "default": 100}, None),
        ({"type": "string", "minLength": 1}, "string, 1 characters or more"),
        ({"type": ["string", "null"], "maxLength": 9}, "string or null, at most 9 characters"),
        ({"type": "array", "items": {"type": "integer"}}, "array of integer"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"type": "integer", "maximum": 2**63 - 1, "format": "int64"}, "integer (int64)"),
    ],
)
def test_types_are_said_in_words(schema: dict[str, object], words: str | None) -> None:
    assert write_type(schema) == (words or "integer, 25 to 500, by default <code>100</code>")


def test_example_of_a_page_holds_an_example_of_its_rows() -> None:
    row = find_example({"$ref": "#/components/schemas/Token"})
    schema = read_description()["paths"]["/{apiVersion}/profile/tokens"]["get"]["responses"]["200"]["content"]
    page = find_example(schema["application/json"]["schema"])
    assert json.loads(json.dumps(page)) == {"data": [row], "page": 1, "pages": 1, "results": 1}
