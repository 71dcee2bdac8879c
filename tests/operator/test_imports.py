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


@pytest.mark.parametrize("command", ["admin user list", "doctor", "serve --help"])
def test_what_only_a_migration_needs_is_not_loaded(tmp_path: Path, command: str) -> None:
    assert tokenry("migrate", "--data-dir", str(tmp_path)).returncode == 0
    words = [sys.executable, "-c", PROGRAM, *command.split(), "--data-dir", str(tmp_path)]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "sqlalchemy" in loaded
    assert loaded.isdisjoint({"alembic", "mako"})
