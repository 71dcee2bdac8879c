"""Holding answers against `openapi.yaml`: the status, the headers, the media type and the body.

Strict where a client could be surprised: an answer has no status, header or key that is not described, and lacks none
that is described as always there.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
from jsonschema_rs import Draft202012Validator

from tokenry.description.openapi import METHODS, read_description, resolve

OF_THE_CONNECTION = frozenset({"connection", "content-length", "content-type", "date", "transfer-encoding"})
"""Headers that HTTP itself asks for; a description does not repeat them."""


OAUTH = ("/oauth/", "/.well-known/")
"""Below these, every refusal is as OAuth has it."""
PAGES = "/{apiVersion}/tokenry/page/"
"""Below this, what pages of a product are told."""


@dataclass(frozen=True)
class Answer:
    """An answer to a request, from whichever client."""

    method: str
    path: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Header:
    """A described header, its schema compiled."""

    def __init__(self, schema: Any) -> None:
        self._is_number = resolve(schema).get("type") == "integer"
        self._schema = _compile(schema)

    def problems(self, value: str) -> Iterable[str]:
        """What is wrong with a value."""
        read = int(value) if self._is_number and value.isdecimal() else value
        return [error.message for error in self._schema.iter_errors(read)]


@dataclass(frozen=True)
class Described:
    """A described answer, its references resolved and its schemas compiled."""

    headers: Mapping[str, Header]
    always: frozenset[str]
    media_types: frozenset[str]
    body: Draft202012Validator | None


def check_response(response: httpx2.Response) -> None:
    """Check an answer; an event hook for a client."""
    response.read()
    headers = [(name.lower(), value) for name, value in response.headers.multi_items()]
    path = response.request.url.raw_path.decode("ascii").partition("?")[0]
    check(Answer(response.request.method, path, response.status_code, headers, response.content))


CHECKED: dict[str, list[Callable[..., Any]]] = {"response": [check_response]}
"""The `event_hooks` of a client whose every answer is checked."""


def check(answer: Answer) -> None:
    """Raise AssertionError for an answer that is not as described."""
    described = find_described(answer.method, answer.path, answer.status)
    where = f"{answer.method} {answer.path} answered {answer.status}"
    assert described is not None, f"{where}, which is not described"
    problems = [*_header_problems(described, answer.headers), *_body_problems(described, answer)]
    assert not problems, f"{where}, and not as described: {'; '.join(problems)}"


def find_described(method: str, path: str, status: int) -> Described | None:
    """What is described of such an answer."""
    item = next((template for template, pattern in path_patterns().items() if pattern.fullmatch(path)), None)
    return _described(_where(item, method, status))


def path_patterns() -> Mapping[str, re.Pattern[str]]:
    """The described paths, each with a pattern of what it stands for."""
    return _path_patterns()


@cache
def _path_patterns() -> dict[str, re.Pattern[str]]:
    versions = "|".join(read_description()["components"]["schemas"]["ApiVersion"]["enum"])
    patterns = {}
    for template in read_description()["paths"]:
        pattern = re.escape(template).replace(r"\{apiVersion\}", f"(?:{versions})").replace(r"\{path\}", ".*")
        patterns[template] = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]*", pattern))
    return patterns


def _where(path: str | None, method: str, status: int) -> tuple[str, ...]:
    """Where such an answer is described; what holds for all paths is said in components."""
    if path is None:
        return ("components", "responses", "NoSuchPath") if status == 404 else ()
    operations = read_description()["paths"][path]
    name = "get" if method == "HEAD" or "x-any-method" in operations else method.lower()
    if name in operations:
        return ("paths", path, name, "responses", str(status))
    shared = ""
    if path.startswith(PAGES):
        shared = "PageOptions" if name == "options" and status == 200 else "PageRefused"
    elif status == 400:
        shared = "NotHttp"
    elif name == "options" and status == 200:
        shared = "Options"
    elif status == 405:
        brief = any("405" in operation["responses"] for key, operation in operations.items() if key in METHODS)
        of_face = "MethodNotAllowedBrief" if brief else "MethodNotAllowed"
        shared = "OAuthMethodNotAllowed" if path.startswith(OAUTH) else of_face
    return ("components", "responses", shared) if shared else ()


@cache
def _described(where: tuple[str, ...]) -> Described | None:
    part: Any = read_description() if where else {}
    for key in where:
        part = part.get(key, {})
    response = resolve(part)
    if not response:
        return None
    headers = {name.lower(): resolve(header) for name, header in response.get("headers", {}).items()}
    content = response.get("content", {})
    return Described(
        headers={name: Header(header["schema"]) for name, header in headers.items()},
        always=frozenset(name for name, header in headers.items() if header.get("required")),
        media_types=frozenset(content),
        body=_compile(content["application/json"]["schema"]) if "application/json" in content else None,
    )


def _compile(schema: Any) -> Draft202012Validator:
    """Compile a schema, with the whole description's components within its reach.

    Equal ones are compiled once: each takes more than a megabyte, and thousands of headers share a few schemas.
    """
    return _compile_text(json.dumps(schema, sort_keys=True))


@cache
def _compile_text(schema: str) -> Draft202012Validator:
    return Draft202012Validator({"components": read_description()["components"], **json.loads(schema)})


def _header_problems(described: Described, headers: Iterable[tuple[str, str]]) -> Iterable[str]:
    seen = set()
    for name, value in headers:
        seen.add(name)
        if name in described.headers:
            yield from (f"{name}: {problem}" for problem in described.headers[name].problems(value))
        elif name not in OF_THE_CONNECTION:
            yield f"the header {name} is not described"
    yield from (f"the header {name} is missing" for name in described.always - seen)


def _body_problems(described: Described, answer: Answer) -> Iterable[str]:
    media_types = [value for name, value in answer.headers if name == "content-type"]
    if len(media_types) != min(1, len(described.media_types)) or not described.media_types.issuperset(media_types):
        yield f"the media type is {media_types}"
    elif not described.media_types and answer.body:
        yield "there is a body"
    elif described.body is not None and media_types == ["application/json"] and answer.method != "HEAD":
        errors = described.body.iter_errors(json.loads(answer.body))
        yield from (f"{error.instance_path}: {error.message}" for error in errors)
