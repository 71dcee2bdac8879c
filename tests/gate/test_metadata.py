"""What a product keeps with a user and a token is told to who asks about the token, as it is at that moment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.managing import at, backend_of
from tests.conftest import App, Clock, make_app, new_database
from tests.serving.conftest import serve
from tests.serving.parts import Served, head
from tokenry.domain.metadata import BYTES_MAX, Metadata

HEADER = "x-auth-metadata"


@pytest.fixture
def telling(tmp_path: Path, clock: Clock, migrated_url: str | None) -> Iterator[App]:
    """The application on each engine, which tells gateways."""
    app = make_app(tmp_path / "data", clock, migrated_url, metadata_header=True)
    with app.client:
        yield app


def test_metadata_is_told_at_once_by_every_way_to_ask(telling: App) -> None:
    app, backend = telling, backend_of(telling)
    made = app.client.post(
        f"{at('a')}/tokens", headers=backend, json={"create_user": True, "metadata": {"t": 1}}
    ).json()
    asked = {"Authorization": f"Bearer {made['token']}"}

    def tell() -> Any:
        header = Metadata.read_header(app.client.get("/verify", headers=asked).headers[HEADER]).json
        [verdict] = app.client.post("/verify/batch", headers=app.bearer, json={"tokens": [made["token"]]}).json()
        claims = app.client.post("/oauth/introspect", headers=app.bearer, data={"token": made["token"]}).json()
        assert header == verdict["metadata"] == claims.get("metadata", {"user": {}, "token": {}})
        return header

    assert tell() == {"user": {}, "token": {"t": 1}}
    app.client.patch(at("a"), headers=backend, json={"metadata": {"plan": "prö"}})
    assert tell() == {"user": {"plan": "prö"}, "token": {"t": 1}}
    details = f"{at('a')}/tokens/{made['id']}/details"
    app.client.put(details, headers=backend, json={"metadata": {"t": [2, None]}})
    assert tell() == {"user": {"plan": "prö"}, "token": {"t": [2, None]}}
    made = app.client.post(f"{at('a')}/tokens/{made['id']}/rotate", headers=backend, json={}).json()
    asked["Authorization"] = f"Bearer {made['token']}"
    assert tell() == {"user": {"plan": "prö"}, "token": {"t": [2, None]}}
    app.client.patch(at("a"), headers=backend, json={"metadata": {}})
    app.client.put(details, headers=backend, json={"metadata": {}})
    assert tell() == {"user": {}, "token": {}}
    assert app.client.get("/verify", headers=asked).headers[HEADER] == ""


def test_gateways_are_told_only_where_the_operator_says_so(app: App) -> None:
    app.client.put("/v4/profile/tokens/1/details", headers=app.bearer, json={"metadata": {"a": 1}})
    assert HEADER not in app.client.get("/verify", headers=app.bearer).headers


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_fast_way_tells_it_as_the_ordinary_one_does(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    if engine == "sqlite":
        yielded = serve(tmp_path / "data", None, metadata_header=True)
        tell_alike(next(yielded))
    else:
        with new_database(request.getfixturevalue("postgres")) as url:
            yielded = serve(tmp_path / "data", url.render_as_string(hide_password=False), metadata_header=True)
            tell_alike(next(yielded))
            next(yielded, None)
    next(yielded, None)


def tell_alike(served: Served) -> None:
    bearer = f"Authorization: Bearer {served.secrets['good']}"
    question = head("GET /verify", bearer)
    for kept in ({}, {"a": "ü"}, {"a": "x" * (BYTES_MAX - 10)}, {"b": 1}):
        body = json.dumps({"metadata": kept}).encode()
        put = head("PUT /v4/profile/tokens/1/details", bearer, f"Content-Length: {len(body)}") + body
        assert served.exchange([put], fast=True)[0].startswith(b"HTTP/1.1 200")
        ordinary, _ = served.exchange([question], fast=False)
        assert served.exchange([question], fast=True)[0] == served.exchange([question], fast=True)[0] == ordinary
        [line] = [line for line in ordinary.decode().split("\r\n") if line.startswith(HEADER)]
        assert Metadata.read_header(line.removeprefix(f"{HEADER}: ")).token == kept
