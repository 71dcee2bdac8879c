"""Schemathesis against a live service: requests made from the description, right ones, wrong ones, and sequences."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import environment, serving, tokenry

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
CONFIGURATION = str(Path(__file__).with_name("schemathesis.toml"))
NO_LIMITS = ("--rate-limit", "0", "--rate-limit-failures", "0")

pytestmark = pytest.mark.long


def run_schemathesis(data_dir: Path, phases: str) -> str:
    """Run some of its phases against a new service; what it says, with the seed. It finds nothing."""
    with serving(data_dir, *NO_LIMITS) as server:
        child = tokenry("admin", "account", "create", "child", "--parent", "tokenry", "--data-dir", str(data_dir))
        assert child.returncode == 0, child.stderr
        done = subprocess.run(
            [SCHEMATHESIS, "--config-file", CONFIGURATION, "run", f"{server.url}/openapi.json", "--phases", phases],
            env=environment(TOKENRY_URL=server.url, TOKENRY_TOKEN=server.token, PYTHONPATH="."),
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
    sys.stdout.write(done.stdout)
    assert done.returncode == 0
    assert "Seed: 1" in done.stdout
    return done.stdout


@pytest.mark.parametrize("phases", ["examples,coverage", "fuzzing"])
def test_every_operation_is_as_described(tmp_path: Path, phases: str) -> None:
    run_schemathesis(tmp_path / "data", phases)


def test_sequences_of_operations_are_as_described(tmp_path: Path) -> None:
    """Create, view, rename, revoke, then 404; and a token is let in until it is revoked, by the check in hooks.py."""
    said = run_schemathesis(tmp_path / "data", "stateful")
    covered = re.search(r"API Links: +(\d+) covered", said)
    assert covered is not None
    assert int(covered[1]) >= 3
