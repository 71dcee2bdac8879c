"""`openapi.yaml` as strict readers see it: every key once and with a value, every example right."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft202012Validator

from tests.node import node
from tokenry.description.openapi import METHODS, read_description, resolve

REPOSITORY = Path(__file__).parents[2]
STR = "tag:yaml.org,2002:str"
JSON = re.compile(r"true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
YAML_1_2 = re.compile(
    r"~|null|true|false|[-+]?(\.\d+|\d+(\.\d*)?)(e[-+]?\d+)?|0o[0-7]+|0x[0-9a-f]+|[-+]?\.inf|\.nan", re.IGNORECASE
)
"""What its core schema takes for something else than a text (section 10.3.2)."""
FILES = sorted(
    file.relative_to(REPOSITORY).as_posix()
    for pattern in ("*.yaml", "src/**/*.yaml", "src/**/*.yml", "deploy/**/*.yaml", "deploy/**/*.yml")
    for file in REPOSITORY.glob(pattern)
)


def find_slips(text: str) -> list[str]:
    """What readers of YAML do not agree on.

    Keys that stand twice in one mapping; those without a value, as when a text is cut at its comma; merge keys; and
    plain words that YAML 1.1 or YAML 1.2 takes for something else than JSON would.
    """
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
            open_nodes += [part for pair in node.value for part in pair if part.value != ""]
        elif isinstance(node, yaml.SequenceNode):
            open_nodes += node.value
        elif isinstance(node, yaml.ScalarNode) and not node.style and _is_ambiguous(node):
            slips.append(f"{node.value} is not a text to everybody")
    return slips


def _is_ambiguous(plain: yaml.ScalarNode) -> bool:
    if JSON.fullmatch(plain.value):
        return False
    return plain.tag != STR or YAML_1_2.fullmatch(plain.value) is not None


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
        if "examples" not in where and (
            named or where[-1:] in {("schema",), ("items",), ("additionalProperties",), ("contentSchema",)}
        ):
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


@pytest.mark.parametrize("file", FILES)
def test_every_reader_of_yaml_finds_the_same(file: str) -> None:
    assert find_slips((REPOSITORY / file).read_text("utf-8")) == []


def test_every_file_is_read() -> None:
    assert {"openapi.yaml", "redocly.yaml", ".spectral.yaml", "deploy/envoy/envoy.yaml"} < {*FILES}


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        ("a: {b: 1, c: 2, b: 3}", "b stands twice"),
        ("- a:\n  - b: 1\n    b: 1", "b stands twice"),
        ("{description: In seconds, since 1970., type: integer}", "since 1970. has no value"),
        ("a:\nb: 1", "a has no value"),
        ("a: &a {b: 1}\nc: {<<: *a}", "<< is not a text to everybody"),
        ("when: 2026-01-01", "2026-01-01 is not a text to everybody"),
        ("answer: no", "no is not a text to everybody"),
        ("at: 12:30", "12:30 is not a text to everybody"),
        ("- 1e3x\n- 0o17", "0o17 is not a text to everybody"),
    ],
)
def test_slip_is_found(text: str, slip: str) -> None:
    assert find_slips(text) == [slip]


def test_operations_describe_the_refusals_they_share() -> None:
    """Of the management API: what any request may meet, what any that asks for a token, and what any with a body."""
    for path, item in read_description()["paths"].items():
        for operation in (item[method] for method in METHODS if path.startswith("/{apiVersion}/") and method in item):
            shared = {"400", "404", "408", "429", "431", "500"}
            if operation.get("security", True):
                shared |= {"401", "503"}
            if "requestBody" in operation:
                shared |= {"413", "415"}
            assert shared <= operation["responses"].keys(), operation["operationId"]


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
    done = node(*command, "openapi.yaml", cwd=REPOSITORY, **quiet)
    assert done.returncode == 0, done.stdout + done.stderr
