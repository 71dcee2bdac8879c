"""Deciding in this process, beside a service on the same database."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import URL, create_engine, text

from tests.api.managing import at, backend_of
from tests.conftest import App, Clock, make_app
from tests.issuing import NewToken
from tests.making import crash
from tests.middleware.conftest import revoke, token_id
from tests.servers import Server, tokenry
from tests.serving.parts import no_app
from tests.verification.dpop_making import Prover, bound_token
from tokenry.domain.errors import SetupError
from tokenry.domain.secrets import Secret
from tokenry.middleware import Answer, Identity, Metadata, Needs, Question, Refused, asgi, wsgi
from tokenry.middleware.answers import UNAVAILABLE
from tokenry.middleware.fastapi import Requirer
from tokenry.middleware.local import LocalVerifier
from tokenry.storage.credentials import Credential
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.epoch import Epoch
from tokenry.verification.sqlite import SqliteCredentials

ANY = Needs()
SECONDS_MAX = 20
POLL_SECONDS = 0.05


def question(token: str, needs: Needs = ANY, method: str = "GET") -> Question:
    return Question(needs, method, f"Bearer {token}", "127.0.0.1", "pytest")


@pytest.fixture
def local_on_each_engine(app_on_each_engine: App) -> Iterator[LocalVerifier]:
    settings = app_on_each_engine.settings
    verifier = LocalVerifier(settings.data_dir, database_url=settings.database_url, timeout=SECONDS_MAX)
    yield verifier
    verifier.close()


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[[LocalVerifier, Question], Answer]:
    """Both ways to ask; each question in an event loop of its own."""
    if request.param == "sync":
        return LocalVerifier.verify
    return lambda verifier, asked: asyncio.run(verifier.verify_async(asked))


def test_cost_is_refused_where_nothing_is_counted_and_at_the_start_if_it_is_known_then(
    app_on_each_engine: App, local_on_each_engine: LocalVerifier, ask: Callable[[LocalVerifier, Question], Answer]
) -> None:
    assert ask(local_on_each_engine, question(app_on_each_engine.token, Needs(cost=1))) == UNAVAILABLE
    for begin in (
        lambda: asgi.TokenMiddleware(no_app, local_on_each_engine, Needs(cost=1)),
        lambda: wsgi.TokenMiddleware(no_app, local_on_each_engine, Needs(cost=1)),  # type: ignore[arg-type]
        lambda: Requirer(local_on_each_engine)(cost=1),
        lambda: Requirer(local_on_each_engine).optional(cost=1),
    ):
        with pytest.raises(ValueError, match="LocalVerifier counts no requests: leave out the cost"):
            begin()


def test_decides_like_the_service(
    app_on_each_engine: App, local_on_each_engine: LocalVerifier, ask: Callable[[LocalVerifier, Question], Answer]
) -> None:
    client, bearer = app_on_each_engine.client, app_on_each_engine.bearer
    made = client.post("/v4/profile/tokens", headers=bearer, json={"scopes": "linodes:read_only"}).json()
    reading, writing = Needs(resource="linodes"), Needs("linodes:read_write")
    for _ in range(2):  # not known yet, then known
        answer = ask(local_on_each_engine, question(made["token"], reading))
        assert answer == Identity("admin", 1, 1, made["id"], "linodes:read_only", None, metadata=Metadata())
        refused = ask(local_on_each_engine, question(made["token"], writing))
        said = client.get("/verify?scope=linodes:read_write", headers={"Authorization": f"Bearer {made['token']}"})
        assert refused == Refused(403, said.content, said.headers["www-authenticate"])
    client.delete(f"/v4/profile/tokens/{made['id']}", headers=bearer).raise_for_status()
    refused = ask(local_on_each_engine, question(made["token"], reading))
    assert isinstance(refused, Refused)
    assert refused.status == 401


def test_metadata_is_told_as_it_is_at_that_moment(
    app_on_each_engine: App, local_on_each_engine: LocalVerifier, ask: Callable[[LocalVerifier, Question], Answer]
) -> None:
    app, backend = app_on_each_engine, backend_of(app_on_each_engine)
    made = app.client.post(
        f"{at('a')}/tokens", headers=backend, json={"create_user": True, "metadata": {"t": 1}}
    ).json()

    def told() -> object:
        answer = ask(local_on_each_engine, question(made["token"], ANY))
        assert isinstance(answer, Identity)
        assert answer.metadata is not None
        return answer.metadata.user, answer.metadata.token

    assert told() == told() == ({}, {"t": 1})
    app.client.patch(at("a"), headers=backend, json={"metadata": {"plan": "pro"}})
    assert told() == told() == ({"plan": "pro"}, {"t": 1})
    app.client.put(f"{at('a')}/tokens/{made['id']}/details", headers=backend, json={"metadata": {"t": 2}})
    assert told() == ({"plan": "pro"}, {"t": 2})


def test_proof_counts_once_here_and_at_the_service(
    tmp_path: Path, migrated_url: str | None, ask: Callable[[LocalVerifier, Question], Answer]
) -> None:
    origin, prover = "https://api.example", Prover()
    app = make_app(tmp_path / "data", Clock(time.time()), migrated_url)
    verifier = LocalVerifier(tmp_path / "data", database_url=migrated_url, timeout=SECONDS_MAX, origin=origin)
    with app.client:
        token = bound_token(app, prover.jkt)

        def prove(address: str) -> str:
            return prover.prove("PUT", address, token, iat=int(time.time()))

        def refused(proof: str | None, target: str = "/a?b") -> bool:
            answer = ask(verifier, Question(ANY, "PUT", f"DPoP {token}", target=target, proof=proof))
            return isinstance(answer, Refused) and (answer.challenge or "").endswith('error="invalid_dpop_proof"')

        proof = prove(f"{origin}/a")
        assert isinstance(ask(verifier, Question(ANY, "PUT", f"DPoP {token}", target="/a?b", proof=proof)), Identity)
        headers = {"Authorization": f"DPoP {token}", "X-Original-Method": "PUT", "X-Original-URI": "/a"}
        path = f"/verify/auth-request?origin={origin}"
        assert app.client.get(path, headers={**headers, "DPoP": proof}).status_code == 401
        assert app.client.get(path, headers={**headers, "DPoP": (other := prove(f"{origin}/a"))}).status_code == 200
        assert all(map(refused, (proof, other, None, "x", prove(f"{origin}/b"), prove("https://other.example/a"))))
        assert refused(prove(f"{origin}/a"), "/b")
    verifier.close()


def test_database_that_does_not_answer_is_no(
    tmp_path: Path, clock: Clock, new_postgres_database: URL, ask: Callable[[LocalVerifier, Question], Answer]
) -> None:
    """The table is locked: the database is there, and silent."""
    url = new_postgres_database.render_as_string(hide_password=False)
    app = make_app(tmp_path / "data", clock, url)
    with app.client:
        token = app.token
    verifier = LocalVerifier(tmp_path / "data", database_url=url, timeout=0.5)
    engine = create_engine(new_postgres_database.set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE credentials IN ACCESS EXCLUSIVE MODE"))
        assert ask(verifier, question(token)) == UNAVAILABLE
    engine.dispose()
    assert isinstance(ask(verifier, question(token)), Identity)
    verifier.close()


def test_no_answer_outlives_a_revocation_whoever_asks(
    local: LocalVerifier, new_token: NewToken, api: httpx2.Client
) -> None:
    """Four threads and an event loop ask without pause; a question asked after the DELETE was answered gets a no."""
    tokens = [new_token() for _ in range(10)]
    revoked: list[str] = []
    ended = threading.Event()

    def ask_on() -> int:
        asked = 0
        while not ended.is_set():
            for token in tokens:
                gone = token in revoked
                accepted = isinstance(local.verify(question(token)), Identity)
                assert not (gone and accepted)
                asked += 1
        return asked

    async def ask_on_a_loop() -> None:
        while not ended.is_set():
            for token in tokens:
                gone = token in revoked
                assert not (isinstance(await local.verify_async(question(token)), Identity) and gone)
            await asyncio.sleep(0)

    with ThreadPoolExecutor(5) as pool:
        asking = [pool.submit(ask_on) for _ in range(4)] + [pool.submit(asyncio.run, ask_on_a_loop())]
        try:
            for token in tokens:
                revoke(api, token)
                revoked.append(token)
        finally:
            ended.set()
        assert all(future.result() != 0 for future in asking)
    assert not any(isinstance(local.verify(question(token)), Identity) for token in tokens)


def last_agent(api: httpx2.Client, token: str) -> str | None:
    found: str | None = api.get(f"/profile/tokens/{token_id(api, token)}/details").json()["last_used_agent"]
    return found


def test_uses_are_written_down(service: Server, new_token: NewToken, api: httpx2.Client) -> None:
    token = new_token()
    verifier = LocalVerifier(service.data_dir)
    assert isinstance(verifier.verify(question(token)), Identity)
    verifier.close()
    assert last_agent(api, token) == "pytest"


def test_question_after_closing_opens_again(local: LocalVerifier, service: Server) -> None:
    local.close()
    local.close()
    assert isinstance(local.verify(question(service.token)), Identity)
    asyncio.run(local.close_async())
    assert isinstance(asyncio.run(local.verify_async(question(service.token))), Identity)


SCRIPT = """
import os, sys
from tokenry.middleware import Needs, Question
from tokenry.middleware.local import LocalVerifier
from tokenry.storage.epoch import Epoch
from tokenry.verification.sqlite import SqliteCredentials

