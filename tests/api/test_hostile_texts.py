"""Whatever text a request holds, and however it is nested, both engines answer it: never with a 5xx.

The requests are made from the description: each parameter of each operation, and each key of each body, in turn.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest

from tests.conftest import App, Clock, make_app
from tokenry.description.openapi import METHODS, read_description, resolve

TEXTS = ("\0", "a\ud800", "x" * 20_000)
NESTED = 1010
"""Deeper and wider than SQLite lets an expression be."""
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Request:
    """A request of the description's, with one hostile text in it."""

    method: str
    path: str
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


def requests(samples: Mapping[str, str]) -> Iterator[Request]:
    """Every operation with every hostile text in every place; elsewhere in a path are `samples`."""
    for template, item in read_description()["paths"].items():
        for method, operation in item.items():
            if method not in METHODS:
                continue
            for parameter in map(resolve, [*item.get("parameters", []), *operation.get("parameters", [])]):
                yield from parameter_requests(method.upper(), template, parameter, samples)
            yield from body_requests(method.upper(), fill(template, samples), operation)


def fill(template: str, samples: Mapping[str, str]) -> str:
    """A path, with `1` where no sample is known."""
    return template.format_map(defaultdict(lambda: "1", samples))


def parameter_requests(method: str, template: str, parameter: Any, samples: Mapping[str, str]) -> Iterator[Request]:
    name, path = parameter["name"], fill(template, samples)
    match parameter["in"]:
        case "path":
            for text in TEXTS:
                yield Request(method, fill(template, {**samples, name: escape(text)}))
        case "query":
            for text in TEXTS:
                yield Request(method, f"{path}?{name}={escape(text)}")
        case "header" if "contentSchema" in parameter["schema"]:
            for filter in filters(resolve(parameter["schema"]["contentSchema"])):
                yield Request(method, path, {name.encode(): json.dumps(filter).encode()})
        case "header":
            for text in TEXTS:
                yield Request(method, path, {name.encode(): text.encode("utf-8", "surrogatepass")})


def filters(schema: Any) -> Iterator[object]:
    """Filters on every field that the schema knows, and of every shape."""
    for name in schema["properties"]:
        yield from ({name: text} for text in TEXTS[:2])
    yield from ({"+order_by": text, text: text} for text in TEXTS)
    for symbol in ("+and", "+or"):
        deep: object = {}
        for _ in range(NESTED // 10):
            deep = {symbol: [deep]}
        yield from (deep, {symbol: [{}] * NESTED}, {symbol: [{"+and": [{}] * 9}] * (NESTED // 10)})


def body_requests(method: str, path: str, operation: Any) -> Iterator[Request]:
    """Bodies with one key of those that are described."""
    for media_type, content in resolve(operation.get("requestBody", {})).get("content", {}).items():
        headers = {b"Content-Type": media_type.encode()}
        for name in resolve(content["schema"]).get("properties", {}):
            if media_type == FORM:
                bodies = [f"{name}={escape(text)}" for text in TEXTS]
            else:
                bodies = [json.dumps({name: value}) for text in TEXTS for value in (text, [text])]
                bodies.append(f'{{"{name}": {"[" * NESTED}1{"]" * NESTED}}}')
            for body in bodies:
                yield Request(method, path, headers, body.encode())


def escape(text: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.fixture
def app(tmp_path: Path, clock: Clock, migrated_url: str | None) -> Iterator[App]:
    """The application with all that it has, on each engine in turn."""
    app = make_app(tmp_path / "data", clock, migrated_url, public_url="https://tokens.example.com")
    with app.client:
        yield app


def test_no_text_makes_a_server_error(app: App) -> None:
    user = {"username": "ada", "email": "ada@example.com"}
    assert app.client.post("/v4/account/users", headers=app.bearer, json=user).status_code == 200
    token_id = app.client.post("/v4/profile/tokens", headers=app.bearer, json={}).json()["id"]
    samples = {"apiVersion": "v4", "tokenId": str(token_id), "username": "ada"}
    statuses: Counter[int] = Counter()
    for request in requests(samples):
        headers = {b"Authorization": app.bearer["Authorization"].encode(), **request.headers}
        answer = app.client.request(request.method, request.path, headers=headers, content=request.body)
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, (request.method, request.path[:200], request.headers, request.body[:200])
        assert answer.status_code < 400 or answer.json().keys() & {"errors", "error"}
    assert statuses[400] > 400
