"""What is shipped is whole, and each module needs no more than the extra that it belongs to brings."""

import json
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path
from pkgutil import walk_packages

import pytest

import tokenry
from tests.distribution import COMMAND_SECONDS_MAX, PACKAGE, REPOSITORY, brought_by, build

SOURCE = REPOSITORY / "src"
GROUPS: dict[str, tuple[str, ...]] = {
    "alone": (),
    "cli": ("cli",),
    "server": ("server",),
    "postgres": ("server", "postgres"),
    "django": (),
    "djangorestframework": (),
    "fastapi": (),
}
"""Which extras the modules of a group are used with. The applications of others bring their own framework."""
CLIENTS = ("tokenry.client", "tokenry.domain", "tokenry.middleware")
FRONT = {"tokenry.cli", "tokenry.cli.front", "tokenry.cli.streams"}
"""What says, without any library, what to install for the rest of the command line."""
OTHERS = {
    "tokenry.domain.ceremonies": "server",
    "tokenry.domain.one_time_passwords": "server",
    "tokenry.middleware.local": "server",
    "tokenry.middleware.django": "django",
    "tokenry.middleware.drf": "djangorestframework",
    "tokenry.middleware.fastapi": "fastapi",
    "tokenry.operator.servers": "postgres",
    "tokenry.storage.postgres": "postgres",
    "tokenry.storage.servers": "postgres",
    "tokenry.verification.lookups": "postgres",
    "tokenry.verification.postgres": "postgres",
}
NOT_IMPORTED = {"tokenry.__main__", "tokenry.storage.migrations.env"}
"""One runs the command line, the other is run by Alembic."""
IMPORT = """
import importlib, json, sys
blocked, names = json.loads(sys.argv[1])
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
for name in names:
    importlib.import_module(name)
"""


def shipped(archive: zipfile.ZipFile) -> dict[str, bytes]:
    return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What is in the wheel, by name."""
    with zipfile.ZipFile(build("wheel", REPOSITORY, tmp_path_factory.mktemp("wheel"))) as archive:
        return shipped(archive)


def test_wheel_holds_every_file_of_the_package_and_no_other(wheel: dict[str, bytes]) -> None:
    package = [path for path in SOURCE.glob("tokenry/**/*") if path.is_file() and "__pycache__" not in path.parts]
    deploy = [path for path in (REPOSITORY / "deploy").rglob("*") if path.is_file()]  # linked to from the package
    expected = {str(path.relative_to(SOURCE)) for path in package}
    expected |= {f"tokenry/{path.relative_to(REPOSITORY)}" for path in deploy}
    assert len(deploy) > 5
    assert {name for name in wheel if not name.startswith(f"tokenry-{tokenry.__version__}.dist-info/")} == expected


def test_sdist_builds_the_same_wheel(wheel: dict[str, bytes], tmp_path: Path) -> None:
    with tarfile.open(build("sdist", REPOSITORY, tmp_path)) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    with zipfile.ZipFile(build("wheel", source, tmp_path / "built")) as archive:
        assert shipped(archive) == wheel


def modules(group: str) -> list[str]:
    """Our modules of a group; whatever is not named belongs to the server."""
    names = {found.name for found in walk_packages(tokenry.__path__, "tokenry.")} - NOT_IMPORTED

    def group_of(name: str) -> str:
        alone = name.startswith(CLIENTS) or name in {*FRONT, "tokenry.core_dumps", "tokenry.moments"}
        command_line = "cli" if name.startswith("tokenry.cli.") else "server"
        return OTHERS.get(name, "alone" if alone else command_line)

    return sorted(name for name in names if group_of(name) == group)


@pytest.mark.parametrize("group", GROUPS)
def test_modules_import_what_their_extra_brings_and_nothing_else(group: str) -> None:
    brought = brought_by(PACKAGE, *GROUPS[group])
    if group in {"django", "djangorestframework", "fastapi"}:
        brought |= brought_by(group)
    owners = metadata.packages_distributions()
    names = {name: {owner.replace("_", "-").replace(".", "-").lower() for owner in owners[name]} for name in owners}
    blocked = sorted(name for name, owned_by in names.items() if not owned_by & brought)
    assert {"pytest", "mypy"} <= set(blocked)
    assert ({"rich", "pydantic", "typer"} <= set(blocked)) is (group not in {"cli", "server", "postgres", "fastapi"})
    assert modules(group)
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, json.dumps([blocked, modules(group)])],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
