"""`tokenry profile …` beside the real linode-cli, on the same service: what they print, and how they end."""

import re
import subprocess

import httpx2
import pytest

from tests.cli.conftest import Person
from tests.forking import run_fork
from tests.servers import LINODE_CLI, environment

LISTED = ("tokens-list", "--label", "side by side")


def run_original(person: Person, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """linode-cli as it is, without what it says about itself."""
    variables = {
        "HOME": str(person.home),
        "LINODE_CLI_TOKEN": person.variables["TOKENRY_TOKEN"],
        "LINODE_CLI_API_HOST": person.server.address,
        "LINODE_CLI_API_SCHEME": "http",
        **variables,
    }
    words = [LINODE_CLI, "profile", *arguments, "--suppress-warnings", "--no-retry"]
    return run_fork(words, "", environment(**variables), 60)


def run_ours(person: Person, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return person.run("profile", *arguments, "--suppress-warnings", "--no-retry", **variables)


def assert_same(person: Person, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run both, which must agree; how ours ended."""
    theirs, ours = run_original(person, *arguments, **variables), run_ours(person, *arguments, **variables)
    assert (ours.stdout, ours.stderr, ours.returncode) == (theirs.stdout, theirs.stderr, theirs.returncode)
    return ours


@pytest.fixture
def made(person: Person) -> int:
    """Two tokens of the label that is listed; the id of one. Each test's are revoked, so all lists are short."""
    person.make(label="side by side", scopes="linodes:read_only domains:read_write account:read_only vpc:read_write")
    return int(person.make(label="side by side", scopes="linodes:read_only", expiry="2030-01-01T00:00:00")["id"])


@pytest.fixture(autouse=True)
def _without_a_trace(person: Person) -> None:
    bearer = {"Authorization": f"Bearer {person.server.token}"}
    with httpx2.Client(base_url=f"{person.server.url}/v4/profile", headers=bearer) as api:
        listed = api.get("/tokens", headers={"X-Filter": '{"label": "side by side"}'}, params={"page_size": 500})
        for row in listed.json()["data"]:
            api.delete(f"/tokens/{row['id']}").raise_for_status()


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--json",),
        ("--pretty",),
        ("--text",),
        ("--text", "--no-headers", "--format", "id,label", "--delimiter", ","),
        ("--text", "--json"),
        ("--markdown",),
        ("--ascii-table", "--all-columns"),
        ("--no-headers",),
        ("--no-truncation",),
        ("--column-width", "8"),
        ("--format", "token,nothing,id,id"),
        ("--format", "nothing", "--text"),
        ("--json", "--format", "label,id"),
        ("--order-by", "created", "--order", "desc", "--text"),
        ("--order-by", "label", "--json"),
        ("--all-rows", "--text"),
        ("--page", "2"),
        ("--created", "2001-01-01T00:00:00", "--json"),
        ("--created", "2001-01-01T00:00:00"),
    ],
    ids=" ".join,
)
def test_list_looks_the_same(person: Person, made: int, options: tuple[str, ...]) -> None:
    printed = assert_same(person, *LISTED, *options)
    assert printed.returncode == 0
    assert printed.stdout


@pytest.mark.long
@pytest.mark.parametrize("variables", [{"COLUMNS": "200"}, {"COLUMNS": "30"}, {"FORCE_COLOR": "1"}, {"NO_COLOR": "1"}])
def test_list_is_drawn_the_same(person: Person, made: int, variables: dict[str, str]) -> None:
    assert_same(person, *LISTED, **variables)


def test_list_says_that_there_are_more_pages(newcomer: Person) -> None:
    for _ in range(25):
        newcomer.make(label="side by side")
    printed = assert_same(newcomer, "tokens-list", "--page-size", "25")
    assert "Page 1 of 2." in printed.stdout


@pytest.mark.long
@pytest.mark.parametrize("options", [(), ("--json",), ("--text",)], ids=" ".join)
def test_view_update_and_delete_look_the_same(person: Person, made: int, options: tuple[str, ...]) -> None:
    assert_same(person, "token-view", str(made), *options)
    printed = assert_same(person, "token-update", str(made), "--label", "side by side", *options)
    assert printed.returncode == 0
    first = run_original(person, "token-delete", str(person.make(label="side by side")["id"]), *options)
    second = run_ours(person, "token-delete", str(made), *options)
    assert (second.stdout, second.stderr, second.returncode) == (first.stdout, first.stderr, first.returncode)
    assert person.run("token", "view", str(made)).returncode == 2


@pytest.mark.parametrize(
    "asked",
    [
        ("--label", "side by side"),
        ("--label", "side by side", "--scopes", "linodes:read_only", "--expiry", "2030-01-01T13:46:32"),
        ("--label", "side by side", "--expiry", "null", "--json"),
        ("--label", "side by side", "--text", "--format", "label,scopes,expiry"),
    ],
    ids=" ".join,
)
def test_creation_looks_the_same(person: Person, asked: tuple[str, ...]) -> None:
    def plain(done: subprocess.CompletedProcess[str]) -> tuple[str, str, int]:
        """Without what every token has of its own, and every moment."""
        text = re.sub(r"pat_\w+|\b\d+\b(?= *│)|(?!2030)20\d\d-\d\d-\d\dT[\d:]+|(?<=\"id\": )\d+", "…", done.stdout)
        return re.sub(r"[ ─]+", " ", text), done.stderr, done.returncode

    wide = {"COLUMNS": "200"}  # in a narrow table linode-cli cuts the secret
    theirs = run_original(person, "token-create", *asked, **wide)
    assert plain(run_ours(person, "token-create", *asked, **wide)) == plain(theirs)


@pytest.mark.parametrize("options", [(), ("--column-width", "8"), ("--markdown",), ("--ascii-table",)], ids=" ".join)
def test_secret_of_a_new_token_is_never_cut(person: Person, options: tuple[str, ...]) -> None:
    printed = run_ours(person, "token-create", "--label", "side by side", *options, COLUMNS="60").stdout
    cells = [line.replace("│", "|").split("|") for line in printed.splitlines()]
    column = next(index for row in cells for index, cell in enumerate(row) if cell.strip() in {"token", "toke"})
    folded = "".join(row[column].strip() for row in cells if len(row) > column)
    (secret,) = re.findall(r"pat_[0-9A-Za-z]{50}", folded)
    assert person.is_valid(secret)


@pytest.mark.parametrize(
    "arguments",
    [
        ("token-view", "987654321"),
        ("token-view", "987654321", "--json"),
        ("token-view", "987654321", "--text"),
        ("token-view", "987654321", "--no-headers"),
        ("token-delete", "987654321"),
        ("token-update", "987654321", "--label", "x"),
        ("token-create", "--scopes", "x:y"),
        ("token-create", "--label", "", "--scopes", "x:y"),
        ("tokens-list", "--page-size", "24"),
        ("tokens-list", "--page", "0", "--text"),
    ],
    ids=" ".join,
)
def test_refusals_look_the_same(person: Person, arguments: tuple[str, ...]) -> None:
    assert assert_same(person, *arguments).returncode == 2


def test_token_that_is_not_known_looks_the_same(person: Person) -> None:
    person.variables["TOKENRY_TOKEN"] = "0" * 64
    assert assert_same(person, "tokens-list").returncode == 2


@pytest.mark.long
@pytest.mark.parametrize(
    "arguments",
    [
        ("token-view",),
        ("token-view", "abc"),
        ("tokens-list", "--nonsense"),
        ("tokens-list", "--order-by", "expiry"),
        ("tokens-list", "--order", "desc"),
        ("tokens-list", "--page", "x"),
        ("nonsense",),
    ],
    ids=" ".join,
)
def test_wrong_use_ends_the_same(person: Person, arguments: tuple[str, ...]) -> None:
    theirs, ours = run_original(person, *arguments), run_ours(person, *arguments)
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout) == (2, "")
    assert ours.stderr
