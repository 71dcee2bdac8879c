"""`make quick`: which tests it runs, and what it asks of the machine."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_what_needs_other_servers_is_left_out() -> None:
    places = ["tests/storage/test_leaks.py", "tests/counters/test_counters.py"]
    command = [sys.executable, "-m", "pytest", "--quick", "-p", "no:cacheprovider", "-k", "opens or forgets", *places]
    nothing = {**os.environ, "PATH": "", "CI": "true"}
    done = subprocess.run(command, cwd=HERE.parent, env=nothing, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "PostgreSQL is left out" in done.stdout
    assert "Redis is left out" in done.stdout
    assert "passed" in done.stdout