verifier = LocalVerifier(sys.argv[1])
asked = Question(Needs(), "GET", "Bearer " + sys.argv[2], None, sys.argv[3])
if sys.argv[3] == "forked":
    verifier.verify(Question(Needs(), "GET", "Bearer " + sys.argv[2]))  # the parent has all of it open
    child = os.fork()
    if child:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(verifier.verify(asked).user)
"""


@pytest.mark.parametrize("agent", ["plain", "forked"])
def test_uses_are_written_down_at_the_end_of_the_process(
    service: Server, new_token: NewToken, api: httpx2.Client, agent: str
) -> None:
    """Also in a child of a process that had opened everything: it has a thread of its own."""
    token = new_token()
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(service.data_dir), token, agent]
    run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "admin\n", "")
    deadline = time.monotonic() + SECONDS_MAX
    while last_agent(api, token) != agent:
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"database_url": 5}, "database_url has to be sqlite:///path/to/file or postgresql://user@host/name."),
        ({"data_dir": ""}, "data_dir has to be a path."),
    ],
)
def test_argument_that_it_cannot_have_is_named(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SetupError) as refusal:
        LocalVerifier(**given)
    assert str(refusal.value) == told


def test_installation_that_is_none_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="tokenry migrate"):
        LocalVerifier(tmp_path)


def test_policy_that_the_catalogue_does_not_have_is_told_in_the_log(
    local: LocalVerifier, service: Server, caplog: pytest.LogCaptureFixture
) -> None:
    assert local.verify(question(service.token, Needs("linode:read_only"))) == UNAVAILABLE
    assert "Invalid scope: linode:read_only" in caplog.text


def test_change_whose_process_died_is_ended(local: LocalVerifier, service: Server) -> None:
    """The service itself would end it too; here it is held still meanwhile."""
    epoch = Epoch(service.data_dir / "tokenry.db-epoch", TIMEOUT_SECONDS)
    service.process.send_signal(signal.SIGSTOP)
    try:
        crash(epoch.path)
        deadline = time.monotonic() + SECONDS_MAX
        while epoch.changed.word[0] & 1:
            assert isinstance(local.verify(question(service.token)), Identity)
            assert time.monotonic() < deadline
            time.sleep(POLL_SECONDS)
    finally:
        service.process.send_signal(signal.SIGCONT)
    epoch.close()


def test_question_near_the_recursion_limit_neither_hangs_nor_is_a_yes(tmp_path: Path) -> None:
    """Though the epoch file was cut short, which takes frames to get over. In a process of its own, which may hang."""
    assert tokenry("migrate", "--data-dir", str(tmp_path)).returncode == 0
    script = """
