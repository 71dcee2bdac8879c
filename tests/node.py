"""Node and what npm installed for tests: see tests/clients/node/package.json."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import missing
from tests.servers import STOP_SECONDS_MAX, environment

NODE = str(Path(sys.executable).with_name("node"))
PACKAGES = Path(__file__).with_name("clients") / "node"
MODULES = PACKAGES / "node_modules"


class Node:
    """A program beside the packages, in one process for many calls; each line is one."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen(
            [NODE, program],
            cwd=PACKAGES,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, **what: object) -> dict[str, Any]:
        """Make one call; what became of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        became: dict[str, Any] = json.loads(self._process.stdout.readline())
        return became

    def stop(self) -> None:
        """End it, which must go well."""
        self._process.communicate(timeout=STOP_SECONDS_MAX)
        assert self._process.returncode == 0


def node(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program in Node to its end; one of the packages' programs by its name in `.bin`."""
    need_modules()
    program = MODULES / ".bin" / arguments[0]
    return subprocess.run(
        [NODE, str(program) if program.exists() else arguments[0], *arguments[1:]],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def need_modules() -> None:
    """Skip the test, or fail, where nothing is installed."""
    if not MODULES.exists():
        missing("what npm installs for tests (`make test` does)")
