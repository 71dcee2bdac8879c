"""Listening at a unix socket: whose it is, who gets in, what becomes of the file, and from where its requests are."""

import asyncio
import fcntl
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import httpx2
import pytest
import uvicorn
from uvicorn.server import ServerState

from tests.servers import START_SECONDS_MAX, STOP_SECONDS_MAX, Server, serving, start_server, tokenry, wait_until
from tests.serving.parts import Wire, no_app
from tests.workers import runs, serving_processes
from tokenry.domain.errors import SetupError
from tokenry.middleware import Identity, Needs, Question, Refused
from tokenry.middleware.answers import UNAVAILABLE
from tokenry.middleware.remote import RemoteVerifier
from tokenry.operator.doctor import _socket
from tokenry.serving import unix_socket
from tokenry.serving.protocol import BoundedProtocol
from tokenry.serving.unix_socket import find_exposure, find_group, lies_in_directory, unix_listener

NOBODY = 65534


def listening(path: Path, mode: int = 0o660, group: str | None = None) -> AbstractContextManager[socket.socket]:
    return unix_listener(path, mode=mode, group=group, backlog=8)


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(str(path))
    except BaseException:
        client.close()
        raise
    return client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokenry.sock"


@pytest.fixture
def leftover(path: Path) -> Path:
    """What a process leaves that was killed."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    return path


# --- the file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666, 0o222])
@pytest.mark.parametrize("umask", [0, 0o077])
def test_socket_is_made_with_its_mode_whatever_the_umask(path: Path, mode: int, umask: int) -> None:
    os.umask(umask)
    with listening(path, mode):
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert os.umask(umask) == umask


def test_nobody_gets_a_connection_before_the_socket_has_its_group(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look(given: Path, user: int, group: int, *, follow_symlinks: bool) -> None:
        asked.append((given, user, group, follow_symlinks, stat.S_IMODE(path.stat().st_mode)))
        with pytest.raises(ConnectionRefusedError):
            connect(path)

    monkeypatch.setattr(os, "chown", look)
    with listening(path, group="12"):
        connect(path).close()
    assert asked == [(path, -1, 12, False, 0o660)]


def test_group_is_found_by_name_or_number() -> None:
    assert (find_group("root"), find_group("0"), find_group("4294967294"), find_group(None)) == (0, 0, 4294967294, None)


@pytest.mark.parametrize("group", ["no-such-group", "", "-1", "٣"])
def test_unknown_group_is_refused_before_anything_is_made(path: Path, group: str) -> None:
    with pytest.raises(SetupError, match=rf"no group {group} .*TOKENRY_UDS_GROUP"), listening(path, group=group):
        pass
    assert not path.exists()


@pytest.mark.parametrize("group", ["0", "99999999999999999999"])
def test_group_that_it_may_not_be_given_to_is_refused_and_nothing_is_left(tmp_path: Path, group: str) -> None:
    directory = tmp_path / "theirs"
    directory.mkdir()
    path = Path(os.path.relpath(directory / "s"))  # whoever is nobody cannot walk to it from the root
    os.chdir(directory)
    if os.geteuid() == 0:
        os.chown(".", NOBODY, NOBODY)
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    try:
        with (
            pytest.raises(SetupError, match="make the user that runs this a member"),
            listening(Path("s"), group=group),
        ):
            pass
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
            os.setegid(0)
    assert not path.exists()
    assert list(directory.iterdir()) == []


def test_socket_of_a_dead_process_is_replaced(leftover: Path) -> None:
    with listening(leftover):
        connect(leftover).close()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
@pytest.mark.parametrize("queue", ["empty", "full"])
def test_socket_of_another_that_lives_is_left_alone(path: Path, kind: socket.SocketKind, queue: str) -> None:
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.bind(str(path))
        if kind != socket.SOCK_DGRAM:
            other.listen(0)
        waiting = connect(path) if queue == "full" and kind == socket.SOCK_STREAM else None
        with pytest.raises(SetupError, match=f"{path} is already in use"), listening(path):
            pass
        assert path.is_socket()
        if waiting is not None:
            waiting.close()


@pytest.mark.parametrize("what", ["file", "directory", "link to a socket", "pipe"])
def test_what_is_no_socket_is_left_alone(tmp_path: Path, path: Path, what: str) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead"))
    makers: dict[str, Callable[[], object]] = {
        "file": lambda: path.write_text("precious"),
        "directory": path.mkdir,
        "link to a socket": lambda: path.symlink_to(tmp_path / "dead"),
        "pipe": lambda: os.mkfifo(path),
    }
    makers[what]()
    before = path.lstat()
    with pytest.raises(SetupError, match="is no socket"), listening(path):
        pass
    assert path.lstat() == before
    assert (tmp_path / "dead").is_socket()


@pytest.mark.parametrize("place", ["missing/s", "file/s", "s" * 200, ""])
def test_path_that_cannot_be_made_is_told_in_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match=r"--uds or TOKENRY_UDS") as refusal, listening(tmp_path / place):
        pass
    assert "\n" not in str(refusal.value)


def test_file_is_removed_at_the_end(path: Path) -> None:
    with listening(path):
        pass
    assert not path.exists()


def test_file_of_whoever_has_the_path_by_the_end_stays(path: Path) -> None:
    with listening(path):
        path.unlink()
        other = socket.socket(socket.AF_UNIX)
        other.bind(str(path))
        other.listen()
    connect(path).close()
    other.close()
    path.unlink()
    with listening(path):
        path.unlink()
        path.write_text("precious")
    assert path.read_text() == "precious"


def test_two_do_not_take_a_path_at_once(leftover: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_socket, "LOCK_SECONDS_MAX", 0)
    directory = os.open(leftover.parent, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    with pytest.raises(SetupError, match=f"cannot be made.* lock .*chmod 711 {leftover.parent}"), listening(leftover):
        pass
    os.close(directory)
    assert leftover.is_socket()


@pytest.mark.parametrize(("mode", "said"), [(0o755, False), (0o775, True), (0o757, True), (0o1777, True)])
def test_directory_in_which_others_can_put_a_socket_is_pointed_out(path: Path, mode: int, said: bool) -> None:  # noqa: FBT001
    path.parent.chmod(mode)
    assert (find_exposure(path) is not None) is said
    assert list(_socket(path)) == [find_exposure(path)] * said, "the doctor says so too"


@pytest.mark.parametrize(
    ("mode", "remedy"),
    [(0o775, "chmod 755 {}"), (0o1777, "use a directory of tokenry's own user")],
)
def test_directory_that_is_for_all_is_not_to_be_closed(path: Path, mode: int, remedy: str) -> None:
    path.parent.chmod(mode)
    assert (find_exposure(path) or "").endswith(f"be given every token: {remedy.format(path.parent)}")


@pytest.mark.parametrize("where", ["", "link"])
@pytest.mark.parametrize(("mode", "said"), [(0o755, False), (0o777, True), (0o1777, False)])
def test_directory_above_in_which_others_can_put_another_is_pointed_out(
    tmp_path: Path,
    where: str,
    mode: int,
    said: bool,  # noqa: FBT001
) -> None:
    above = tmp_path / "above"
    (above / "own").mkdir(parents=True)
    (tmp_path / "link").symlink_to(above / "own")
    above.chmod(mode)
    path = (tmp_path / "link" if where else above / "own") / "s"
    assert (find_exposure(path) or "").startswith(f"{above} can be written by others") is said


def test_directory_of_another_user_is_pointed_out(path: Path) -> None:
    assert find_exposure(path) is None
    other = os.geteuid() + 1
    if os.geteuid() == 0:
        os.chown(path.parent, NOBODY, -1)
        other = NOBODY
        assert "belongs to another user" in (find_exposure(path) or "")
        assert find_exposure(path, NOBODY) is None, "as root, which looks after it"
    else:
        assert "belongs to another user" in (find_exposure(path, other) or "")


def test_no_directory_is_nothing_to_point_out(path: Path) -> None:
    assert find_exposure(path / "missing" / "s") is None


def test_missing_directory_is_named_with_the_remedy(path: Path) -> None:
    missing = path.parent / "missing"
    with pytest.raises(SetupError, match=f"No such file.* make the directory {missing}, or set --uds"):
        listening(missing / "s").__enter__()
    assert (lies_in_directory(path), lies_in_directory(missing / "s")) == (True, False)


# --- the service ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that listens at `tokenry.sock` and believes whoever comes there."""
    directory = tmp_path_factory.mktemp("uds")
    arguments = (
        "--uds",
        str(directory / "tokenry.sock"),
        "--uds-mode",
        "600",
        "--trusted-proxies",
        "unix:,192.0.2.0/24",
    )
    with serving(directory / "data", *arguments) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    """Whoever comes by the socket."""
    with by_socket(server.data_dir.with_name("tokenry.sock"), server.token) as client:
        yield client


