"""`openapi.yaml` as strict readers see it: every key once and with a value, every example right."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft202012Validator

from tests.node import node
from tokenry.api.description import read_description, resolve

TEXT = files("tokenry.api").joinpath("openapi.yaml").read_text("utf-8")


def find_slips(text: str) -> list[str]:
    """Keys that stand twice in one mapping, and those without a value: a text that was cut at its comma is one."""
    slips, seen, open_nodes = [], set[int](), [yaml.compose(text, yaml.CSafeLoader)]
    while open_nodes:
        node = open_nodes.pop()
        if node is None or id(node) in seen:  # what an alias repeats
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            slips += [f"{key} stands twice" for key in {*keys} if keys.count(key) > 1]
            slips += [f"{key.value} has no value" for key, value in node.value if value.value == "" and not value.style]
            open_nodes += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            open_nodes += node.value
    return slips


def walk(part: Any, *where: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object of the description, and where it stands."""
    if isinstance(part, dict):
        yield where, part
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield from walk(value, *where, str(key))


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema, and where it stands."""
    for where, part in walk(read_description()):
        named = where[-2:-1] in {("schemas",), ("properties",), ("anyOf",)}
        if "examples" not in where and (named or where[-1:] in {("schema",), ("items",), ("contentSchema",)}):
            yield "/".join(where), part


def examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every example and default, with its schema: of schemas, bodies and parameters; and what a text of JSON holds."""
    for place, schema in schemas():
        for value in (*schema.get("examples", ()), *((schema["default"],) if "default" in schema else ())):
            yield place, schema, value
            if "contentSchema" in schema:
                yield place, schema["contentSchema"], json.loads(value)
    for where, part in walk(read_description()):
        if "schema" in part:
            for example in part.get("examples", {}).values():
                yield "/".join(where), part["schema"], example["value"]


def test_every_key_stands_once_and_has_a_value() -> None:
    assert find_slips(TEXT) == []


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        ("a: {b: 1, c: 2, b: 3}", "b stands twice"),
        ("- a:\n  - b: 1\n    b: 1", "b stands twice"),
        ("{description: In seconds, since 1970., type: integer}", "since 1970. has no value"),
        ("a:\nb: 1", "a has no value"),
    ],
)
def test_slip_is_found(text: str, slip: str) -> None:
    assert find_slips(text) == [slip]


def test_every_example_is_right() -> None:
    found = [*examples()]
    assert len(found) > 50
    components = read_description()["components"]
    for where, schema, value in found:
        errors = Draft202012Validator({"components": components, **schema}, validate_formats=True).iter_errors(value)
        assert not [error.message for error in errors], where


def test_generators_find_what_they_need() -> None:
    """They drop what they cannot give a type, and a value that stands in for one that must be sent is none."""
    for where, schema in schemas():
        assert schema.keys() & {"type", "$ref", "anyOf"}, where
        assert "items" in schema or "array" not in schema.get("type", ""), where
    parameters = [part for where, part in walk(read_description()) if "in" in part and "examples" not in where]
    assert len(parameters) > 20
    for parameter in parameters:
        assert "content" not in parameter, parameter["name"]
        assert not parameter.get("required") or "default" not in resolve(parameter["schema"]), parameter["name"]


@pytest.mark.parametrize(
    "command",
    [("redocly", "lint"), ("spectral", "lint", "--fail-severity", "hint")],
    ids=lambda command: command[0],
)
def test_linter_finds_nothing(command: tuple[str, ...]) -> None:
    """Each asks what it recommends; the exceptions are in `redocly.yaml` and `.spectral.yaml`."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    done = node(*command, "openapi.yaml", cwd=Path(__file__).parents[2], **quiet)
    assert done.returncode == 0, done.stdout + done.stderr
