"""The scope catalogue: the default, and an operator's own."""

from pathlib import Path

import pytest

from tokenry.domain.catalogue import Action, Resource, level_actions
from tokenry.domain.errors import SetupError
from tokenry.domain.scopes import Level
from tokenry.storage.catalogue import default_catalogue, read_catalogue

RESOURCES = (
    "account child_account databases domains events firewall images ips linodes lke longview monitor nodebalancers "
    "object_storage stackscripts volumes vpc"
)
BOTH = [Level.READ_ONLY, Level.READ_WRITE]


def catalogue_file(directory: Path, content: str) -> Path:
    path = directory / "scopes.toml"
    path.write_text(content, "utf-8")
    return path


def test_default_has_the_resources_of_the_wire_format() -> None:
    assert [resource.name for resource in default_catalogue().resources] == RESOURCES.split()


def test_default_has_both_levels_of_everything_but_vpc() -> None:
    levels = {resource.name: resource.levels for resource in default_catalogue().resources}
    assert levels == dict.fromkeys(RESOURCES.split(), BOTH) | {"vpc": [Level.READ_WRITE]}


def test_default_describes_every_resource() -> None:
    assert [resource.name for resource in default_catalogue().resources if not resource.description] == []


def test_own_resources_keep_their_order_and_words(tmp_path: Path) -> None:
    path = catalogue_file(
        tmp_path,
        '[wiki]\nlevels = ["read_write", "read_only"]\ndescription = "Pages"\n'
        '[account]\nlevels = ["read_only", "read_write"]\n',
    )
    assert read_catalogue(path).resources == (
        Resource("wiki", level_actions(*Level), "Pages"),
        Resource("account", level_actions(*Level), ""),
    )


def test_account_is_added_when_it_is_missing(tmp_path: Path) -> None:
    path = catalogue_file(tmp_path, '[wiki]\nlevels = ["read_only"]\n')
    assert [(resource.name, resource.levels) for resource in read_catalogue(path).resources] == [
        ("account", BOTH),
        ("wiki", [Level.READ_ONLY]),
    ]


def test_actions_are_a_list_or_a_table_of_each(tmp_path: Path) -> None:
    path = catalogue_file(
        tmp_path,
        """
        [labels]
        actions = ["list", "print"]
        [messages]
        title = "Messages"
        description = "What teams write"
        instances = true
        reads = "read"
        writes = "send"
        actions.read.title = "Read messages"
        actions.send = {title = "Send messages", description = "As the team", implies = ["read"]}
        """,
    )
    assert read_catalogue(path).resources[1:] == (
        Resource("labels", (Action("list"), Action("print"))),
        Resource(
            "messages",
            (
                Action("read", (), "Read messages"),
                Action("send", ("read",), "Send messages", "As the team"),
            ),
            "What teams write",
            "Messages",
            instances=True,
            reads="read",
            writes="send",
        ),
    )


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
        ('[account]\nlevels = ["read_only", "read_write"]\ninstances = true', r"\[account\] needs both levels, and no"),
        ('[wiki]\nlevels = ["read_only"]\nactions = ["read"]', r"\[wiki\] needs a list of levels, or actions"),
        ("[wiki]\nactions = []", r"\[wiki\] needs actions"),
        ("[wiki]\nactions = 1", r"\[wiki\] needs actions"),
        ("[wiki]\nactions.read = 1", r"\[wiki\] needs actions"),
        ('[wiki]\nactions = ["Read"]', r"\[wiki\] has an action 'Read'"),
        ("[wiki]\nactions.read.implied = []", r"\[wiki.actions.read\] has unknown keys: implied"),
        ('[wiki]\nactions.read.implies = "read"', r"\[wiki.actions.read\] needs a list of names as implies"),
        ("[wiki]\nactions.read.implies = [1]", r"\[wiki.actions.read\] needs a list of names as implies"),
        ("[wiki]\nactions.read.title = 1", r"\[wiki.actions.read\] needs a line of printable text as title"),
        ('[wiki]\nactions = ["read"]\ntitle = "a\\nb"', r"\[wiki\] needs a line of printable text as title"),
        ('[wiki]\nactions.send.implies = ["read"]', r"\[wiki\] has no action read"),
        ('[wiki]\nactions = ["a", "b"]\nreads = "a"', r"\[wiki\] needs both of reads and writes"),
        ('[wiki]\nactions = ["a", "b"]\nreads = "a"\nwrites = "c"', r"\[wiki\] has no action c"),
        ('[wiki]\nactions = ["a"]\ninstances = "yes"', r"\[wiki\] needs true or false as instances"),
        (
            '[wiki]\nactions.a.implies = ["b"]\nactions.b.implies = ["c"]\nactions.c.implies = ["a"]',
            r"\[wiki\] has an action that implies itself: a",
        ),
        (
            '[wiki]\nactions.read_only.implies = ["read_write"]\nactions.read_write = {}',
            r"\[wiki\] has an action that implies itself: read_only",
        ),
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