def by_socket(path: Path, token: str = "") -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client = httpx2.Client(transport=httpx2.HTTPTransport(uds=str(path)), base_url="http://tokenry", headers=headers)
    del client.headers["Connection"]
    return client


FORWARDED = "X-Forwarded-For"
WAYS: list[dict[str, str]] = [{}, {"Connection": "keep-alive"}]
"""Headers of a question that goes the fast way, and of one that goes the ordinary way."""


def test_start_says_where_it_listens_and_both_ways_lead_to_it(server: Server, client: httpx2.Client) -> None:
    path = server.data_dir.with_name("tokenry.sock")
    assert f"UDS:   {path}\n" in server.printed
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert client.get("/readyz").json() == httpx2.get(f"{server.url}/readyz").json() == {"status": "ready"}
    assert client.get("/v4/profile/tokens").status_code == 200


@pytest.mark.parametrize("way", WAYS, ids=["fast", "ordinary"])
@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("203.0.113.7", 200),
        ("198.51.100.1", 401),
        (None, 401),
        ("", 401),
        ("unix:", 401),
        ("203.0.113.7, 198.51.100.1", 401),
        ("198.51.100.1, 203.0.113.7", 200),
        ("203.0.113.7, 192.0.2.5", 200),
        ("203.0.113.7, unix:", 200),
    ],
)
def test_token_bound_to_networks_is_held_against_whom_the_gateway_names(
    server: Server, client: httpx2.Client, way: dict[str, str], forwarded: str | None, status: int
) -> None:
    headers = way | {"Authorization": f"Bearer {bind(client, '203.0.113.0/24')}"}
    headers |= {} if forwarded is None else {FORWARDED: forwarded}
    assert client.get("/verify", headers=headers).status_code == status
    headers[FORWARDED] = "203.0.113.7"
    assert httpx2.get(f"{server.url}/verify", headers=headers).status_code == 401, "at the port it is not believed"


