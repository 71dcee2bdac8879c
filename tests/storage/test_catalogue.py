"""The scope catalogue: the default, and an operator's own."""

from pathlib import Path

import pytest

from tokenry.domain.errors import SetupError
from tokenry.domain.scopes import Level, Resource
from tokenry.storage.catalogue import default_catalogue, read_catalogue

RESOURCES = (
    "account child_account databases domains events firewall images ips linodes lke longview monitor nodebalancers "
    "object_storage stackscripts volumes vpc"
)
BOTH = (Level.READ_ONLY, Level.READ_WRITE)


def catalogue_file(directory: Path, content: str) -> Path:
    path = directory / "scopes.toml"
    path.write_text(content, "utf-8")
    return path


def test_default_has_the_resources_of_the_wire_format() -> None:
    assert [resource.name for resource in default_catalogue().resources] == RESOURCES.split()


def test_default_has_both_levels_of_everything_but_vpc() -> None:
    levels = {resource.name: resource.levels for resource in default_catalogue().resources}
    assert levels == dict.fromkeys(RESOURCES.split(), BOTH) | {"vpc": (Level.READ_WRITE,)}


def test_default_describes_every_resource() -> None:
    assert [resource.name for resource in default_catalogue().resources if not resource.description] == []


def test_own_resources_keep_their_order_and_words(tmp_path: Path) -> None:
    path = catalogue_file(
        tmp_path,
        '[wiki]\nlevels = ["read_write", "read_only"]\ndescription = "Pages"\n'
        '[account]\nlevels = ["read_only", "read_write"]\n',
    )
    assert read_catalogue(path).resources == (Resource("wiki", BOTH, "Pages"), Resource("account", BOTH, ""))


def test_account_is_added_when_it_is_missing(tmp_path: Path) -> None:
    path = catalogue_file(tmp_path, '[wiki]\nlevels = ["read_only"]\n')
    assert [(resource.name, resource.levels) for resource in read_catalogue(path).resources] == [
        ("account", BOTH),
        ("wiki", (Level.READ_ONLY,)),
    ]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("[wiki", "the scopes file"),
        ('[Wiki]\nlevels = ["read_only"]', r"\[Wiki\] is not a resource name"),
        ("[wiki]", r"\[wiki\] needs a list of levels"),
        ('[wiki]\nlevels = "read_only"', r"\[wiki\] needs a list of levels"),
        ("wiki = 1", r"\[wiki\] needs a list of levels"),
        ("[wiki]\nlevels = []", r"\[wiki\] has a level other than read_only, read_write"),
        ('[wiki]\nlevels = ["read_only", "admin"]', r"\[wiki\] has a level other than"),
        ("[wiki]\nlevels = [1]", r"\[wiki\] has a level other than"),
        ('[wiki]\nlevels = ["read_only"]\nlevel = 1\ncolour = 2', r"\[wiki\] has unknown keys: colour, level"),
        ('[account]\nlevels = ["read_only"]', r"\[account\] needs both levels"),
    ],
)
def test_fault_of_a_file_is_named(tmp_path: Path, content: str, named: str) -> None:
    with pytest.raises(SetupError, match=named):
        read_catalogue(catalogue_file(tmp_path, content))


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as refusal:
        read_catalogue(tmp_path / "none.toml")
    assert f"{tmp_path / 'none.toml'} cannot be read (No such file or directory)" in str(refusal.value)


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scopes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SetupError, match="cannot be read"):
        read_catalogue(tmp_path / "scopes.toml")
