"""The words of faults, told from the source: constants, f-strings, and names that stand for such."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from tokenry.pages.told import GAP

REFUSALS = frozenset({"Conflict", "Fault", "Forbidden", "Forged", "InsufficientScope", "NotFound", "Unauthorized"})
"""What is given words for a fault, first of all."""
REASONS = re.compile(r".*(?:problem|reason)")
"""Functions that return words for a fault, and lists that hold some, are called so."""
Values: TypeAlias = Mapping[str, Sequence[ast.expr]]
"""What names stand for."""


def find_faults(modules: Sequence[ast.Module]) -> Iterator[Sequence[str]]:
    """Find words for faults, by module."""
    constants = _find_values(statement for module in modules for statement in module.body)
    for module in modules:
        found = [text for given, values in _find_in_module(module) for text in _read(given, {**constants, **values})]
        for function in _functions(module):
            if REASONS.match(function.name):
                found += [text for given in _find_returned(function) for text in _read(given, constants)]
        yield list(dict.fromkeys(found))


def find_untold(modules: Sequence[ast.Module]) -> set[str]:
    """Find what faults are given of which the source does not tell the words."""
    constants = _find_values(statement for module in modules for statement in module.body)
    return {
        ast.unparse(given)
        for module in modules
        for given, values in _find_in_module(module)
        if not _read(given, {**constants, **values})
    }


def _find_in_module(module: ast.Module) -> Iterator[tuple[ast.expr, Values]]:
    """Find what faults are given, and what the names there stand for."""
    inner = set[ast.expr]()
    for function in _functions(module):
        values = {**_find_values(module.body), **_find_defaults(function), **_find_values(ast.walk(function))}
        for given in _find_given(function):
            inner.add(given)
            yield given, values
    yield from ((given, {}) for given in _find_given(module) if given not in inner)


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _find_given(within: ast.AST) -> Iterator[ast.expr]:
    """Find what faults, refusals and lists of reasons are given."""
    for call in ast.walk(within):
        match call:
            case ast.Call(func=ast.Name(name), args=[words, *_]) if name in REFUSALS and not _is_fault(words):
                yield words
            case ast.Call(func=ast.Attribute(ast.Name(name), "append" | "insert"), args=[*_, words]):
                if REASONS.match(name):
                    yield words


def _is_fault(given: ast.expr) -> bool:
    match given:
        case ast.Starred() | ast.Call(func=ast.Name("Fault")):
            return True
    return False


def _find_returned(function: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield node.value


def _find_defaults(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Values:
    """What parameters stand for if nothing is given for them."""
    arguments = reversed(function.args.posonlyargs + function.args.args)
    pairs = zip(arguments, reversed(function.args.defaults), strict=False)
    return {argument.arg: [default] for argument, default in pairs}


def _find_values(nodes: Iterable[ast.AST]) -> Values:
    """What is assigned to names."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=value):
                found.setdefault(name, []).append(value)
    return found


def _read(given: ast.expr, values: Values) -> list[str]:
    """Read the texts that something may be, with gaps for what is written into them; none if that cannot be told."""
    match given:
        case ast.Constant(str(text)):
            return [text]
        case ast.JoinedStr(pieces):
            return ["".join(str(each.value) if isinstance(each, ast.Constant) else GAP for each in pieces)]
        case ast.IfExp(body=one, orelse=other):
            return _read(one, values) + _read(other, values)
        case ast.Name(name):
            return [text for value in values.get(name, ()) for text in _read(value, {})]
    return []
