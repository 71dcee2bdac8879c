"""The scope algebra and the catalogue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.domain.scopes import ALL, EVERYTHING, NOTHING, SCOPES_LENGTH_MAX, Catalogue, Level, Resource, Scopes

CATALOGUE = Catalogue(
    (
        Resource("account", tuple(Level), "Account"),
        Resource("linodes", tuple(Level), "Instances"),
        Resource("vpc", (Level.READ_WRITE,), "Networks"),
    )
)
some_scopes = st.builds(
    Scopes, st.dictionaries(st.sampled_from(["account", "linodes", "vpc", "a_1", "z" * 64]), st.sampled_from(Level))
)
all_scopes = some_scopes | st.just(EVERYTHING)


@given(all_scopes)
def test_written_scopes_read_back_the_same(scopes: Scopes) -> None:
    assert Scopes.parse(str(scopes)) == scopes


@given(some_scopes)
def test_written_scopes_keep_their_order(scopes: Scopes) -> None:
    assert list(Scopes.parse(str(scopes)).levels) == list(scopes.levels)


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