def bind(client: httpx2.Client, network: str) -> str:
    token = client.post("/v4/profile/tokens", json={}).json()
    client.put(f"/v4/profile/tokens/{token['id']}/details", json={"networks": [network]})
    text: str = token["token"]
    return text


def test_last_use_tells_whom_the_gateway_names_or_that_it_was_by_the_socket(client: httpx2.Client) -> None:
    expected = {}
    for way, forwarded in product(WAYS, ("203.0.113.7", None)):
        token = client.post("/v4/profile/tokens", json={}).json()
        headers = way | {"Authorization": f"Bearer {token['token']}"}
        headers |= {} if forwarded is None else {FORWARDED: forwarded}
        assert client.get("/verify", headers=headers).status_code == 200
        expected[f"/v4/profile/tokens/{token['id']}/details"] = forwarded or "unix:"
    for path, address in expected.items():
        wait_until(lambda: client.get(path).json()["last_used_address"] == address, 10)  # noqa: B023 - called at once


def test_limits_count_whom_the_gateway_names(tmp_path: Path) -> None:
    variables = {"TOKENRY_RATE_LIMIT_FAILURES": "1", "TOKENRY_TRUSTED_PROXIES": "unix:"}
    path = tmp_path / "tokenry.sock"
    with serving(tmp_path / "data", "--uds", str(path), variables=variables), by_socket(path) as client:

        def fail(address: str) -> int:
            headers = {FORWARDED: address, "Authorization": "Bearer x"}
            return client.get("/v4/profile", headers=headers).status_code

        assert [fail(f"203.0.113.{number}") for number in (1, 1, 2, 2)] == [401, 429, 401, 429]


