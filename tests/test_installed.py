"""The wheel as users install it, with each extra, in an environment and a folder that were empty: what it promises."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import URL

from tests.cli.parts import KEYRING
from tests.distribution import COMPILED, PACKAGE, REPOSITORY, Environment, brought_by, build, make_environment
from tests.docs.terminals import Terminal, is_shown, read_steps
from tests.servers import Redis, Server, serving
from tokenry.cli.front import COMMANDS, OPERATING

INSTALLED = "from importlib.metadata import distributions; print(*(one.name for one in distributions()))"
CLIENT = """
import asyncio
from tokenry.client import AsyncClient, Client
from tokenry.middleware import asgi, wsgi, remote

async def list_all():
    async with AsyncClient() as client:
        return [one.label async for one in client.tokens.list()]

with Client() as client:
    assert [one.label for one in client.tokens.list()] == asyncio.run(list_all()) == ["first token"]
"""
LOCAL = """
import os
from tokenry.middleware import Identity, Needs, Question
from tokenry.middleware.local import LocalVerifier

verifier = LocalVerifier("data", database_url=os.environ.get("TOKENRY_DATABASE_URL"), timeout=20)
answer = verifier.verify(Question(Needs("linodes:read_only"), "GET", "Bearer " + os.environ["TOKENRY_TOKEN"]))
assert isinstance(answer, Identity), answer
verifier.close()
"""
POSTGRES = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", REPOSITORY, tmp_path_factory.mktemp("wheel"))


def install(made: Environment, wheel: Path, *extras: str) -> None:
    """Install the wheel with these extras: the environment then holds what they are said to bring, and no more."""
    made.install(wheel, *extras)
    installed = {
        name.replace("_", "-").replace(".", "-").lower()
        for name in made.run(made.python, "-c", INSTALLED).stdout.split()
    }
    assert installed == brought_by(PACKAGE, *extras)


def succeeds(made: Environment, *command: str, **variables: str) -> str:
    done = made.run(*command, variables=variables)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def fails(made: Environment, *words: str, **variables: str) -> str:
    """Run a command of the command line that cannot be: one line, exit status 1."""
    done = made.run(made.tokenry, *words, variables=variables)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    return done.stderr


def follow_the_tutorial(made: Environment, server: Server) -> None:
    """Everything that the tutorial does with the command line."""
    page = (REPOSITORY / "docs/tutorial.md").read_text("utf-8").replace("http://127.0.0.1:8470", server.url)
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    steps = [step for block in blocks for step in read_steps(block) if "tokenry " in step.command]
    asked = [step for step in steps if step.command != "tokenry serve"]
    assert len(asked) > 5
    variables = {"PATH": f"{made.programs}:/usr/bin:/bin", "TOKENRY_URL": server.url, **COMPILED}
    with Terminal(made.home, server.token, variables) as terminal:
        for step in asked:
            status, printed = terminal.run(step.command)
            assert status == 0, printed
            assert not step.shown or is_shown(printed, step.shown), printed


@contextmanager
def served(made: Environment, **variables: str) -> Iterator[Server]:
    """A service that is run where it is installed; the operator's commands and a LocalVerifier work beside it."""
    data_dir, program = made.home / "data", (made.tokenry,)
    with serving(data_dir, variables={**COMPILED, **variables}, program=program, folder=made.home) as server:
        yield server
        assert httpx2.get(f"{server.url}/openapi.json").json()["openapi"] == "3.1.0"
        assert "<html" in httpx2.get(f"{server.url}/docs").text
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
        (data_dir / "first-token").unlink()  # as who follows the page does: its token is kept elsewhere
        assert "WRONG" not in succeeds(made, made.tokenry, "doctor", **variables)
        create = ("admin", "token", "create", "--user", "admin", "--expires", "1d")
        token = succeeds(made, made.tokenry, *create, **variables).strip()
        succeeds(made, made.python, "-W", "error", "-c", LOCAL, TOKENRY_TOKEN=token, **variables)


