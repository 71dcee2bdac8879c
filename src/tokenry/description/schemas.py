"""Schemas in words: what type something has, which keys, and what it looks like."""

import json
from collections.abc import Iterator
from typing import Any

from tokenry.description.html import Html, code, element, join, link, markdown, separated
from tokenry.description.openapi import Part, resolve

RANGES = (("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " items"))
SHOWN_MAX = 10**9
"""A limit beyond this says only that the number is kept in 64 bits."""


def reference(part: Part) -> str | None:
    """The name of what a part refers to; None for one that says it here."""
    return part["$ref"].rpartition("/")[2] if "$ref" in part else None


def write_schema(schema: Part, media_type: str | None = None) -> Html:
    """Write what a schema means, its type, that of the body it stands for, and its keys."""
    return join(
        markdown(schema.get("description", "")),
        element("p", *([code(media_type), ": "] if media_type else []), write_type(schema), class_="type"),
        write_keys(schema),
    )


def write_keys(schema: Part) -> Html:
    """Write the keys of a schema, if it has any."""
    entries = [write_entry(name, part, required=required) for name, part, required in _keys(schema)]
    return element("dl", *entries) if entries else join()


def write_entry(
    name: str, schema: Part, *, required: bool, place: str | None = None, description: str | None = None
) -> Html:
    """Write a key or a parameter: its name, where it stands, its type, its meaning."""
    meaning = description or schema.get("description") or resolve(schema).get("description", "")
    notes = [*([place] if place else []), *([] if required else ["optional"])]
    kind = separated([*notes, write_type(schema)], ", ")
    return join(
        element("dt", code(name), " ", element("span", *kind, class_="type")),
        element("dd", markdown(meaning)),
    )


def write_type(schema: Part) -> Html:
    """Write a type: as a link to a schema with a name, else in words."""
    name = reference(schema)
    if name is not None:
        return link(name, f"#schema-{name}")
    if "const" in schema:
        return code(str(schema["const"]))
    if "enum" in schema:
        return join(*separated([code(str(value)) for value in schema["enum"]], " or "))
    if "anyOf" in schema:
        return join(*separated(map(write_type, schema["anyOf"]), " or "))
    return join(*_words(schema))


def find_example(schema: Part) -> Any:
    """Something of that schema: an example where one is given, else made from its parts."""
    for given in (schema, resolve(schema)):
        if "examples" in given:
            return given["examples"][0]
    schema = resolve(schema)
    match schema:
        case {"const": value} | {"default": value} | {"enum": [value, *_]} | {"minimum": value}:
            return value
        case {"anyOf": [part, *_]}:
            return find_example(part)
        case {"items": items}:
            return [find_example(items)]
    keys = {key: find_example(part) for key, part in schema.get("properties", {}).items()}
    return {"string": "…", "integer": 1, "number": 1.0, "boolean": True, "array": []}.get(schema.get("type", ""), keys)


def _words(schema: Part) -> Iterator[str]:
    kinds = schema.get("type", "object")
    yield kinds if isinstance(kinds, str) else " or ".join(kinds)
    if "format" in schema:
        yield f" ({schema['format']})"
    if "items" in schema:
        yield from (" of ", write_type(schema["items"]))
    if "contentSchema" in schema:
        yield from (" of JSON: ", write_type(schema["contentSchema"]))
    for low, high, unit in RANGES:
        yield from _range(schema.get(low), schema.get(high), unit)
    if "pattern" in schema:
        yield from (", matching ", code(schema["pattern"]))
    if "default" in schema:
        yield from (", by default ", code(json.dumps(schema["default"])))


def _range(low: int | None, high: int | None, unit: str) -> Iterator[str]:
    if high is not None and high > SHOWN_MAX:
        high = None
    if low is not None and low < -SHOWN_MAX:
        low = None
    match low, high:
        case int(), int():
            yield f", {low} to {high}{unit}"
        case int(), None:
            yield f", {low}{unit} or more"
        case None, int():
            yield f", at most {high}{unit}"


def _keys(schema: Part, prefix: str = "") -> Iterator[tuple[str, Part, bool]]:
    """The keys that a schema says here, and those of what it nests: `errors`, `errors[].reason`."""
    for name, part in schema.get("properties", {}).items():
        yield f"{prefix}{name}", part, name in schema.get("required", ())
        if "items" in part:
            yield from _keys(part["items"], f"{prefix}{name}[].")
        else:
            yield from _keys(part, f"{prefix}{name}.")
