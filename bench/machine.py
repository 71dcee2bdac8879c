"""The machine: two cores to measure on, and what it is called in results. Nothing here names a path or a person."""

import importlib.metadata
import os
import platform
import re
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchmarkError

_PACKAGES = ("tokenry", "uvicorn", "starlette", "uvloop", "httptools", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Cores:
    """Where the measured servers run, all on one core, and where the load runs."""

    server: int
    load: int


def choose_cores() -> Cores:
    """Choose two cores, if possible not two threads of one. Raises BenchmarkError if there is one core only."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchmarkError("Two cores are needed, one for the servers and one for the load.")
    server = cores[0]
    apart = [core for core in cores[1:] if core not in _siblings(server)]
    return Cores(server=server, load=(apart or cores[1:])[0])


def find_program(name: str) -> str:
    """Find a program, also where only an administrator's PATH leads. Raises BenchmarkError."""
    path = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin")))
    if path is None:
        raise BenchmarkError(f"{name} is not installed.")
    return path


def describe_machine(folder: Path) -> dict[str, object]:
    """The machine in words and numbers; `folder` is where the databases are, for its kind of file system."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "file_system": _file_system(folder),
    }


def describe_versions() -> dict[str, str]:
    """The versions of everything that is measured or measures."""
    return {
        "python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in _PACKAGES},
        "sqlite": sqlite3.sqlite_version,
        "nginx": _version("nginx", r"nginx/(\S+)"),
        "wrk": _version("wrk", r"wrk (\S+)").removeprefix("debian/"),
    }


def _siblings(core: int) -> set[int]:
    """The hardware threads of this core's physical core, from a list such as `0,4` or `0-1`."""
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text("ascii")
    except OSError:
        return {core}
    ends = [part.partition("-") for part in text.strip().split(",")]
    return {number for first, _, last in ends for number in range(int(first), int(last or first) + 1)}


def _cpu_model() -> str:
    match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return match[1].strip() if match else platform.machine()


def _file_system(folder: Path) -> str:
    command = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _version(program: str, pattern: str) -> str:
    """Ask a program for its version; wrk answers with exit status 1."""
    run = subprocess.run([find_program(program), "-v"], capture_output=True, text=True, check=False)
    match = re.search(pattern, run.stdout + run.stderr)
    return match[1] if match else "unknown"