def assert_client(made: Environment, server: Server) -> None:
    """What the wheel alone promises; its command line says what to install."""
    client = {"TOKENRY_URL": server.url, "TOKENRY_TOKEN": server.token}
    succeeds(made, made.python, "-W", "error", "-c", CLIENT, **client)
    assert "Usage: tokenry COMMAND" in succeeds(made, made.tokenry, "--help")
    for word, (owner, _, _) in COMMANDS.items():
        extra = "server" if owner == OPERATING else "cli"
        assert fails(made, word, **client).endswith(f'run pip install "tokenry[{extra}]".\n')


def assert_command_line(made: Environment, server: Server) -> None:
    """What `tokenry[cli]` promises."""
    client = {"TOKENRY_URL": server.url, "TOKENRY_TOKEN": server.token}
    assert "first token" in succeeds(made, made.tokenry, "token", "list", **client)
    assert "tokenry" in succeeds(made, made.tokenry, "completion", "bash")
    printing = {"gateway": ["nginx"], "scanner": ["gitleaks"], "component": []}
    for word, more in printing.items():
        assert succeeds(made, made.tokenry, word, *more)
    for word in {word for word, (owner, _, _) in COMMANDS.items() if owner == OPERATING} - printing.keys():
        assert 'run pip install "tokenry[server]".' in fails(made, word)
    refused = made.run(made.python, "-c", "import tokenry.middleware.local")
    assert refused.stderr.splitlines()[-1].endswith('run pip install "tokenry[server]".')
    assert not (made.home / "data").exists()


def assert_service_on_sqlite(made: Environment) -> None:
    """What `tokenry[server]` promises; what other settings need is named."""
    for word in ("serve", "doctor"):
        assert '"tokenry[server,postgres]"' in fails(made, word, TOKENRY_DATABASE_URL=POSTGRES)
    assert '"tokenry[server,redis]"' in fails(made, "serve", TOKENRY_RATE_LIMIT_STORAGE="redis://127.0.0.1:1")
    assert list((made.home / "data").glob("*")) == []
    with served(made) as server:
        follow_the_tutorial(made, server)


def assert_service_on_postgresql(made: Environment, url: URL) -> None:
    """What `tokenry[server,postgres]` promises."""
    shutil.rmtree(made.home / "data")
    with served(made, TOKENRY_DATABASE_URL=url.render_as_string(hide_password=False)) as server:
        client = {"TOKENRY_URL": server.url, "TOKENRY_TOKEN": server.token}
        assert "first token" in succeeds(made, made.tokenry, "token", "list", **client)
    assert not (made.home / "data" / "tokenry.db").exists()


def test_wheel_does_what_it_promises_alone_and_with_what_is_added(
    wheel: Path, tmp_path: Path, new_postgres_database: URL
) -> None:
    """In one environment, which costs a third of three: after each step it holds what an empty one would."""
    made = make_environment(tmp_path)
    with serving(tmp_path / "data") as server:
        install(made, wheel)
        assert_client(made, server)
        install(made, wheel, "cli")
        assert_command_line(made, server)
    install(made, wheel, "server")
    assert_service_on_sqlite(made)
    install(made, wheel, "server", "postgres")
    assert_service_on_postgresql(made, new_postgres_database)


@pytest.mark.long
def test_redis_counts_in_redis(wheel: Path, tmp_path: Path, redis: Redis) -> None:
    made = make_environment(tmp_path)
    install(made, wheel, "server", "redis")
    with served(made, TOKENRY_RATE_LIMIT_STORAGE=redis.url, TOKENRY_RATE_LIMIT="600") as server:
        follow_the_tutorial(made, server)
    assert redis.ask("KEYS", "tokenry:*")


@pytest.mark.long
def test_keyring_keeps_tokens_in_the_keyring(wheel: Path, tmp_path: Path) -> None:
    made = make_environment(tmp_path)
    install(made, wheel, "keyring")
    (tmp_path / "kept.py").write_text(KEYRING)
    variables = {"PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "kept.Keyring"}
    with serving(tmp_path / "data") as server:
        (tmp_path / "token").write_text(server.token)
        login = f"{made.tokenry} login {server.url} <{tmp_path / 'token'}"
        assert "The token is in the keyring." in succeeds(made, "sh", "-c", f"{login} 2>&1", **variables)
        assert "admin" in succeeds(made, made.tokenry, "whoami", **variables)
