"""What the operator's commands load: each library takes its time at every start, and most commands need few."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import environment, tokenry

PROGRAM = """
import sys
from tokenry.cli import main
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


MIGRATIONS = {"alembic", "mako"}
HTTP = {"starlette", "uvicorn", "httptools"}


@pytest.mark.parametrize(
    ("command", "needless"),
    [
        ("admin user list", MIGRATIONS | HTTP),
        ("doctor", MIGRATIONS | HTTP),
        ("migrate", HTTP),
        ("serve --help", MIGRATIONS),
    ],
)
def test_what_a_command_does_without_is_not_loaded(tmp_path: Path, command: str, needless: set[str]) -> None:
    assert tokenry("migrate", "--data-dir", str(tmp_path)).returncode == 0
    words = [sys.executable, "-c", PROGRAM, *command.split(), "--data-dir", str(tmp_path)]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "sqlalchemy" in loaded
    assert loaded & needless == set()
