"""Functions and files are no longer than somebody reads at once."""

import ast
from pathlib import Path

import tokenry

SOURCE = Path(tokenry.__file__).parent
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400


def too_long(name: str, text: str) -> list[str]:
    """What of a module is too long, the module or its functions, each with its number of lines."""
    file = len(text.splitlines())
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = {f"{node.name}, line {node.lineno}": (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    found = [f"{name}: {file}"] if file > FILE_LINES_MAX else []
    return found + [f"{name}: {what}: {number}" for what, number in lines.items() if number > FUNCTION_LINES_MAX]


def test_functions_and_files_are_short() -> None:
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 100
    assert [long for file in files for long in too_long(str(file.relative_to(SOURCE)), file.read_text("utf-8"))] == []


def test_longer_function_is_found_also_within_a_class() -> None:
    body = "\n".join("        pass" for _ in range(FUNCTION_LINES_MAX))
    assert too_long("a", f"class A:\n    async def b(self):\n{body}\n") == ["a: b, line 2: 61"]


def test_longer_file_is_found() -> None:
    assert too_long("a", "pass\n" * (FILE_LINES_MAX + 1)) == ["a: 401"]
