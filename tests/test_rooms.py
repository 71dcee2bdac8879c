"""A file of tests may be moved or removed, and takes nothing of the others with it: what they share is not in there."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
MODULES = {
    path.relative_to(HERE.parent).as_posix(): path.read_text("utf-8")
    for path in sorted(HERE.rglob("*.py"))
    if "node_modules" not in path.parts
}


def imported(text: str) -> Iterator[str]:
    """What a module imports, by its full name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def of_a_test(name: str) -> bool:
    return name.startswith("tests.") and ".test_" in name


def helpers(text: str) -> Iterator[tuple[str, str]]:
    """The functions and classes of a module that are no tests: the name of each, and what it does."""
    definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for node in ast.parse(text).body:
        if isinstance(node, definition) and not node.name.startswith("test_"):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield node.name, "\n".join(map(ast.unparse, body))


def twins(modules: dict[str, str]) -> list[list[str]]:
    """The modules that have a helper of one name that does the same, for each such helper."""
    found = defaultdict(list)
    for module, text in modules.items():
        for helper in helpers(text):
            found[helper].append(f"{module}: {helper[0]}")
    return [places for places in found.values() if len(places) > 1]


def test_no_module_imports_one_of_tests() -> None:
    assert len(MODULES) > 200
    found = {module: [name for name in imported(text) if of_a_test(name)] for module, text in MODULES.items()}
    assert {module: names for module, names in found.items() if names} == {}


def test_import_of_tests_is_found_wherever_it_stands() -> None:
    within = "def a():\n    from tests.api.test_users import USERS\n"
    text = within + "import tests.test_sizes\nfrom tests.api import test_users"
    names = [name for name in imported(text) if of_a_test(name)]
    assert sorted(names) == ["tests.api.test_users", "tests.api.test_users.USERS", "tests.test_sizes"]


def test_no_helper_stands_twice() -> None:
    assert twins(MODULES) == []


def test_helper_that_stands_twice_is_found_whatever_its_docstring() -> None:
    once, again = "@fixture\ndef a(b):\n    return 1", 'def a() -> int:\n    """One."""\n    return 1'
    assert twins({"x": once, "y": again, "z": "def a():\n    return 2"}) == [["x: a", "y: a"]]
