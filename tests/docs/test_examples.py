"""The blocks of the pages, run in their order: Python here, commands in a terminal, against a real service."""

import re
import shutil
import unittest
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from sybil import Document, Example, Sybil
from sybil.evaluators.python import pad
from sybil.parsers.markdown import CodeBlockParser, SkipParser
from sybil.typing import Parser

from tests.conftest import missing
from tests.docs.conftest import DOCS, REPOSITORY
from tests.docs.terminals import Terminal, is_shown, read_steps
from tests.node import MODULES, need_modules
from tests.servers import Server, free_port, serving

PAGES = [
    REPOSITORY / "README.md",
    *(
        DOCS / f"{name}.md"
        for name in (
            "add-tokens-to-your-product",
            "api",
            "cli",
            "client",
            "company-sign-in",
            "languages",
            "mcp",
            "middleware",
            "oauth",
            "tutorial",
            "webhooks",
        )
    ),
]
OTHERS = {
    "audit.md": "it has no commands; test_audit.py holds it against the events that there are",
    "comparison.md": "it has no commands",
    "console.md": "it has no commands; what it says is tested by tests/pages/console",
    "gateways.md": "each configuration is run in its gateway by tests/gateways",
    "operating.md": "its commands stop and replace services: tests/test_restore.py and test_operating.py run them",
    "notices.md": "it has no commands",
    "index.md": "it has no commands",
    "postgresql.md": "it has no commands; what it says is tested by tests/postgres",
}
"""Pages whose blocks are not run, and why."""
SKIPPED_MAX = 9
_SERVES = re.compile(r"tokenry serve(?: --scopes-file scopes\.toml)?(?: --allowed-origins \S+)?")
_SCOPES_FILE = re.compile(r"^```toml\n(# scopes\.toml\n.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass
class Reader:
    """Somebody who does what a page says. What stands on the page for a place or a token is theirs."""

    server: Server
    terminal: Terminal
    port: int

    def own(self, text: str) -> str:
        """The text with their own address, token, data and port."""
        for written, own in (
            ("127.0.0.1:8470", self.server.address),
            ("127.0.0.1:8000", f"127.0.0.1:{self.port}"),
            ("--port 8000", f"--port {self.port}"),
            ("/var/lib/tokenry", str(self.server.data_dir)),
            ("/etc/app", str(self.terminal.folder)),
            ("=pat_…", f"={self.server.token}"),
        ):
            text = text.replace(written, own)
        return text

    def save(self, example: Example) -> None:
        """Put a block into the file that its first line names."""
        _, name = example.parsed.partition("\n")[0].split()
        (self.terminal.folder / name).write_text(self.own(example.parsed))

    def run_python(self, example: Example) -> None:
        """Run a block here, or in a file of its own if its first line names one."""
        if re.match(r"# \w+\.py\n", example.parsed):
            self.save(example)
            return
        source = pad(self.own(example.parsed), example.line + example.parsed.line_offset)
        exec(compile(source, example.path, "exec"), example.namespace)

    def run_commands(self, example: Example) -> None:
        """Run commands; where nothing is shown of the output, they must succeed."""
        for step in read_steps(self.own(example.parsed)):
            if _SERVES.fullmatch(step.command):  # it runs already
                assert is_shown(self.server.printed, step.shown), self.server.printed
                continue
            if step.command.startswith("node "):
                need_modules()
            status, printed = self.terminal.run(step.command)
            assert is_shown(printed, step.shown) if step.shown else status == 0, f"{step.command}\n{printed}"


def parse(page: Path, reader: Reader | None = None) -> Document:
    """The blocks of a page."""
    parsers: list[Parser] = [
        CodeBlockParser("python", None if reader is None else reader.run_python),
        *(CodeBlockParser(language, None if reader is None else reader.save) for language in ("js", "ts", "toml")),
        CodeBlockParser("console", None if reader is None else reader.run_commands),
        SkipParser(),
    ]
    return Sybil(parsers, path=str(REPOSITORY)).parse(page)


@pytest.fixture
def reader(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Somebody with a service of their own, of which it is the first start. A page with scopes has them served."""
    if shutil.which("bash") is None or shutil.which("curl") is None:
        missing("bash or curl (the Debian packages)")
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "node_modules").symlink_to(MODULES)
    port, flags = free_port(), ["--trusted-proxies", "127.0.0.1"]
    if (scopes := _SCOPES_FILE.search(page.read_text("utf-8"))) is not None:
        (tmp_path / "scopes.toml").write_text(scopes[1])
        flags += ["--scopes-file", str(tmp_path / "scopes.toml"), "--allowed-origins", f"http://127.0.0.1:{port}"]
    with serving(tmp_path / "data", *flags, terminal=True) as server:
        variables = {"TOKENRY_URL": server.url, "TOKENRY_DATA_DIR": str(server.data_dir)}
        monkeypatch.setenv("TOKENRY_URL", server.url)
        monkeypatch.setenv("TOKENRY_TOKEN", server.token)
        with Terminal(folder, server.token, variables) as terminal:
            yield Reader(server, terminal, port)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_does_what_it_shows(page: Path, reader: Reader) -> None:
    ran = 0
    for example in parse(page, reader).examples():
        with suppress(unittest.SkipTest):
            example.evaluate()
            ran += 1
    assert ran > 0


def test_every_page_is_run_or_it_is_said_why_not() -> None:
    assert {page.name for page in DOCS.glob("*.md")} | {"README.md"} == {page.name for page in PAGES} | OTHERS.keys()


def test_few_blocks_are_left_out() -> None:
    skips = [example for page in PAGES for example in parse(page).examples() if isinstance(example.parsed, tuple)]
    assert all(action == "next" and reason for action, reason in (example.parsed for example in skips))
    assert len(skips) <= SKIPPED_MAX


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("a  b", "a\tb\n", True),
        ("a", "b", False),
        ("a", "a\nb", False),
        ("a …", "a b c", True),
        ("a …", "a b\nc", False),
        ("a\n…", "a\nb\nc", True),
        ("a\n…\nz", "a\nb\nc\nz", True),
        ("a\n…\nz", "a\nz", True),
        ("a\n…\nz", "a\nb", False),
        ("…\nz", "b\nz", True),
        ("1.5", "1x5", False),
    ],
)
def test_what_is_shown_is_compared_with_what_was_printed(shown: str, printed: str, expected: bool) -> None:  # noqa: FBT001
    assert is_shown(printed, shown) is expected


def test_commands_are_read_with_what_is_shown_of_them() -> None:
    steps = read_steps("$ one \\\n    more   # a remark\nshown    # another\n$ two\n")
    assert [(step.command, step.shown) for step in steps] == [("one \\\n    more", "shown"), ("two", "")]
