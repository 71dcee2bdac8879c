"""What `import tokenry.client` costs those who only want a client."""

import json
import subprocess
import sys

LOADED = "import json, sys, tokenry.client; print(json.dumps(sorted(sys.modules)))"
OF_THE_SERVER = {
    "anyio",
    "asyncio",
    "httpx2",
    "redis",
    "rich",
    "sqlalchemy",
    "starlette",
    "structlog",
    "typer",
    "uvicorn",
}


def loaded() -> set[str]:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(done.stdout))


def test_client_imports_nothing_of_the_server_and_no_library_before_it_is_used() -> None:
    modules = loaded()
    assert {name.partition(".")[0] for name in modules} & OF_THE_SERVER == set()
    ours = {name for name in modules if name.startswith("tokenry.") and not name.startswith("tokenry.client")}
    assert ours == {"tokenry.addresses", "tokenry.moments", "tokenry.printable"}
