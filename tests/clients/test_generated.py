"""Clients that generators make of `/openapi.json`, against the service that handed it out."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing
from tests.node import MODULES, node
from tests.servers import Server, environment

PROGRAMS = Path(__file__).with_name("generated")
GENERATORS = Path(__file__).parents[2] / ".venv-generators" / "bin"


def acting_on(server: Server) -> dict[str, str]:
    return {"TOKENRY_URL": server.url, "TOKENRY_TOKEN": server.token}


def use_python(server: Server, folder: Path) -> str:
    """Generate a package for Python, without a single warning; what the program says that uses it."""
    if not GENERATORS.exists():
        missing("openapi-python-client (`make test` installs it)")
    variables = environment(**acting_on(server), PATH=f"{GENERATORS}:{os.environ['PATH']}", PYTHONPATH=str(folder))
    make = ["openapi-python-client", "generate", "--url", f"{server.url}/openapi.json", "--fail-on-warning"]
    make += ["--meta", "none", "--output-path", str(folder / "tokenry_client")]
    for command in (make, ["python", str(PROGRAMS / "tokens.py")]):
        program = str(GENERATORS / command[0])
        done = subprocess.run(
            [program, *command[1:]], env=variables, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def use_typescript(server: Server, folder: Path) -> str:
    """Generate types for TypeScript and check the program that uses them; what it says."""
    (folder / "node_modules").symlink_to(MODULES)
    for name in ("tokens.ts", "tsconfig.json"):
        (folder / name).write_bytes((PROGRAMS / name).read_bytes())
    (folder / "package.json").write_text('{"type": "module"}')
    make = ("openapi-typescript", f"{server.url}/openapi.json", "--output", "tokenry.d.ts")
    for command in (make, ("tsc",), ("tokens.ts",)):
        done = node(*command, cwd=folder, **acting_on(server))
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("use", [use_python, use_typescript])
def test_generated_client_lists_creates_views_renames_and_deletes(server: Server, tmp_path: Path, use: Any) -> None:
    outcome = json.loads(use(server, tmp_path))
    created = outcome["created"]
    assert (created["label"], created["scopes"]) == ("generated", "linodes:read_only")
    assert created["expiry"] == "2030-01-01T13:46:32"
    assert len(created["token"]) == 54
    shown = {**created, "token": created["token"][:16]}
    assert outcome["listed"] == {"data": [shown], "page": 1, "pages": 1, "results": 1}
    assert outcome["viewed"] == shown
    assert outcome["renamed"] == {**shown, "label": "renamed"}
    assert outcome["deleted"] == {}
    assert outcome["missing"] == {"status": 404, "errors": [{"reason": "Not found"}]}
    faults = [{"reason": "Length must be 1-100 characters", "field": "label"}]
    assert outcome["faulty"] == {"status": 400, "errors": faults}
    assert outcome["unknown"] == {"status": 401, "errors": [{"reason": "Invalid Token"}]}
