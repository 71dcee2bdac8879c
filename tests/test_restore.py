"""Restoring a copy of the database, as docs/operating.md has it."""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import httpx2

from tests.docs.terminals import read_commands
from tests.servers import TOKENRY, Server, environment, serving

PAGE = Path(__file__).parents[1] / "docs" / "operating.md"
REVOKE = "tokenry admin token revoke 12"


def make(service: Server) -> tuple[int, str]:
    made = httpx2.post(f"{service.url}/v4/profile/tokens", headers=bearer(service.token)).json()
    return made["id"], made["token"]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def verified(service: Server, token: str) -> int:
    return httpx2.get(f"{service.url}/verify", headers=bearer(token)).status_code


def copy(data_dir: Path) -> None:
    source, target = (sqlite3.connect(data_dir / name) for name in ("tokenry.db", "copy.db"))
    with closing(source), closing(target):
        source.backup(target)


def test_restored_copy_opens_nothing_that_was_revoked_since(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with serving(data_dir) as service:
        (_, kept), (revoked_id, revoked) = make(service), make(service)
        copy(data_dir)
        later_id, later = make(service)
        for token_id in (revoked_id, later_id):
            path = f"/v4/profile/tokens/{token_id}"
            assert httpx2.delete(service.url + path, headers=bearer(service.token)).status_code == 200
            assert path in service.log
        service.kill()  # so that there is a -wal to be removed
    assert (data_dir / "tokenry.db-wal").stat().st_size > 0
    script = read_commands(PAGE, "Restoring a copy")
    revocation = script.index(REVOKE)
    script[revocation] = REVOKE.replace("12", str(revoked_id))
    done = subprocess.run(
        ["bash", "-eu", "-c", "\n".join(script)],
        cwd=data_dir,
        env=environment(TOKENRY_DATA_DIR=str(data_dir), PATH=f"{Path(TOKENRY).parent}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    events = (data_dir / "since.tsv").read_text("utf-8")
    assert f"token.revoke\ttoken:{revoked_id}" in events
    with serving(data_dir) as service:
        assert [verified(service, token) for token in (kept, revoked, later)] == [200, 401, 401]


def test_copy_alone_brings_back_what_was_revoked(tmp_path: Path) -> None:
    """What the page warns of is so: without the command that revokes, the token is valid again."""
    data_dir = tmp_path / "data"
    with serving(data_dir) as service:
        token_id, token = make(service)
        copy(data_dir)
        httpx2.delete(f"{service.url}/v4/profile/tokens/{token_id}", headers=bearer(service.token))
        assert verified(service, token) == 401
    for name in ("tokenry.db", "tokenry.db-wal", "tokenry.db-shm"):
        (data_dir / name).unlink(missing_ok=True)
    (data_dir / "copy.db").rename(data_dir / "tokenry.db")
    with serving(data_dir) as service:
        assert verified(service, token) == 200
