"""Node and what npm installed for tests: see tests/clients/node/package.json."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import missing
from tests.servers import environment

NODE = str(Path(sys.executable).with_name("node"))
PACKAGES = Path(__file__).with_name("clients") / "node"
MODULES = PACKAGES / "node_modules"


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
