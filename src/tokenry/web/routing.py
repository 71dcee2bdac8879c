"""Finding the route of a path without trying the patterns of all routes, one after the other."""

from collections.abc import Sequence
from urllib.parse import unquote

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

_SLASH = "\ud800"
"""What stands for a slash within a name while routes are tried; no UTF-8 says it."""
_PIECES = 4
"""Of a path that has a parameter: those before it, as in `/v4/profile/tokens/{token_id}`, with the nothing in front."""


class Paths(Router):
    """Starlette's router, which looks a path up by its text, or by its first pieces, before it tries patterns."""

    def __init__(
        self, routes: Sequence[BaseRoute], *, default: ASGIApp, lifespan: Lifespan[ASGIApp] | None = None
    ) -> None:
        super().__init__(routes, redirect_slashes=False, default=default, lifespan=lifespan)
        self._whole: dict[str, ASGIApp] = {}
        self._below: dict[tuple[str, ...], list[Route]] = {}
        self._others: list[Route] = []
        for route in routes:
            assert isinstance(route, Route)
            pieces = _first_pieces(route.path)
            if not route.param_convertors:
                self._whole.setdefault(route.path, route.app)
            elif any("{" in piece for piece in pieces):
                self._others.append(route)
            else:
                self._below.setdefault(pieces, []).append(route)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the application behind its path."""
        if scope["type"] != "http":
            await super().app(scope, receive, send)
            return
        path = scope["path"]
        if b"%2f" in scope["raw_path"].lower():
            path = mark_slashes(scope["raw_path"], _SLASH)
        found = self._whole.get(path)
        if found is not None:
            scope["path_params"] = {}
            await found(scope, receive, send)
            return
        for route in (*self._below.get(_first_pieces(path), ()), *self._others):
            match = route.path_regex.match(path)
            if match:
                scope["path_params"] = {name: text.replace(_SLASH, "/") for name, text in match.groupdict().items()}
                await route.app(scope, receive, send)
                return
        await self.default(scope, receive, send)


def mark_slashes(raw_path: bytes, mark: str) -> str:
    """A path with `mark` for each slash that was written as %2F: it belongs to a name (RFC 3986 section 2.2)."""
    return "/".join(unquote(piece).replace("/", mark) for piece in raw_path.decode("latin-1").split("/"))


def _first_pieces(path: str) -> tuple[str, ...]:
    return tuple(path.split("/", _PIECES)[:_PIECES])