def test_nobody_is_believed_by_the_socket_unless_that_is_set(tmp_path: Path) -> None:
    path = tmp_path / "tokenry.sock"
    with serving(tmp_path / "data", "--uds", str(path)) as server, by_socket(path, server.token) as client:
        headers = {"Authorization": f"Bearer {bind(client, '203.0.113.0/24')}", FORWARDED: "203.0.113.7"}
        assert [client.get("/verify", headers=headers | way).status_code for way in WAYS] == [401, 401]


# httpcore leaves a socket that it could not connect to the collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_application_asks_by_the_socket_and_tells_of_its_client(server: Server, client: httpx2.Client) -> None:
    """And gets no answer, which is a no, where there is no socket any more."""
    path = server.data_dir.with_name("tokenry.sock")
    asked = Question(Needs(), "GET", f"Bearer {bind(client, '203.0.113.0/24')}", address="203.0.113.7")

    async def ask(verifier: RemoteVerifier, question: Question) -> Sequence[object]:
        answers = [verifier.verify(question), await verifier.verify_async(question)]
        await verifier.close_async()
        return answers

    for question, right in ((asked, Identity), (replace(asked, address="198.51.100.7"), Refused)):
        assert [type(answer) for answer in asyncio.run(ask(RemoteVerifier(f"unix:{path}", timeout=10), question))] == [
            right
        ] * 2
    gone = RemoteVerifier(f"unix:{path}.gone")
    assert asyncio.run(ask(gone, asked)) == [UNAVAILABLE] * 2


@pytest.mark.parametrize(("family", "client"), [(socket.AF_UNIX, ("unix:", 0)), (socket.AF_INET, None)])
def test_who_came_by_a_network_and_is_gone_is_not_taken_for_somebody_at_the_socket(
    family: socket.AddressFamily, client: tuple[str, int] | None
) -> None:
    """Then the system has no address of them either."""
    config = uvicorn.Config(lambda: no_app, factory=True, http=BoundedProtocol, ws="none", log_config=None)
    config.load()
    loop = asyncio.new_event_loop()
    with closing(loop), socket.socket(family) as unconnected:
        protocol = BoundedProtocol(config, ServerState(), {}, loop)
        protocol.connection_made(Wire({"socket": unconnected}))
        assert protocol.client == client
        protocol.connection_lost(None)


def test_socket_that_is_taken_or_cannot_be_is_one_line_at_the_start(server: Server, tmp_path: Path) -> None:
    path = server.data_dir.with_name("tokenry.sock")
    done = tokenry("serve", "--port", "0", "--data-dir", str(tmp_path / "data"), "--uds", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert f"{path} is already in use" in done.stderr
    assert not (tmp_path / "data").exists()


def test_workers_share_the_socket_and_one_that_is_replaced_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "tokenry.sock"
    variables = {"TOKENRY_UDS": str(path), "TOKENRY_BIND_WORKERS": "1", "TOKENRY_WORKERS": "2"}
    with serving(tmp_path / "data", variables=variables) as server:
        wait_until(lambda: len(serving_processes(server)) == 2, START_SECONDS_MAX)
        before = path.stat()
        for worker, how in zip(serving_processes(server), (signal.SIGTERM, signal.SIGKILL), strict=True):
            os.kill(worker, how)
            wait_until(lambda: not runs(worker), STOP_SECONDS_MAX)  # noqa: B023 - called at once
        wait_until(lambda: len(serving_processes(server)) == 2, START_SECONDS_MAX)
        assert path.stat() == before
        with by_socket(path, server.token) as client:
            assert client.get("/verify").status_code == 200
        assert server.stop() == 0
    assert not path.exists()


def test_start_after_a_kill_takes_the_socket_again_and_says_who_else_could(tmp_path: Path) -> None:
    path = tmp_path / "tokenry.sock"
    server = start_server(tmp_path / "data", "--uds", str(path))
    server.kill()
    server.output.close()
    assert path.is_socket()
    tmp_path.chmod(0o777)
    with serving(tmp_path / "data", "--uds", str(path)) as server, by_socket(path) as client:
        assert client.get("/healthz").status_code == 200
        assert f"chmod 755 {tmp_path}" in server.log, "others could have taken it meanwhile"
    assert not path.exists()
