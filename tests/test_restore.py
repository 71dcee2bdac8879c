"""Restoring a copy of the database, as docs/operating.md has it."""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.docs.terminals import read_commands
from tests.issuing import bearer
from tests.servers import TOKENRY, Server, environment, serving

PAGE = Path(__file__).parents[1] / "docs" / "operating.md"
REVOKE = "tokenry admin token revoke 12"


def make(service: Server) -> tuple[int, str]:
    made = httpx2.post(f"{service.url}/v4/profile/tokens", headers=bearer(service.token)).json()
    return made["id"], made["token"]


def verified(service: Server, token: str) -> int:
    return httpx2.get(f"{service.url}/verify", headers=bearer(token)).status_code


def copy(data_dir: Path) -> Path:
    """Copy the database to the folder where the service was started."""
    file = data_dir.with_name("copy.db")
    source, target = sqlite3.connect(data_dir / "tokenry.db"), sqlite3.connect(file)
    with closing(source), closing(target):
        source.backup(target)
    return file


def read_database(data_dir: Path) -> list[str]:
    """All that is in the database, with what its -wal adds."""
    with closing(sqlite3.connect(data_dir / "tokenry.db")) as database:
        return list(database.iterdump())


def restore(folder: Path, revoked_id: int) -> subprocess.CompletedProcess[str]:
    """Paste the page's commands where the service is started, into a shell that goes on after a failure."""
    script = "\n".join(read_commands(PAGE, "Restoring a copy"))
    assert REVOKE in script
    return subprocess.run(
        ["bash", "-c", script.replace(REVOKE, f"{REVOKE.rpartition(' ')[0]} {revoked_id}")],
        cwd=folder,
        env=environment(PATH=f"{Path(TOKENRY).parent}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_restored_copy_opens_nothing_that_was_revoked_since(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with serving(data_dir) as service:
        (data_dir / "first-token").unlink()  # `doctor` complains of it
        (_, kept), (revoked_id, revoked) = make(service), make(service)
        copy(data_dir)
        _, later = make(service)  # which the copy does not know
        path = f"/v4/profile/tokens/{revoked_id}"
        assert httpx2.delete(service.url + path, headers=bearer(service.token)).status_code == 200
        assert path in service.log
        service.kill()  # so that there is a -wal to be removed
    assert (data_dir / "tokenry.db-wal").stat().st_size > 0
    done = restore(tmp_path, revoked_id)
    assert done.returncode == 0, done.stderr
    events = (tmp_path / "since.tsv").read_text("utf-8")
    assert f"token.revoke\ttoken:{revoked_id}" in events
    with serving(data_dir) as service:
        assert [verified(service, token) for token in (kept, revoked, later)] == [200, 401, 401]


@pytest.mark.long
def test_restoring_stops_before_anything_is_removed(tmp_path: Path) -> None:
    """Where the audit cannot be written, or the copy is not there, the database and what belongs to it stay."""
    data_dir = tmp_path / "data"
    with serving(data_dir) as service:
        token_id, _ = make(service)
        service.kill()
    before = read_database(data_dir)
    assert restore(tmp_path, token_id).returncode != 0  # there is no copy
    assert read_database(data_dir) == before
    copy(data_dir)
    (tmp_path / "since.tsv").unlink()
    (tmp_path / "since.tsv").mkdir()
    assert restore(tmp_path, token_id).returncode != 0
    assert read_database(data_dir) == before


def test_copy_alone_brings_back_what_was_revoked(tmp_path: Path) -> None:
    """What the page warns of is so: without the command that revokes, the token is valid again."""
    data_dir = tmp_path / "data"
    with serving(data_dir) as service:
        token_id, token = make(service)
        copied = copy(data_dir)
        httpx2.delete(f"{service.url}/v4/profile/tokens/{token_id}", headers=bearer(service.token))
        assert verified(service, token) == 401
    for name in ("tokenry.db", "tokenry.db-wal", "tokenry.db-shm"):
        (data_dir / name).unlink(missing_ok=True)
    copied.rename(data_dir / "tokenry.db")
    with serving(data_dir) as service:
        assert verified(service, token) == 200
