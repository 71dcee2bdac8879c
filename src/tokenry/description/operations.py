"""An operation on the page: what it is called with, an example, and its answers."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode

from tokenry.description.html import Html, code, element, inline, join, link, markdown, separated
from tokenry.description.openapi import METHODS, Part, read_description, resolve
from tokenry.description.schemas import find_example, reference, write_entry, write_keys, write_schema

AUTHORIZATION = """-H @<(printf 'Authorization: Bearer %s' "$TOKENRY_TOKEN")"""
"""Gives curl the token as a file, by a command that is part of bash: so it is not in the list of processes."""


@dataclass(frozen=True)
class Operation:
    """One method of one path, with the parameters of both."""

    method: str
    path: str
    part: Part
    parameters: list[Part]

    @property
    def anchor(self) -> str:
        """Where it stands on the page."""
        return f"#{self.part['operationId']}"

    @property
    def security(self) -> list[Mapping[str, list[str]]]:
        """What it asks for: nothing, or a token with these scopes, of either kind."""
        needed: list[Mapping[str, list[str]]] = self.part.get("security", read_description()["security"])
        return needed

    @property
    def success(self) -> Part:
        """The answer when all goes well; nothing for what is never there."""
        responses = self.part["responses"]
        return resolve(next((responses[status] for status in sorted(responses) if status.startswith("2")), {}))


def list_operations(paths: Part, tag: str) -> list[Operation]:
    """The operations with a tag, in the order in which they are described."""
    return [
        Operation(
            method,
            path,
            item[method],
            [resolve(parameter) for parameter in (*item.get("parameters", ()), *item[method].get("parameters", ()))],
        )
        for path, item in paths.items()
        for method in METHODS
        if tag in item.get(method, {}).get("tags", ())
    ]


def write_signature(operation: Operation, *, omit: str = "") -> Html:
    """Write method and path, which may break at its slashes, as a link to the operation; without the prefix `omit`."""
    method = element("b", operation.method.upper(), class_=f"method {operation.method}")
    first, *rest = operation.path.removeprefix(omit).split("/")
    path = element("span", first, *(piece for step in rest for piece in (Html("<wbr>/"), step)))
    return element("a", method, " ", path, href=operation.anchor, title=operation.part["summary"])


def write_operation(operation: Operation) -> Html:
    """Write all that is said of an operation."""
    part = operation.part
    blocks = [
        element("h3", link(part["summary"], operation.anchor)),
        element("p", write_signature(operation), class_="signature"),
        element("p", *_needs(operation), class_="needs"),
        markdown(part["description"]),
    ]
    if operation.parameters:
        blocks += [element("h4", "Parameters"), element("dl", *map(_parameter, operation.parameters))]
    if "requestBody" in part:
        content = resolve(part["requestBody"])["content"]
        keys = (write_keys(resolve(body["schema"])) for body in content.values() if "$ref" in body["schema"])
        blocks += [element("h4", "Body"), _content(content), *keys]
    responses = part["responses"]
    blocks += [
        element("h4", "Example"),
        element("pre", code(write_curl(operation))),
        *_example_answer(operation.success),
        element("h4", "Answers"),
        element("dl", *(_answer(status, responses[status]) for status in sorted(responses))),
    ]
    call = json.dumps(_call(operation))
    return element("article", *blocks, id=operation.anchor.removeprefix("#"), data_call=call)


def write_response(response: Part) -> Html:
    """Write an answer: what it means, its body and its headers."""
    blocks = [markdown(response["description"])]
    if "content" in response:
        blocks.append(_content(response["content"]))
    headers = response.get("headers", {})
    if headers:
        names = [_header_name(name, header) for name, header in headers.items()]
        blocks.append(element("details", element("summary", "Headers"), element("p", *separated(names, ", "))))
    return join(*blocks)


def write_curl(operation: Operation) -> str:
    """Write a call that can be pasted, whatever it needs taken from the examples."""
    words = ["curl"]
    if "content" not in operation.success:
        words.append("-i")
    if operation.method not in ("get", "post") or (operation.method == "post" and "requestBody" not in operation.part):
        words.append(f"-X {operation.method.upper()}")
    if operation.security:
        words.append(AUTHORIZATION)
    lines = [" ".join(words)]
    for parameter in operation.parameters:
        if parameter["in"] == "header" and parameter.get("required"):
            header = f"{parameter['name']}: {find_example(parameter['schema'])}"
            lines.append(f"-H {shlex.quote(header)}")
    lines += _example_body(operation.part)
    lines.append(f'"$TOKENRY_URL{_example_path(operation)}"')
    return " \\\n  ".join(lines)


def _call(operation: Operation) -> Mapping[str, object]:
    """What the script of the page has to know to send it; what has to be there is filled in from the examples."""
    call = {
        "method": operation.method.upper(),
        "path": operation.path,
        "secured": bool(operation.security),
        "parameters": [
            {
                "name": parameter["name"],
                "in": parameter["in"],
                "value": str(find_example(parameter["schema"])) if parameter.get("required") else "",
            }
            for parameter in operation.parameters
        ],
    }
    body = next(_example_bodies(operation.part), None)
    return call if body is None else {**call, "type": body[0], "body": body[1]}


def _needs(operation: Operation) -> Iterator[str]:
    scopes = dict.fromkeys(scope for scheme in operation.security for needed in scheme.values() for scope in needed)
    if scopes:
        yield from ("Scope ", *separated(map(code, scopes), ", "))
    else:
        yield "A valid token, of any scope" if operation.security else "No token"


def _parameter(parameter: Part) -> Html:
    return write_entry(
        parameter["name"],
        parameter["schema"],
        place=parameter["in"],
        required=parameter.get("required", False),
        description=parameter["description"],
    )


def _answer(status: str, response: Part) -> Html:
    term = element("dt", element("b", status, class_=f"status s{status[0]}"))
    name = reference(response)
    if name is None:
        return join(term, element("dd", write_response(response)))
    meaning = inline(resolve(response)["description"])
    return join(term, element("dd", element("p", meaning, " ", link("Details", f"#response-{name}"))))


def _header_name(name: str, header: Part) -> Html:
    target = reference(header)
    return code(name) if target is None else link(name, f"#header-{target}")


def _content(content: Part) -> Html:
    return join(*(write_schema(body["schema"], media_type) for media_type, body in content.items()))


def _example_answer(response: Part) -> Iterator[Html]:
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    if schema is not None:
        yield element("pre", code(json.dumps(find_example(schema))), class_="answer")


def _example_body(part: Part) -> Iterator[str]:
    """Write it in the first of the ways in which it may be sent."""
    for media_type, text in islice(_example_bodies(part), 1):
        yield f"-H 'Content-Type: {media_type}'"
        yield f"-d {shlex.quote(text)}"


def _example_bodies(part: Part) -> Iterator[tuple[str, str]]:
    """Each way in which it may be sent: media type and text."""
    for media_type, content in resolve(part.get("requestBody", {})).get("content", {}).items():
        examples = [example["value"] for example in content.get("examples", {}).values()]
        value = examples[0] if examples else find_example(content["schema"])
        yield media_type, json.dumps(value) if media_type == "application/json" else urlencode(value)


def _example_path(operation: Operation) -> str:
    path = operation.path
    for parameter in operation.parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(find_example(parameter["schema"])))
    return path
