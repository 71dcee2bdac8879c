"""What is shipped: the wheel and the sdist, and environments that hold nothing but the wheel and what it asks for."""

import fcntl
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from tests.servers import environment

REPOSITORY = Path(__file__).parents[1]
PACKAGE = "tokenry"
EXTRAS = ("cli", "keyring", "postgres", "redis", "server")
COMMAND_SECONDS_MAX = 120
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""For what runs in an environment, so that each module is compiled once, and not for every command."""
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and a home in which its programs are run: an empty folder."""

    programs: Path
    home: Path

    @property
    def python(self) -> str:
        return str(self.programs / "python")

    @property
    def tokenry(self) -> str:
        return str(self.programs / "tokenry")

    def install(self, wheel: Path, *extras: str) -> None:
        """Install the wheel as users do, and what it asks for in the versions of the lock file."""
        named = f"{PACKAGE}[{','.join(extras)}] @ {wheel.as_uri()}"
        offline = ("--no-index", "--find-links", str(_wheels()), "--no-compile")
        command = [*_PIP, "--python", self.python, "install", *offline, named]
        subprocess.run(command, check=True, timeout=COMMAND_SECONDS_MAX)

    def run(self, *command: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return subprocess.run(
            command,
            cwd=self.home,
            env=environment(HOME=str(self.home), **COMPILED, **(variables or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )


def build(target: str, source: Path, folder: Path) -> Path:
    """Build the wheel or the sdist of a source tree."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=COMMAND_SECONDS_MAX)
    (built,) = folder.glob({"wheel": "*.whl", "sdist": "*.tar.gz"}[target])
    return built


def brought_by(name: str, *extras: str) -> set[str]:
    """The distributions that installing one brings, itself among them, by what the installed ones say they need."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [(name, frozenset(extras))]
    while waiting:
        name, wanted = waiting.pop()
        if (_normal(name), wanted) in found:
            continue
        found.add((_normal(name), wanted))
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *wanted)):
                waiting.append((needed.name, frozenset(needed.extras)))
    return {name for name, _ in found}


def make_environment(folder: Path) -> Environment:
    """An environment with nothing in it, not even pip."""
    venv.create(folder / "environment", symlinks=True)
    made = Environment(folder / "environment" / "bin", folder / "home")
    made.home.mkdir()
    return made


def _wheels() -> Path:
    """The wheels of all extras, as the lock file has them: fetched once for each state of it, and kept beside pip."""
    locked = "\n".join(_locked(name) for name in sorted(brought_by(PACKAGE, *EXTRAS) - {PACKAGE}))
    kept = Path(sys.prefix) / "wheels"
    folder = kept / sha256(locked.encode()).hexdigest()[:16]
    kept.mkdir(exist_ok=True)
    with (kept / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other test processes want them too
        if not folder.exists():
            fetched = Path(tempfile.mkdtemp(dir=kept))
            (fetched / "requirements.txt").write_text(locked)
            of_the_lock_file = ("--require-hashes", "--no-deps", "--requirement", str(fetched / "requirements.txt"))
            subprocess.run([*_PIP, "download", *of_the_lock_file, "--dest", str(fetched)], check=True)
            fetched.rename(folder)
    return folder


def _locked(name: str) -> str:
    """What the lock file says of a distribution: version, hashes."""
    lines = (REPOSITORY / "requirements/test.txt").read_text("utf-8")
    found = [entry[0] for entry in re.finditer(rf"^{name}(\[[\w,-]+\])?==.*(\n .*)*", lines, re.MULTILINE)]
    assert found, f"{name} is not in the lock file"
    return "\n".join(found)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
