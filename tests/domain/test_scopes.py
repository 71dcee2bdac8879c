"""The scope algebra and the catalogue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.domain.catalogue import MANAGEMENT, Action, Catalogue, Resource, level_actions
from tokenry.domain.scopes import ALL, EVERYTHING, NOTHING, SCOPES_LENGTH_MAX, Level, Name, Scopes

LEVELS = level_actions(*Level)
CATALOGUE = Catalogue(
    (
        Resource("account", LEVELS, "Account"),
        Resource("linodes", LEVELS, "Instances"),
        Resource("vpc", level_actions(Level.READ_WRITE), "Networks"),
    )
)
MESSAGES = (Action("read"), Action("send", ("read",)), Action("pin", ("read",)), Action("manage", ("send", "pin")))
OWN = Catalogue(
    (
        Resource("messages", MESSAGES, instances=True, reads="read", writes="send"),
        Resource("notes", (*LEVELS, Action("share", ("read_write",))), instances=True),
        Resource("labels", (Action("list"), Action("print"))),
        Resource("linodes", LEVELS),
    )
)
UNNAMED = "unnamed"
"""An instance that no scope names: those without an instance cover it."""
some_scopes = st.lists(
    st.builds(
        Name,
        st.sampled_from(["account", "linodes", "a_1", "z" * 64]),
        st.sampled_from(["read_only", "read_write", "send"]),
        st.sampled_from(["", "", "team-7", "T.8_x"]),
    ),
    max_size=6,
).map(lambda names: Scopes.parse(" ".join(map(str, names))))
all_scopes = some_scopes | st.just(EVERYTHING)
own_scopes = st.lists(
    st.sampled_from([*OWN.scopes, *(f"{text}@{each}" for each in "ab" for text in OWN.scopes if text[0] in "mn")]),
    max_size=6,
).map(lambda texts: OWN.read(" ".join(texts)))


def expanded(scopes: Scopes) -> set[tuple[str, str, str]]:
    """All that some scopes cover, one by one: the naive model."""
    found = set[tuple[str, str, str]]()
    waiting: list[tuple[str, str, str]] = [*scopes.names.values()]
    implied = {
        (resource.name, action.name): {*action.implies, *(["read_only"] if action.name == "read_write" else [])}
        for resource in OWN.resources
        for action in resource.actions
    }
    while waiting:
        resource, action, instance = waiting.pop()
        found |= {(resource, action, each) for each in ([instance] if instance else ["a", "b", UNNAMED])}
        waiting += [(resource, each, instance) for each in implied[resource, action]]
    return found


@given(own_scopes, own_scopes)
def test_scopes_cover_what_they_name_one_by_one(a: Scopes, b: Scopes) -> None:
    assert a.covers(b) == (expanded(b) <= expanded(a))


@given(own_scopes, own_scopes)
def test_scopes_within_others_are_all_that_both_cover(a: Scopes, b: Scopes) -> None:
    common = a.within(b)
    assert expanded(common) == expanded(a) & expanded(b)
    assert a.covers(common)
    assert b.covers(common)


@given(own_scopes, own_scopes)
def test_united_scopes_are_all_that_either_covers(a: Scopes, b: Scopes) -> None:
    assert expanded(a.united(b)) == expanded(a) | expanded(b)


@given(own_scopes, own_scopes, own_scopes)
def test_more_held_or_more_allowed_is_never_less(a: Scopes, b: Scopes, more: Scopes) -> None:
    assert a.united(more).covers(a)
    assert a.united(more).within(b).covers(a.within(b))
    assert a.within(b.united(more)).covers(a.within(b))


@given(own_scopes, own_scopes, own_scopes)
def test_covering_what_is_implied_is_reflexive_and_transitive(a: Scopes, b: Scopes, c: Scopes) -> None:
    assert a.covers(a)
    assert a.covers(c) or not (a.covers(b) and b.covers(c))


@given(own_scopes)
def test_written_with_what_they_imply_scopes_need_no_catalogue(scopes: Scopes) -> None:
    told = Scopes.parse(scopes.sorted_text)
    for text in OWN.scopes:
        for needed in map(Scopes.parse, (text, f"{text}@a", f"{text}@{UNNAMED}")):
            assert told.covers(needed) == scopes.covers(needed)


@given(own_scopes, own_scopes)
def test_one_side_that_knows_the_catalogue_is_enough(a: Scopes, b: Scopes) -> None:
    stored, other = Scopes.parse(str(a)), Scopes.parse(str(b))
    assert stored.covers(b) == a.covers(other) == a.covers(b)
    assert expanded(stored.within(b)) == expanded(a.within(other)) == expanded(a) & expanded(b)


@given(own_scopes)
def test_stored_text_stays_what_was_asked_for(scopes: Scopes) -> None:
    assert str(OWN.stored(str(scopes))) == str(scopes) == str(scopes.within(EVERYTHING))


@pytest.mark.parametrize(
    ("mine", "limit", "common"),
    [
        ("messages:send", "messages:read", "messages:read"),
        ("messages:send", "messages:pin", "messages:read"),
        ("messages:manage", "messages:pin labels:list messages:send", "messages:pin messages:send"),
        ("messages:send", "messages:send@a messages:manage@b", "messages:send@a messages:send@b"),
        ("messages:send@a", "messages:pin", "messages:read@a"),
        ("messages:send@a", "messages:send@b", ""),
        ("labels:print messages:send", "messages:manage labels:print", "labels:print messages:send"),
    ],
)
def test_what_is_common_is_written_in_the_fewest_words(mine: str, limit: str, common: str) -> None:
    assert str(OWN.read(mine).within(OWN.read(limit))) == common


def test_what_the_catalogue_has_no_more_covers_nothing() -> None:
    smaller = Catalogue((Resource("messages", (Action("read"), Action("send"))), Resource("linodes", LEVELS[:1])))
    held = smaller.stored("messages:manage messages:read@a messages:send linodes:read_write labels:list")
    assert str(held) == "messages:send linodes:read_only"
    assert not held.covers(Scopes.parse("messages:read"))
    assert OWN.stored("messages:send").covers(Scopes.parse("messages:read"))
    assert smaller.stored("*") == EVERYTHING


@pytest.mark.parametrize(
    "text", ["messages:send@team-7", "notes:share@T.8_x notes:read_only", f"messages:read@{'x' * 64}"]
)
def test_instances_of_a_resource_that_has_some_have_no_fault(text: str) -> None:
    assert OWN.faults(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "labels:list@a",
        "messages:read@",
        "messages:read@a@b",
        "messages:read@-a",
        "messages:read@é",
        f"messages:read@{'x' * 65}",
    ],
)
def test_no_instance_is_named_of_what_has_none_nor_by_what_means_something(text: str) -> None:
    assert [fault.reason for fault in OWN.faults(text)] == [f"Invalid scope: {text}"]


def test_scopes_that_are_too_long_with_what_they_imply_are_refused() -> None:
    many = [f"b{number:062}" for number in range(62)]
    wide = Catalogue((Resource("a", (*map(Action, many), Action("all", tuple(many)))),))
    assert [fault.reason for fault in wide.faults("a:all")] == [
        "Length must be 1-4096 characters, with all that is implied"
    ]


@pytest.mark.parametrize(
    ("resource", "level", "scope"),
    [
        ("messages", Level.READ_ONLY, "messages:read"),
        ("messages@team-7", Level.READ_WRITE, "messages:send@team-7"),
        ("notes@a", Level.READ_WRITE, "notes:read_write@a"),
        ("labels", Level.READ_ONLY, None),
        ("linodes@a", Level.READ_ONLY, None),
        ("messages@", Level.READ_ONLY, None),
    ],
)
def test_scope_by_method_is_the_catalogues_and_may_be_of_an_instance(
    resource: str, level: Level, scope: str | None
) -> None:
    assert OWN.find_scope(resource, level) == scope


def test_what_may_be_meant_is_told_of_what_there_is_not() -> None:
    scopes = ["mesages:read", "messages:send@a labels:prnt", "linodes:read_only@a", "qqqq:zz"]
    assert OWN.complaints(scopes, ["mesages@a", "labels", "notes"]) == [
        "Invalid scope: mesages:read (did you mean messages:read?)",
        "Invalid scope: labels:prnt (did you mean labels:print?)",
        "Invalid scope: linodes:read_only@a (did you mean linodes:read_only?)",
        "Invalid scope: qqqq:zz",
        "Unknown resource: mesages@a (did you mean messages?)",
        "The catalogue does not say what reads and what writes: name scopes of labels",
    ]
    assert OWN.suggest("mesages:sent@a") == "messages:send@a"
    assert OWN.suggest("x" * 4000) is None


@given(all_scopes)
def test_written_scopes_read_back_the_same(scopes: Scopes) -> None:
    assert Scopes.parse(str(scopes)) == scopes


@given(some_scopes)
def test_written_scopes_keep_their_order(scopes: Scopes) -> None:
    assert list(Scopes.parse(str(scopes)).names) == list(scopes.names)


@given(all_scopes)
def test_sorted_text_means_the_same(scopes: Scopes) -> None:
    assert Scopes.parse(scopes.sorted_text) == scopes


@given(all_scopes)
def test_scopes_cover_themselves(scopes: Scopes) -> None:
    assert scopes.covers(scopes)


@given(all_scopes, all_scopes, all_scopes)
def test_covering_is_transitive(a: Scopes, b: Scopes, c: Scopes) -> None:
    assert a.covers(c) or not (a.covers(b) and b.covers(c))


@given(all_scopes, all_scopes)
def test_scopes_that_cover_each_other_are_equal(a: Scopes, b: Scopes) -> None:
    assert (a == b) == (a.covers(b) and b.covers(a))


@given(all_scopes)
def test_everything_covers_and_nothing_is_covered(scopes: Scopes) -> None:
    assert EVERYTHING.covers(scopes)
    assert scopes.covers(NOTHING)


@given(some_scopes)
def test_only_everything_covers_everything(scopes: Scopes) -> None:
    assert not scopes.covers(EVERYTHING)


@given(some_scopes, some_scopes)
def test_scopes_read_together_cover_each_part(a: Scopes, b: Scopes) -> None:
    both = Scopes.parse(f"{a},{b}")
    assert both.covers(a)
    assert both.covers(b)


@pytest.mark.parametrize(
    ("held", "needed", "covered"),
    [
        ("linodes:read_write", "linodes:read_only", True),
        ("linodes:read_only", "linodes:read_write", False),
        ("account:read_write", "linodes:read_only", False),
        ("account:read_only linodes:read_only", "linodes:read_only", True),
        ("", "linodes:read_only", False),
    ],
)
def test_a_level_covers_the_lower_ones_of_its_own_resource(held: str, needed: str, covered: bool) -> None:  # noqa: FBT001
    assert Scopes.parse(held).covers(Scopes.parse(needed)) is covered


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("linodes:read_only,account:read_write", "linodes:read_only account:read_write"),
        (" ,linodes:read_only, ,account:read_only,", "linodes:read_only account:read_only"),
        ("linodes:read_only linodes:read_write", "linodes:read_write"),
        ("linodes:read_write linodes:read_only", "linodes:read_write"),
        ("linodes:read_only * account:read_only", "*"),
        ("", ""),
    ],
)
def test_scopes_are_written_in_one_form(text: str, written: str) -> None:
    assert str(Scopes.parse(text)) == written


@pytest.mark.parametrize(
    "piece",
    [
        "linodes",
        "linodes:",
        ":read_only",
        "linodes:READ_ONLY",
        "Linodes:read_only",
        "linodes:*",
        "**",
        "a:read_only:x",
        "linodes:read_only\n",
        "1a:read_only",
        "é:read_only",
        "z" * 65 + ":read_only",
    ],
)
def test_piece_that_is_no_scope_is_named(piece: str) -> None:
    with pytest.raises(ValueError) as error:
        Scopes.parse(f"account:read_only {piece}")
    assert error.value.args == (piece,)


def test_fault_beside_everything_is_still_a_fault() -> None:
    with pytest.raises(ValueError):
        Scopes.parse("* nonsense")


def test_sorted_text_is_alphabetical() -> None:
    assert Scopes.parse("vpc:read_write account:read_only").sorted_text == "account:read_only vpc:read_write"


@pytest.mark.parametrize("text", ["*", "linodes:read_only,vpc:read_write", "account:read_only * linodes:read_write"])
def test_scopes_of_the_catalogue_have_no_fault(text: str) -> None:
    assert CATALOGUE.faults(text) == []


def test_every_piece_that_the_catalogue_lacks_is_named_once() -> None:
    faults = CATALOGUE.faults("vpc:read_only linodes:read_only x vpc:read_only X")
    assert [(fault.reason, fault.field) for fault in faults] == [
        ("Invalid scope: vpc:read_only", "scopes"),
        ("Invalid scope: x", "scopes"),
        ("Invalid scope: X", "scopes"),
    ]


@pytest.mark.parametrize("text", ["", " ", " , "])
def test_no_scope_at_all_is_a_fault(text: str) -> None:
    assert [fault.reason for fault in CATALOGUE.faults(text)] == ["Must contain at least one scope"]


def test_longest_text_is_accepted() -> None:
    assert CATALOGUE.faults("*".ljust(SCOPES_LENGTH_MAX)) == []


def test_longer_text_is_refused_without_being_read() -> None:
    faults = CATALOGUE.faults("x " * SCOPES_LENGTH_MAX)
    assert [fault.reason for fault in faults] == ["Length must be 1-4096 characters"]


@given(st.text(max_size=60))
def test_whatever_the_catalogue_accepts_can_be_parsed(text: str) -> None:
    if not CATALOGUE.faults(text):
        Scopes.parse(text)


@pytest.mark.parametrize(
    ("resource", "level", "scope"),
    [
        ("linodes", Level.READ_ONLY, "linodes:read_only"),
        ("linodes", Level.READ_WRITE, "linodes:read_write"),
        ("vpc", Level.READ_ONLY, "vpc:read_write"),
        ("vpc", Level.READ_WRITE, "vpc:read_write"),
        ("volumes", Level.READ_ONLY, None),
        ("", Level.READ_ONLY, None),
    ],
)
def test_scope_for_a_level_is_the_lowest_that_gives_it(resource: str, level: Level, scope: str | None) -> None:
    assert CATALOGUE.find_scope(resource, level) == scope


@pytest.mark.parametrize(
    ("mine", "limit", "common"),
    [
        ("*", "linodes:read_only", "linodes:read_only"),
        ("linodes:read_write", "*", "linodes:read_write"),
        ("linodes:read_write domains:read_only", "linodes:read_only images:read_only", "linodes:read_only"),
        ("domains:read_only", "images:read_only", ""),
        ("*", "*", "*"),
    ],
)
def test_scopes_within_others_are_those_that_both_have(mine: str, limit: str, common: str) -> None:
    assert str(Scopes.parse(mine).within(Scopes.parse(limit))) == common


@pytest.mark.parametrize(
    ("mine", "others", "united"),
    [
        ("linodes:read_only", "domains:read_only linodes:read_write", "linodes:read_write domains:read_only"),
        ("linodes:read_only", "*", "*"),
        ("", "linodes:read_only", "linodes:read_only"),
    ],
)
def test_united_scopes_are_all_of_both_at_the_higher_level(mine: str, others: str, united: str) -> None:
    assert str(Scopes.parse(mine).united(Scopes.parse(others))) == united


def test_scopes_of_management_are_an_administrators_alone() -> None:
    users, both = Scopes.parse("tokenry_users:read_only"), Scopes.parse("tokenry_users:read_write linodes:read_only")
    assert users.management
    assert both.management
    assert ALL.management
    assert not EVERYTHING.management
    assert not Scopes.parse("linodes:read_only").management
    assert ALL.covers(users)
    assert ALL.covers(EVERYTHING)
    assert both.covers(users)
    assert not EVERYTHING.covers(users)
    assert not EVERYTHING.covers(both)
    assert not EVERYTHING.covers(ALL)
    assert both.within(EVERYTHING) == Scopes.parse("linodes:read_only") == EVERYTHING.within(both)
    assert both.within(ALL) == both == ALL.within(both)
    assert ALL.within(EVERYTHING) == EVERYTHING == EVERYTHING.within(ALL)
    assert (EVERYTHING.managing(), both.managing()) == (ALL, both)
    assert NOTHING.with_management().covers(Scopes.parse(" ".join(MANAGEMENT.scopes)))
