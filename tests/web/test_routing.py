"""Looking a path up finds what Starlette's router finds by trying the patterns of all routes."""

import asyncio
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from tests.api.parts import routes
from tests.conftest import App
from tokenry.web.routing import Paths

PIECES = ["", "v4", "profile", "tokens", "details", "a", "b", "{x}", "5", "rotate", "verify"]
PATHS = ["/", "/v4/a", "/v4/profile/tokens", "/v4/profile/tokens/details", "/v4/profile/tokens/{x}"]
PATHS += ["/v4/profile/tokens/{x}/rotate", "/verify/{x}/{rest:path}", "/v4/profile/tokens/5", "/v4/b/"]


class Noting:
    """An application that notes that it was asked, and for what."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["asked"] = self._name, scope.get("path_params", {})


def ask(router: Router, path: str) -> Any:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode("ascii")}
    asyncio.run(router(scope, None, None))  # type: ignore[arg-type]
    return scope["asked"]


@pytest.fixture(scope="module")
def both() -> tuple[Router, Router]:
    table = [Route(path, Noting(path)) for path in PATHS]
    nothing = Noting("nothing")
    return Router(table, redirect_slashes=False, default=nothing), Paths(table, default=nothing)


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=7))
def test_both_find_the_same(both: tuple[Router, Router], pieces: list[str]) -> None:
    starlette, mine = both
    path = "/" + "/".join(pieces)
    assert ask(mine, path) == ask(starlette, path)


def test_both_find_every_route_of_the_service(app: App) -> None:
    table = [Route(route.path, Noting(route.path)) for route in routes(app)]
    starlette = Router(table, redirect_slashes=False, default=Noting("nothing"))
    mine = Paths(table, default=Noting("nothing"))
    for route in table:
        for path in (route.path, f"{route.path}/", f"{route.path}/more", route.path.rpartition("/")[0]):
            assert ask(mine, path) == ask(starlette, path)


def test_path_of_many_pieces_is_not_taken_apart() -> None:
    mine = Paths([Route("/v4/profile/tokens/{x}", Noting("x"))], default=Noting("nothing"))
    assert ask(mine, "/v4/profile/tokens" + "/" * 32_000) == ("nothing", {})


def test_slash_that_is_escaped_belongs_to_a_name(both: tuple[Router, Router]) -> None:
    _, mine = both
    assert ask(mine, "/v4/profile/tokens/a%2Fb") == ("/v4/profile/tokens/{x}", {"x": "a/b"})
    assert ask(mine, "/v4/profile/tokens/%2f%2Frotate/rotate") == ("/v4/profile/tokens/{x}/rotate", {"x": "//rotate"})
    assert ask(mine, "/v4/profile/tokens/a%252Fb") == ("/v4/profile/tokens/{x}", {"x": "a%2Fb"})
    assert ask(mine, "/v4%2Fprofile/tokens/a") == ("nothing", {})
