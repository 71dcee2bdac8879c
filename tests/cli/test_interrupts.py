"""Ctrl-C, SIGTERM and SIGHUP: a command ends at once, and no token is left behind without a word."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import pytest

from tests.cli.conftest import Person
from tests.cli.parts import CREATIONS, TOKEN, started, undelivered
from tests.servers import environment

SECONDS_MAX = 20
UNANSWERED = "may have been made whose secret nobody has: find it with"
ROTATED = "Nobody has the new secret of token 7, and the old one still works: run this again."
NEWEST = "list --order-by created --order desc`, and revoke it."
FLOOD = """
import sys
from tokenry.cli import contexts, main
contexts.read_contexts = lambda: (print("now", file=sys.stderr), [print("x" * 100) for _ in range(1000)])
main()
"""


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """A pipe that is full, and whose reader reads nothing of it."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    yield writing
    os.close(reading)
    os.close(writing)


def test_ctrl_c_ends_a_command_whose_output_nobody_reads_on(full_pipe: int) -> None:
    command = [sys.executable, "-c", FLOOD, "context", "list"]
    with subprocess.Popen(command, env=environment(), stdout=full_pipe, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "now\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS_MAX) == 130
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("creation", "number"),
    [(CREATIONS[0], signal.SIGINT), (CREATIONS[0], signal.SIGTERM), *((each, signal.SIGHUP) for each in CREATIONS[2:])],
)
def test_token_whose_secret_nobody_reads_is_revoked(
    person: Person, full_pipe: int, creation: Sequence[str], number: signal.Signals
) -> None:
    variables = {**person.variables, "TOKENRY_DATA_DIR": str(person.server.data_dir)}
    with started(*creation, output=full_pipe, variables=variables) as (process, said):
        deadline = time.monotonic() + SECONDS_MAX
        while not undelivered(person, "active"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.2)
        process.send_signal(number)
        assert process.wait(SECONDS_MAX) == 128 + number
        assert said.read().endswith(" (undelivered), whose secret nobody has, is revoked.\n")
    assert undelivered(person, "active") == []


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("token", "create", *TOKEN), f"A token labelled undelivered {UNANSWERED} `tokenry token {NEWEST}"),
        (("profile", "token-create"), f"A token {UNANSWERED} `tokenry profile tokens-{NEWEST}"),
        (
            ("token", "rotate", "7"),
            f"It is not known whether token 7 was rotated. If it was: {ROTATED}",
        ),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_before_the_answer_says_what_may_have_been_made(
    command: Sequence[str], told: str, number: signal.Signals
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        variables = {"TOKENRY_URL": f"http://127.0.0.1:{silent.getsockname()[1]}", "TOKENRY_TOKEN": "pat_x"}
        with started(*command, variables=variables) as (process, said):
            connection, _ = silent.accept()
            with connection:
                assert connection.recv(65536)
                process.send_signal(number)
                assert process.wait(SECONDS_MAX) == 128 + number
            assert said.read() == f"tokenry: {told}\n"


@pytest.mark.parametrize("sent", [True, False])
def test_answer_that_does_not_come_says_what_may_have_been_made(person: Person, *, sent: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        person.variables["TOKENRY_URL"] = f"http://127.0.0.1:{server.getsockname()[1]}"
        if not sent:
            server.close()
        with started("token", "create", *TOKEN, variables=person.variables) as (process, told):
            if sent:
                connection, _ = server.accept()
                connection.recv(65536)
                connection.close()
            said = told.read()
            assert process.wait(SECONDS_MAX) == 1
    assert ("A token labelled undelivered may have been made" in said) is sent
