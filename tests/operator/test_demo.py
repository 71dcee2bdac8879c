"""`tokenry demo`: what it shows works, and nothing of it stays."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.servers import START_SECONDS_MAX, STOP_SECONDS_MAX, TOKENRY, UNTIL_WE_END, environment, wait_until
from tokenry.domain.details import State


@dataclass
class Demo:
    process: subprocess.Popen[str]
    printed: str
    folder: Path

    @property
    def lines(self) -> list[str]:
        """The lines to paste."""
        return [line.strip() for line in self.printed.splitlines() if line.startswith("  ")]


@contextmanager
def demonstrating(folder: Path, **variables: str) -> Iterator[Demo]:
    """A demonstration whose temporary files are in a folder; it is killed in the end if it is there still."""
    command = [*UNTIL_WE_END, TOKENRY, "demo"]
    set_up = environment(TMPDIR=str(folder), **variables)
    with subprocess.Popen(command, env=set_up, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            printed = ""
            for line in process.stdout:
                printed += line
                if line.startswith("Ready."):
                    break
            yield Demo(process, printed, folder)
        finally:
            process.kill()


def test_every_line_that_it_shows_works_and_nothing_of_it_stays(tmp_path: Path) -> None:
    elsewhere = {"TOKENRY_DATA_DIR": str(tmp_path / "real"), "TOKENRY_DATABASE_URL": f"sqlite:///{tmp_path}/real.db"}
    made = tmp_path / "temporary"
    made.mkdir()
    with demonstrating(made, **elsewhere) as demo:
        assert len(list(made.iterdir())) == 1
        exports = [line for line in demo.lines if line.startswith("export ")]
        commands = [line for line in demo.lines if line.startswith((TOKENRY, "curl "))]
        answers = [run([*exports, command], tmp_path) for command in commands]
        *_, link, page = demo.lines
        assert httpx2.get(link).status_code == 303
        assert httpx2.get(page).status_code == 200
        demo.process.send_signal(signal.SIGTERM)
        assert demo.process.wait(STOP_SECONDS_MAX) == 0
    refused = {
        command.rpartition("# ")[2]: status for command, (status, _) in zip(commands, answers, strict=True) if status
    }
    assert refused == {"expired": 5, "revoked": 5, "disabled": 5, "pending": 5}
    assert all(f"\t{state.value}\t" in answers[0][1] for state in State)
    assert '"ci"' in answers[1][1]
    assert list(made.iterdir()) == []
    assert not list(tmp_path.glob("real*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_stays_when_a_signal_comes_before_it_is_ready(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen([TOKENRY, "demo"], env=environment(TMPDIR=str(tmp_path)), stdout=subprocess.PIPE) as process:
        wait_until(lambda: list(tmp_path.glob("*/data")), START_SECONDS_MAX)
        process.send_signal(number)
        process.wait(STOP_SECONDS_MAX)
    assert list(tmp_path.iterdir()) == []


def run(lines: list[str], home: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        env={**environment(), "PATH": os.defpath, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
