"""`tokenry serve`: the first start, every later one, and every start that cannot be."""

import errno
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from tests.conftest import missing
from tests.forking import start_fork
from tests.servers import (
    LISTENING,
    START_SECONDS_MAX,
    STOP_SECONDS_MAX,
    TOKENRY,
    Server,
    environment,
    free_port,
    serving,
    start_server,
    tokenry,
    wait_until,
)
from tokenry.cli.streams import OutputError
from tokenry.domain.secrets import Secret
from tokenry.operator.first_token import FirstTokenPlace
from tokenry.operator.program import find_program
from tokenry.settings import Settings
from tokenry.wiring import begin, open_installation, prepare

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=[True, False], ids=["terminal", "pipe"])
def first(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service at its very first start, with somebody at a terminal, or without."""
    with serving(tmp_path_factory.mktemp("first") / "its data", terminal=request.param) as server:
        yield server


@pytest.fixture(scope="module")
def watched(first: Server) -> bool:
    """Whether its output is a terminal."""
    return os.isatty(first.output.fileno())


def verify(server: Server, token: str) -> int:
    """Ask; what is asked before the workers are up waits for them."""
    bearer = {"Authorization": f"Bearer {token}"}
    return httpx2.get(f"{server.url}/verify", headers=bearer, timeout=START_SECONDS_MAX).status_code


def test_first_start_shows_where_it_is_and_hands_over_one_working_token(first: Server) -> None:
    assert f"API:   {first.url}/v4" in first.printed
    assert f"Web:   {first.url}/console" in first.printed
    assert f"Data:  {first.data_dir}" in first.printed
    assert f"  export TOKENRY_URL={first.url}\n" in first.printed
    assert verify(first, first.token) == 200


def test_first_token_is_shown_on_a_terminal_and_put_into_a_private_file_elsewhere(first: Server, watched: bool) -> None:  # noqa: FBT001
    file = first.data_dir / "first-token"
    assert re.findall(r"pat_[0-9A-Za-z]*", first.printed + first.log) == ([first.token] if watched else [])
    assert file.exists() is not watched
    if not watched:
        assert (stat.S_IMODE(file.stat().st_mode), file.read_text()) == (0o600, f"{first.token}\n")
        assert str(file) in first.printed


def test_first_start_shows_a_link_for_a_password_on_a_terminal_alone(first: Server, watched: bool) -> None:  # noqa: FBT001
    links = re.findall(rf"{first.url}/link/(lnk_\w+)", first.printed)
    assert len(links) == (1 if watched else 0)
    assert "lnk_" not in first.log
    if watched:
        answer = httpx2.get(f"{first.url}/link/{links[0]}", timeout=START_SECONDS_MAX)
        assert (answer.status_code, answer.headers["location"]) == (303, "/link")
    else:
        [command] = re.findall(rf"  {TOKENRY} (admin user link admin .+)", first.printed)
        assert tokenry(*shlex.split(command)).stdout.startswith(f"{first.url}/link/lnk_")


def test_first_start_says_how_to_end_its_token(first: Server, watched: bool) -> None:  # noqa: FBT001
    assert ("revoke it." if watched else "revoke it and remove the file.") in first.printed


def test_first_token_may_do_everything(first: Server) -> None:
    answer = httpx2.get(f"{first.url}/verify", headers={"Authorization": f"Bearer {first.token}"})
    assert (answer.headers["x-auth-user"], answer.headers["x-auth-scopes"]) == ("admin", "*")


def test_the_lines_to_paste_work_where_no_path_leads_to_the_program(first: Server, tmp_path: Path) -> None:
    lines = [line.strip() for line in first.printed.splitlines() if line.startswith("  ")]
    pasted = [line for line in lines if line.startswith(("export ", f"{TOKENRY} ")) and " admin " not in line]
    assert [line.split()[1:3] for line in pasted[2:]] == [["whoami"], ["token", "create"], ["token", "list"]]
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(pasted)],
        env={**environment(), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"admin\t\tno\t*\t{first.url}\t" in done.stdout
    assert "first token" in done.stdout
    assert "mine" in done.stdout


def test_program_is_named_as_a_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, other = tmp_path / "its programs" / "tokenry", tmp_path / "other" / "tokenry"
    for file in (program, other):
        file.parent.mkdir()
        file.touch(mode=0o700)
    monkeypatch.setenv("PATH", str(program.parent))
    for called in (str(program), "tokenry"):
        monkeypatch.setattr(sys, "argv", [called])
        assert find_program() == "tokenry"
    monkeypatch.setenv("PATH", f"{other.parent}:{program.parent}")
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert find_program() == f"'{program}'"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["its programs/tokenry"])
    assert find_program() == f"'{program}'"
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "__main__.py")])
    assert find_program() == f"{sys.executable} -m tokenry"


def test_files_are_for_their_owner_alone(first: Server) -> None:
    assert stat.S_IMODE(first.data_dir.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in first.data_dir.iterdir()} == {0o600}


def test_database_is_in_wal_mode(first: Server) -> None:
    with closing(sqlite3.connect(first.data_dir / "tokenry.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_second_start_shows_no_secret_and_keeps_the_tokens(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        token = server.token
    (tmp_path / "data" / "first-token").unlink()
    with serving(tmp_path / "data") as server:
        assert server.token == ""
        assert "pat_" not in server.printed
        assert not (tmp_path / "data" / "first-token").exists()
        assert verify(server, token) == 200


def test_bootstrap_file_gets_the_token_instead_of_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "first-token"
    with serving(tmp_path / "data", variables={"TOKENRY_BOOTSTRAP_TOKEN_FILE": str(file)}) as server:
        assert "pat_" not in server.printed
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert verify(server, file.read_text().strip()) == 200


@pytest.mark.parametrize("name", ["token", "data/first-token"])
def test_bootstrap_file_that_exists_is_left_alone_and_no_account_is_made(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text("precious")
    arguments = ("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
    done = tokenry(*arguments, "--bootstrap-token-file", str(file))
    assert_refused(done, str(file))
    assert file.read_text() == "precious"
    file.unlink()
    with serving(tmp_path / "data") as server:
        assert server.token


def test_first_token_that_has_nowhere_to_go_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "data" / "first-token"
    file.parent.mkdir(mode=0o700)
    file.mkdir()
    assert_refused(serve_once(tmp_path / "data"), str(file), "No account and no token was made")
    file.rmdir()
    with serving(tmp_path / "data") as server:
        assert verify(server, server.token) == 200


def test_what_a_first_start_left_behind_that_was_broken_off_is_replaced(tmp_path: Path) -> None:
    assert tokenry("migrate", "--data-dir", str(tmp_path / "data")).returncode == 0
    file = tmp_path / "data" / "first-token"
    file.write_text("pat_ half")
    with serving(tmp_path / "data") as server:
        assert file.read_text().strip() == server.token
        assert verify(server, server.token) == 200


@pytest.mark.parametrize("named", [True, False])
def test_first_token_that_is_not_committed_leaves_no_file(tmp_path: Path, named: bool) -> None:  # noqa: FBT001
    assert tokenry("migrate", "--data-dir", str(tmp_path / "data")).returncode == 0
    file = tmp_path / ("named" if named else "data/first-token")
    with closing(sqlite3.connect(tmp_path / "data" / "tokenry.db")) as connection:
        # A foreign key that is checked at the end refuses the commit itself, as a full disk may.
        connection.execute("CREATE TABLE late (id REFERENCES absent (id) DEFERRABLE INITIALLY DEFERRED)")
        connection.execute("CREATE TABLE absent (id PRIMARY KEY)")
        connection.execute("CREATE TRIGGER t AFTER INSERT ON tokens BEGIN INSERT INTO late VALUES (1); END")
    done = serve_once(tmp_path / "data", *(["--bootstrap-token-file", str(file)] if named else []))
    assert done.returncode != 0
    assert "FOREIGN KEY constraint failed" in done.stderr
    assert not file.exists()


def test_request_that_would_end_before_its_wait_for_the_database_is_refused(tmp_path: Path) -> None:
    done = tokenry("serve", "--data-dir", str(tmp_path / "data"), variables={"TOKENRY_DATABASE_TIMEOUT": "10"})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "less than TOKENRY_REQUEST_TIMEOUT (7 seconds)" in done.stderr
    assert not (tmp_path / "data").exists()


def test_first_token_that_cannot_be_shown_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal goes away as the token is shown."""

    def refuse(_: Secret) -> None:
        raise OutputError(errno.EIO)

    settings = Settings(data_dir=tmp_path / "data")
    prepare(settings)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with closing(open_installation(settings).database) as database:
        with pytest.raises(OutputError):
            begin(open_installation(settings), FirstTokenPlace(settings, refuse).deliver)
        with database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM accounts")).scalar_one() == 0


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("closed", [False, True])
def test_service_serves_whether_or_not_it_can_say_so(tmp_path: Path, *, closed: bool) -> None:
    port = free_port()
    words = [TOKENRY, "serve", "--port", str(port), "--data-dir", str(tmp_path / "data")]
    with Path("/dev/full").open("wb") as full, Path(os.devnull).open("r+b") as nothing:
        streams = (None, None, None) if closed else (nothing.fileno(), full.fileno(), nothing.fileno())
        process = start_fork(words, streams, environment())
        try:
            wait_until(lambda: listens(port), START_SECONDS_MAX)
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
                assert client.get("/healthz").status_code == 200
                bearer = {"Authorization": f"Bearer {(tmp_path / 'data' / 'first-token').read_text().strip()}"}
                assert client.get("/verify", headers=bearer).status_code == 200
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(START_SECONDS_MAX) == 0


def test_variables_set_it_up(tmp_path: Path) -> None:
    variables = {
        "TOKENRY_DATABASE_URL": f"sqlite:///{tmp_path}/elsewhere.db",
        "TOKENRY_WORKERS": "2",
        "TOKENRY_HOST": "127.0.0.2",
    }
    with serving(tmp_path / "data", variables=variables) as server:
        assert server.url.startswith("http://127.0.0.2:")
        assert (tmp_path / "elsewhere.db").exists()
        assert verify(server, server.token) == 200


def test_flags_win_over_variables(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--host", "127.0.0.1", variables={"TOKENRY_HOST": "127.0.0.2"}) as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_unknown_variable_is_pointed_out(tmp_path: Path) -> None:
    done = tokenry("migrate", "--data-dir", str(tmp_path / "data"), variables={"TOKENRY_DATADIR": "x"})
    assert done.returncode == 0
    assert "TOKENRY_DATADIR is not a setting" in done.stderr


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_orderly_stop_is_exit_status_0(tmp_path: Path, number: str, workers: str) -> None:
    with serving(tmp_path / "data", "--workers", workers) as server:
        assert verify(server, server.token) == 200
        subprocess.run(["kill", f"-{number}", str(server.process.pid)], check=True)
        assert server.process.wait(20) == 0


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.long
def test_service_does_not_outlive_the_make_that_runs_it(tmp_path: Path) -> None:
    if shutil.which("setpriv") is None:
        missing("setpriv (the Debian package util-linux)")
    port = free_port()
    variables = {"TOKENRY_PORT": str(port), "TOKENRY_DATA_DIR": str(tmp_path / "data"), "TOKENRY_WORKERS": "2"}
    make = subprocess.Popen(
        ["make", "serve"], cwd=REPOSITORY, env=environment(**variables), stdout=subprocess.PIPE, text=True
    )
    assert make.stdout is not None
    with make.stdout:
        assert any(line.startswith("Ready.") for line in make.stdout)
        make.kill()
        make.wait()
        wait_until(lambda: not is_taken(port), STOP_SECONDS_MAX, "the service stayed behind")


# --- starts that cannot be: one line, exit status 1, nothing damaged --------------------------------------------------


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("tokenry: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def serve_once(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return tokenry("serve", "--port", "0", "--data-dir", str(data_dir), *arguments)


@pytest.fixture
def set_up(tmp_path: Path) -> Path:
    """A data directory that was set up."""
    assert tokenry("migrate", "--data-dir", str(tmp_path / "data")).returncode == 0
    return tmp_path / "data"


def snapshot(data_dir: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in data_dir.iterdir() if not path.name.endswith(("-shm", "-wal"))}


def test_taken_port_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = tokenry("serve", "--port", port, "--data-dir", str(tmp_path / "data"))
    assert_refused(done, f"127.0.0.1:{port}", "already in use", "TOKENRY_PORT")
    assert not (tmp_path / "data").exists()


def test_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    assert_refused(serve_once(tmp_path / "data", "--host", "192.0.2.1"), "TOKENRY_HOST")


def test_data_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_refused(serve_once(tmp_path / "file" / "data"), "cannot be made", "TOKENRY_DATA_DIR")


def test_data_directory_that_is_not_writable_is_refused(set_up: Path) -> None:
    set_up.chmod(0o500)
    command = [sys.executable, "-m", "tokenry", "serve", "--port", "0", "--data-dir", str(set_up)]
    if os.geteuid() == 0:  # root writes everywhere, unless it gives that right up
        assert shutil.which("setpriv"), "setpriv, of util-linux, is needed to test as root"
        command = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override", *command]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert_refused(done, "not writable", "TOKENRY_DATA_DIR")


def test_newer_database_is_refused_and_left_alone(set_up: Path) -> None:
    with closing(sqlite3.connect(set_up / "tokenry.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = snapshot(set_up)
    assert_refused(serve_once(set_up), "newer tokenry", "9999")
    assert snapshot(set_up) == before


def test_missing_pepper_is_refused_and_not_replaced(set_up: Path) -> None:
    (set_up / "pepper.key").unlink()
    before = snapshot(set_up)
    assert_refused(serve_once(set_up), "pepper.key", "restore it from a backup")
    assert snapshot(set_up) == before


def test_pepper_of_another_database_is_refused(set_up: Path, tmp_path: Path) -> None:
    assert tokenry("migrate", "--data-dir", str(tmp_path / "other")).returncode == 0
    shutil.copy(tmp_path / "other" / "pepper.key", set_up / "pepper.key")
    assert_refused(serve_once(set_up), "pepper.key", "does not belong")


def test_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    (data_dir / "tokenry.db").write_text("somebody's notes, long enough to be read as a header\n" * 4)
    before = snapshot(data_dir)
    assert_refused(serve_once(data_dir), "tokenry.db", "cannot be used")
    assert snapshot(data_dir)["tokenry.db"] == before["tokenry.db"]


def test_database_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = serve_once(tmp_path / "data", "--database-url", "postgresql://nobody@127.0.0.1:1/nothing")
    assert_refused(done, "cannot be used", "127.0.0.1")


def test_password_of_the_database_is_not_shown(tmp_path: Path) -> None:
    url = "postgresql://nobody:sesame@127.0.0.1:1/nothing"
    done = tokenry("serve", "--port", "0", "--data-dir", str(tmp_path / "d"), variables={"TOKENRY_DATABASE_URL": url})
    assert_refused(done, "cannot be used")
    assert "sesame" not in done.stderr


def test_wrong_scopes_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "scopes.toml"
    file.write_text('[widgets]\nlevels = ["admin"]\n')
    assert_refused(serve_once(tmp_path / "data", "--scopes-file", str(file)), str(file), "[widgets]")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_stop_that_comes_before_it_serves_is_an_orderly_one(tmp_path: Path, workers: str) -> None:
    server = start_server(tmp_path / "data", "--workers", workers, until=LISTENING)
    with server.output:
        assert server.stop() == 0  # the application is still being loaded


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_is_ready_when_it_answers(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path / "data", "--workers", workers) as server:
        assert "Application startup complete" in server.log
        assert server.printed.endswith("\nReady. Ctrl-C stops it.\n")


def test_directory_that_others_can_lock_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data").chmod(0o755)
    with serving(tmp_path / "data") as server:
        assert server.log.count(f"{tmp_path}/data can be read by others (mode 0755)") == 1
