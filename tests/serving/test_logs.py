"""The log: lines of JSON off a terminal, words on one, and the traceback of a defect without values."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from tests.servers import Server, environment
from tokenry.serving.logs import TEXT_LENGTH_MAX, make_harmless

TOKEN = "pat_" + "A" * 12 + "B" * 38
CODE = f"""
import logging, structlog
from tokenry.serving.logs import configure_logging
configure_logging("info")
structlog.get_logger("tokenry").info("hello", number=1)
logging.getLogger("other").warning("from %s", "elsewhere")
try:
    local = "{TOKEN}"
    raise ValueError(local)
except ValueError:
    structlog.get_logger("tokenry").exception("failed")
structlog.get_logger("tokenry").debug("unheard")
"""
HOSTILE = "\x1b[2J\x07\x9b31m\u202e\u2066\u200f\x7f\r\n\u2028forged"
HOSTILE_CODE = f"""
import logging, structlog
from tokenry.serving.logs import configure_logging
configure_logging("info")
log = structlog.get_logger("tokenry")
hostile = {HOSTILE!r}
log.info(hostile, path=hostile, parts=[hostile, {{"a": hostile}}], error=ValueError(hostile), raw=hostile.encode())
logging.getLogger("uvicorn.error").warning("Invalid %s", hostile)
try:
    raise ValueError(hostile)
except ValueError:
    log.exception("failed")
"""


def run(code: str = CODE, **streams: int) -> bytes:
    done = subprocess.run([sys.executable, "-c", code], env=environment(), check=True, **streams)  # type: ignore[call-overload]
    return done.stderr or b""


def test_off_a_terminal_every_line_is_json() -> None:
    first, second, third = (json.loads(line) for line in run(stderr=subprocess.PIPE).splitlines())
    assert (first["event"], first["number"], first["level"]) == ("hello", 1, "info")
    assert (second["event"], second["level"]) == ("from elsewhere", "warning")
    assert third["event"] == "failed"
    assert "ValueError: pat_AAAAAAAAAAAA…" in third["exception"]


def test_on_a_terminal_it_is_for_people_and_as_discreet() -> None:
    parent, child = pty.openpty()
    run(stderr=child)
    os.close(child)
    said = os.read(parent, 65536).decode()
    os.close(parent)
    assert "hello" in said
    assert "Traceback" in said
    assert "BBBB" not in said


def test_off_a_terminal_nothing_is_written_as_it_came() -> None:
    for line in run(HOSTILE_CODE, stderr=subprocess.PIPE).splitlines():
        assert line.isascii()
        for key, value in json.loads(line).items():
            text = json.dumps(value, ensure_ascii=False)
            assert text.replace("\\n", "").isprintable(), key
            assert "\n" not in str(value) or key == "exception"


def test_on_a_terminal_nothing_is_written_as_it_came() -> None:
    parent, child = pty.openpty()
    run(HOSTILE_CODE, stderr=child)
    os.close(child)
    said = os.read(parent, 65536).decode()
    os.close(parent)
    ours = re.sub(r"\x1b\[\d+m", "", said.replace("\r\n", "\n"))  # colours
    assert ours.count("forged") == 8
    assert [character for character in ours if not character.isprintable() and character != "\n"] == []


def test_text_that_nobody_reads_to_its_end_is_cut_in_the_middle() -> None:
    event = make_harmless(None, "info", {"exception": f"Traceback{'x' * 100_000}ValueError", "event": "failed"})
    assert event["event"] == "failed"
    assert len(event["exception"]) < TEXT_LENGTH_MAX + 100
    assert event["exception"].startswith("Traceback")
    assert event["exception"].endswith("ValueError")


def test_requests_are_logged_with_their_id_and_who_made_them(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.token}", "X-Request-Id": "find-me"}
    httpx2.get(f"{server.url}/v4/profile/tokens?page=1", headers=headers)
    deadline = time.monotonic() + 10  # the line follows the answer
    while "find-me" not in server.log:
        assert time.monotonic() < deadline
    line = next(json.loads(line) for line in server.log.splitlines() if "find-me" in line)
    assert (line["method"], line["path"], line["status"], line["user"], line["token_id"]) == (
        "GET",
        "/v4/profile/tokens",
        200,
        "admin",
        1,
    )


def test_line_that_cannot_be_written_fails_nobody() -> None:
    """Off a terminal standard error is a file, and a disk may be full."""
    code = CODE + "print('went on')"
    with Path("/dev/full").open("wb") as full:
        run_there = [sys.executable, "-c", code]
        done = subprocess.run(run_there, env=environment(), check=True, stdout=subprocess.PIPE, stderr=full)
    assert done.stdout == b"went on\n"