import logging, os, sys
from pathlib import Path
from typing import Any
import structlog
from tokenry.middleware import Identity, Needs, Question
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
from tokenry.middleware.local import LocalVerifier
verifier = LocalVerifier(sys.argv[1])
asked = Question(Needs(), "GET", "Bearer pat_" + 50 * "0", "127.0.0.1", "pytest")
assert not isinstance(verifier.verify(asked), Identity)
def descend(left):
    return descend(left - 1) if left else verifier.verify(asked)
sys.setrecursionlimit(400)
refused = 0
os.truncate(Path(sys.argv[1], "tokenry.db-epoch"), 0)
for left in range(396, 320, -1):
    try:
        assert not isinstance(descend(left), Identity)
    except RecursionError:
        refused += 1
assert refused
verifier.close()
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    assert subprocess.run(command, check=False, timeout=SECONDS_MAX).returncode == 0


def knows_all(verifier: LocalVerifier) -> bool:
    keeper = verifier._keeper
    return (
        keeper is not None and keeper.verification.screen is not None and keeper.verification.screen._filter is not None
    )


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not true():
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)


def count_look_ups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    looked_up: list[str] = []
    find = SqliteCredentials.find_now

    def find_now(credentials: SqliteCredentials, preview: str) -> Credential | None:
        looked_up.append(preview)
        return find(credentials, preview)

    monkeypatch.setattr(SqliteCredentials, "find_now", find_now)
    return looked_up


def test_most_tokens_that_nobody_made_are_not_looked_up(local: LocalVerifier, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_until(lambda: knows_all(local))
    looked_up = count_look_ups(monkeypatch)
    answers = [local.verify(question(Secret.generate().reveal())) for _ in range(200)]
    assert all(isinstance(answer, Refused) and answer.status == 401 for answer in answers)
    assert len(looked_up) < len(answers) / 4


def test_token_is_known_from_its_creation_on_while_all_are_listed_again_and_again(
    local: LocalVerifier, new_token: NewToken
) -> None:
    """Four threads ask meanwhile for what was never made, and the listing begins anew all the time."""
    wait_until(lambda: knows_all(local))
    ended = threading.Event()

    def ask_on() -> None:
        while not ended.is_set():
            assert isinstance(local.verify(question(Secret.generate().reveal())), Refused)

    def list_on() -> None:
        keeper = local._keeper
        assert keeper is not None
        while not ended.is_set():
            screen = keeper.verification.screen
            assert screen is not None
            asyncio.run_coroutine_threadsafe(screen._fill(local._lock), keeper.loop).result(SECONDS_MAX)

    with ThreadPoolExecutor(5) as pool:
        under_way = [pool.submit(ask_on) for _ in range(4)] + [pool.submit(list_on)]
        try:
            assert all(isinstance(local.verify(question(new_token())), Identity) for _ in range(20))
        finally:
            ended.set()
        for each in under_way:
            each.result()
