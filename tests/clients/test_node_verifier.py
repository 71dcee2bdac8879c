"""examples/node: a file without dependencies that verifies tokens, in Express, Fastify, and where fetch is spoken."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.gateways.parts import HttpServer
from tests.issuing import NewToken, bearer
from tests.middleware.conftest import revoke
from tests.node import MODULES, NODE, need_modules
from tests.servers import STOP_SECONDS_MAX, Server, environment
from tokenry.domain.accounts import Actor
from tokenry.domain.identity import write_headers
from tokenry.domain.metadata import Metadata
from tokenry.domain.scopes import Scopes

EXAMPLES = Path(__file__).parents[2] / "examples" / "node"
APPS = [path.name for path in sorted(EXAMPLES.glob("*_app.mjs"))]
VARIANTS = """
import { createServer } from "node:http";
import { Verifier } from "./tokenry.mjs";
const verifier = new Verifier(process.env.VERIFIER, { timeout: 5000 });
const needs = { scopes: ["linodes:read_only"], optional: true, cost: 1 };
const handle = verifier.fetch(needs, (request, identity) => Response.json(identity));
const server = createServer(async (message, reply) => {
  const { method, headers } = message;
  const answer = await handle(new Request(`http://${headers.host}/`, { method, headers }));
  reply.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, where what npm installed is found."""
    need_modules()
    place = tmp_path_factory.mktemp("node")
    shutil.copytree(EXAMPLES, place, dirs_exist_ok=True)
    (place / "variants.mjs").write_text(VARIANTS)
    (place / "node_modules").symlink_to(MODULES)
    return place


def run(place: Path, program: str, verifier: str) -> Iterator[httpx2.Client]:
    log_file = place / f"{program}.log"
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [NODE, program],
            cwd=place,
            env=environment(VERIFIER=verifier, PORT="0"),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # node is a child of the program of that name
        )
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    assert port.isdigit(), log_file.read_text()
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=STOP_SECONDS_MAX)
    assert "pat_" not in log_file.read_text()


@pytest.fixture(scope="module", params=APPS)
def app(request: pytest.FixtureRequest, place: Path, service: Server) -> Iterator[httpx2.Client]:
    yield from run(place, request.param, service.url)


@pytest.fixture(scope="module")
def optional(place: Path, service: Server) -> Iterator[httpx2.Client]:
    yield from run(place, "variants.mjs", service.url)


@pytest.fixture(scope="module")
def unanswered(place: Path) -> Iterator[httpx2.Client]:
    """One whose verifier is not there."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield from run(place, "express_app.mjs", f"http://127.0.0.1:{nobody.getsockname()[1]}")


def test_callers_are_told_apart(app: httpx2.Client, new_token: NewToken, api: httpx2.Client) -> None:
    reading, writing = new_token(scopes="linodes:read_only"), new_token(scopes="linodes:read_write")
    assert app.get("/", headers=bearer(reading)).json() == {"hello": "admin"}
    assert app.post("/", headers=bearer(writing)).json() == {"hello": "admin"}
    lacking = app.post("/", headers=bearer(reading))
    assert lacking.status_code == 403
    assert 'scope="linodes:read_write"' in lacking.headers["www-authenticate"]
    for headers in ({}, bearer("pat_x"), {"Authorization": "Basic YTpi"}, {"X-Auth-User": "admin"}):
        refused = app.get("/", headers=headers)
        assert (refused.status_code, refused.headers["content-type"]) == (401, "application/json")
        assert refused.headers["www-authenticate"].startswith("Bearer ")
    revoke(api, reading)
    assert app.get("/", headers=bearer(reading)).status_code == 401


def test_doubled_header_is_refused(app: httpx2.Client, new_token: NewToken) -> None:
    token = new_token(scopes="linodes:read_only")
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert app.get("/", headers=headers).status_code in {400, 401}


def test_without_a_decision_the_answer_is_no(unanswered: httpx2.Client, new_token: NewToken) -> None:
    answer = unanswered.get("/", headers=bearer(new_token(scopes="linodes:read_only")))
    assert (answer.status_code, answer.json()) == (503, {"errors": [{"reason": "Service unavailable"}]})


def test_optional_token(optional: httpx2.Client, new_token: NewToken) -> None:
    assert optional.get("/").json() is None
    told = optional.get("/", headers=bearer(new_token(scopes="linodes:read_only"))).json()
    assert (told["user"], told["scopes"], told["clientId"]) == ("admin", ["linodes:read_only"], None)
    assert optional.get("/", headers=bearer(new_token(scopes="domains:read_only"))).status_code == 403
    assert optional.get("/", headers=bearer("x")).status_code == 401


def test_token_that_is_used_too_often_is_told_when_to_come_again(optional: httpx2.Client, new_token: NewToken) -> None:
    headers = bearer(new_token(scopes="linodes:read_only", requests_per_minute=1))
    answers = [optional.get("/", headers=headers) for _ in range(3)]  # which are in two minutes at most
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert (refused.status_code, refused.json()["errors"][0]["reason"]) == (429, "Too many requests")
    assert (refused.headers["x-ratelimit-limit"], refused.headers["x-ratelimit-remaining"]) == ("1", "0")
    assert 0 < int(refused.headers["retry-after"]) <= 60 < int(refused.headers["x-ratelimit-reset"])


@pytest.mark.parametrize("missing", [None, "Retry-After"])
def test_limit_that_nobody_told_of_is_no_answer_of_the_service(place: Path, missing: str | None) -> None:
    left = dict.fromkeys(("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"), "7")
    told = [(name, value) for name, value in left.items() if name != missing]
    answer = HttpServer(429, [*told, ("Content-Type", "application/json")], b'{"errors": [{"reason": "no"}]}')
    with answer.running() as server:
        for client in run(place, "variants.mjs", f"http://127.0.0.1:{server.port}"):
            assert client.get("/", headers=bearer("x")).status_code == (429 if missing is None else 503)


def test_metadata_is_read_as_it_was_written(place: Path) -> None:
    told = Metadata('{"name":"Zoë ÿ?~>"}', '{"n":1}')
    actor = Actor(7, Scopes.parse("linodes:read_only"), 1893505592, 3, "ada", 1, "x", "pat_x", metadata=told)
    headers = [(name.decode(), value.decode()) for name, value in write_headers(actor, metadata=True)]
    with HttpServer(200, headers, b"").running() as server:
        for client in run(place, "variants.mjs", f"http://127.0.0.1:{server.port}"):
            assert client.get("/", headers=bearer("x")).json()["metadata"] == told.json


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ('{ scopes: ["a b"] }', "a b can be no scope"),
        ('{ scopes: ["linodes:read_only@a/b"] }', "linodes:read_only@a/b can be no scope"),
        ('{ scope: ["linodes:read_only"] }', "scope can be no need"),  # and nothing would be needed
        ("{ resource: process.env.NOT_SET }", "resource is undefined"),
        ("{ cost: 1001 }", "cost is a whole number"),
        ('{ cost: "1" }', "cost is a whole number"),
        ('{ resource: "messages@team-7", scopes: ["messages:v2_send@team.7"] }', None),
    ],
)
def test_needs_that_cannot_be_are_told_at_the_start(place: Path, needs: str, told: str | None) -> None:
    program = f'import {{ Verifier }} from "./tokenry.mjs"; new Verifier("http://127.0.0.1:1").express({needs});'
    (place / "wrong.mjs").write_text(program)
    done = subprocess.run(
        [NODE, "wrong.mjs"], cwd=place, env=environment(), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == (0 if told is None else 1)
    assert told is None or f"TypeError: {told}" in done.stderr


def test_name_that_the_catalogue_lacks_is_told(place: Path, service: Server) -> None:
    program = """import { Verifier } from "./tokenry.mjs"; const verifier = new Verifier(process.env.VERIFIER);
    console.log((await verifier.verify({ scopes: ["moons:read_only"] }, { method: "GET" })).refusal.status);"""
    (place / "unknown.mjs").write_text(program)
    given = environment(VERIFIER=service.url)
    done = subprocess.run(
        [NODE, "unknown.mjs"], cwd=place, env=given, capture_output=True, text=True, timeout=30, check=True
    )
    assert (done.stdout, done.stderr.count("no such scope")) == ("503\n", 1)


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ('{ scopes: ["moons:read_only", "*"], resource: "linode" }', "The service has no moons:read_only, linode"),
        ('{ scopes: ["linodes:read_only@team-7"] }', "The service has no linodes:read_only@team-7"),
        ('{ scopes: ["linodes:read_only", "tokenry_users:read_only", "*"], resource: ["vpc", "linodes"] }', None),
    ],
)
@pytest.mark.parametrize(
    "given", ["verifier.express({needs}); await verifier.check();", "await verifier.check({needs});"]
)
def test_name_that_the_catalogue_lacks_is_told_at_the_start(
    place: Path, service: Server, given: str, needs: str, told: str | None
) -> None:
    done = check(place, service.url, given.replace("{needs}", needs))
    assert done.returncode == (0 if told is None else 1), done.stderr
    assert done.stderr == "" if told is None else f"TypeError: {told}\n" in done.stderr


def test_service_that_does_not_answer_keeps_nobody_from_starting(place: Path) -> None:
    done = check(place, "http://127.0.0.1:1", 'await verifier.check({ scopes: ["moons:read_only"] });')
    assert (done.returncode, "was not compared" in done.stderr) == (0, True)


def check(place: Path, verifier: str, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that has a verifier."""
    begun = 'import { Verifier } from "./tokenry.mjs"; const verifier = new Verifier(process.env.VERIFIER);'
    (place / "check.mjs").write_text(f"{begun}\n{program}")
    given = environment(VERIFIER=verifier)
    return subprocess.run(
        [NODE, "check.mjs"], cwd=place, env=given, capture_output=True, text=True, timeout=30, check=False
    )


def test_file_has_no_dependencies() -> None:
    assert "import " not in "".join(
        line for line in (EXAMPLES / "tokenry.mjs").read_text("utf-8").splitlines(keepends=True) if line[:2] != "//"
    )
