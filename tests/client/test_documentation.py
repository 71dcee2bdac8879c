"""docs/client.md: every block of Python in it is run, in order, against the real service."""

import re
from pathlib import Path

import pytest

from tests.servers import Server

TUTORIAL = Path(__file__).parents[2] / "docs" / "client.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_tutorial_runs_from_its_beginning_to_its_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENRY_URL", server.url)
    monkeypatch.setenv("TOKENRY_TOKEN", server.token)
    names: dict[str, object] = {"__name__": "tutorial"}
    text = TUTORIAL.read_text("utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) > 5
    for block in blocks:
        line = text.count("\n", 0, block.start(1))
        exec(compile("\n" * line + block[1], str(TUTORIAL), "exec"), names)
