"""The end of the first token, as docs/operating.md has it."""

import os
import subprocess
from pathlib import Path

import httpx2

from tests.docs.conftest import DOCS
from tests.docs.terminals import COMMAND_SECONDS_MAX, read_commands
from tests.servers import TOKENRY, environment, serving


def test_first_token_ends_with_its_file(tmp_path: Path) -> None:
    script = read_commands(DOCS / "operating.md", "The first start")
    with serving(tmp_path / "data") as service:
        file = service.data_dir / "first-token"
        assert file.read_text("ascii").strip() == service.token
        done = subprocess.run(
            ["bash", "-eu", "-c", "\n".join(script)],
            cwd=tmp_path,
            env=environment(TOKENRY_URL=service.url, PATH=f"{Path(TOKENRY).parent}:{os.environ['PATH']}"),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        verified = httpx2.get(f"{service.url}/verify", headers={"Authorization": f"Bearer {service.token}"})
        assert verified.status_code == 401
        assert not file.exists()
