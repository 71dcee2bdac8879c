"""The site, built once for all of its tests."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import environment

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site. Built as `make docs` does: a warning is a failure."""
    built = tmp_path_factory.mktemp("site")
    sphinx = [str(Path(sys.executable).with_name("sphinx-build")), "--quiet", "--fail-on-warning", "--keep-going"]
    done = subprocess.run(
        [*sphinx, str(DOCS), str(built)], env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return built
