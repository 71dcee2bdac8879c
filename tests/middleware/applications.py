"""One small application for each framework, protected by the middleware and run by a real server.

    /any      any valid token           /linodes   by the method: linodes:read_only or linodes:read_write
    /reading  linodes:read_only         /open      for anybody

Each answers with what it was told of who is calling, and with the X-Auth-* headers that reached it.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import Annotated, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
import uvicorn
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.urls import clear_url_caches
from django.urls import path as url
from fastapi import Depends, FastAPI, Response

from tests.gateways.parts import Answer, Headers, ask
from tokenry.middleware import Identity, Needs, ResourceMetadata, Verifier, asgi, fastapi, wsgi
from tokenry.middleware.django import require

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],  # for Django REST framework
    MIDDLEWARE=["tokenry.middleware.django.TokenMiddleware"],
    SECRET_KEY="for tests",
)
START_SECONDS_MAX = 20
POLL_SECONDS = 0.02
ADA = Identity("ada", 3, 1, 7, "linodes:read_only", None)
IDENTITY = {
    "X-Auth-User": "ada",
    "X-Auth-User-Id": "3",
    "X-Auth-Account-Id": "1",
    "X-Auth-Token-Id": "7",
    "X-Auth-Scopes": "linodes:read_only",
    "X-Auth-Expires": "",
    "X-Auth-Client-Id": "",
    "X-Auth-External-Id": "",
}
"""The same as headers of the service."""
POLICIES: dict[str, Needs | None] = {
    "/any": Needs(),
    "/reading": Needs("linodes:read_only"),
    "/linodes": Needs(resource="linodes"),
    "/misspelt": Needs("linode:read_only"),
    "/optional": Needs("linodes:read_only", optional=True),
    "/open": None,
}


@dataclass
class Running:
    """An application that is served. `reached` are the paths of the requests that got to it."""

    port: int = 0
    reached: list[str] = field(default_factory=list)

    def told(self, path: str, identity: Identity | None, headers: list[str]) -> bytes:
        """The body of its answer."""
        self.reached.append(path)
        shown = identity and {
            **identity._asdict(),
            "expires": identity.expires and identity.expires.isoformat(),
            "metadata": None if identity.metadata is None else identity.metadata.json,
        }
        return json.dumps({"identity": shown, "headers": [name for name in headers if "auth-" in name]}).encode()


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-")


def asgi_app(verifier: Verifier, running: Running, metadata: ResourceMetadata | None) -> asgi.App:
    async def app(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        names = [_canonical(name.decode("latin-1")) for name, _ in scope["headers"]]
        body = running.told(scope["path"], scope["tokenry"], names)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return asgi.TokenMiddleware(app, verifier, lambda scope: POLICIES[scope["path"]], metadata=metadata)


async def _live(receive: asgi.Receive, send: asgi.Send) -> None:
    for event in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{event}"
        await send({"type": f"lifespan.{event}.complete"})


def wsgi_app(verifier: Verifier, running: Running, metadata: ResourceMetadata | None) -> Any:
    def app(environ: wsgi.Environ, start_response: Any) -> list[bytes]:
        names = [_canonical(name.removeprefix("HTTP_")) for name in environ]
        body = running.told(environ["PATH_INFO"], environ["tokenry.identity"], names)
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    return wsgi.TokenMiddleware(app, verifier, lambda environ: POLICIES[environ["PATH_INFO"]], metadata=metadata)


def fastapi_app(verifier: Verifier, running: Running, metadata: ResourceMetadata | None) -> FastAPI:
    require = fastapi.Requirer(verifier, metadata=metadata)
    app = FastAPI(lifespan=require.lifespan, exception_handlers=require.exception_handlers)
    needs: dict[str, fastapi.Requirement | fastapi.OptionalRequirement] = {
        "/any": require(),
        "/reading": require("linodes:read_only"),
        "/linodes": require(resource="linodes"),
        "/optional": require.optional("linodes:read_only"),
    }

    def add(path: str, requirement: fastapi.Requirement | fastapi.OptionalRequirement) -> None:
        async def view(identity: Annotated[Identity | None, Depends(requirement)]) -> Response:
            return Response(running.told(path, identity, []))

        app.add_api_route(path, view, methods=["GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])

    for path, requirement in needs.items():
        add(path, requirement)
    app.include_router(require.router)
    app.add_api_route("/open", lambda: Response(running.told("/open", None, [])))
    return app


def _django_app(
    verifier: Verifier, running: Running, metadata: ResourceMetadata | None, views: Callable[[Running], Any]
) -> None:
    settings.TOKENRY_VERIFIER = verifier
    settings.TOKENRY_METADATA = metadata
    settings.ROOT_URLCONF = views(running)
    clear_url_caches()
    django.setup()


def django_wsgi_app(verifier: Verifier, running: Running, metadata: ResourceMetadata | None) -> WSGIHandler:
    _django_app(verifier, running, metadata, sync_views)
    return WSGIHandler()


def django_asgi_app(verifier: Verifier, running: Running, metadata: ResourceMetadata | None) -> ASGIHandler:
    _django_app(verifier, running, metadata, async_views)
    return ASGIHandler()


def _django_told(running: Running, request: Any) -> HttpResponse:
    names = [_canonical(name.removeprefix("HTTP_")) for name in request.META]
    return HttpResponse(running.told(request.path, request.tokenry, names))


def sync_views(running: Running) -> Any:
    def view(request: Any) -> HttpResponse:
        return _django_told(running, request)

    return _urls(view)


def async_views(running: Running) -> Any:
    async def view(request: Any) -> HttpResponse:
        return _django_told(running, request)

    return _urls(view)


def _urls(view: Any) -> Any:
    return (
        url("any", require()(view)),
        url("reading", require("linodes:read_only")(view)),
        url("linodes", require(resource="linodes")(view)),
        url("optional", require("linodes:read_only", optional=True)(view)),
        url("open", view),
    )


@contextmanager
def serving_asgi(app: Any) -> Iterator[int]:
    """Serve an ASGI application by uvicorn, in a thread; the port."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="critical", proxy_headers=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),))
    thread.start()
    deadline = time.monotonic() + START_SECONDS_MAX
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


class _WsgiServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving_wsgi(app: Any) -> Iterator[int]:
    """Serve a WSGI application by the standard library, a thread for each connection; the port."""
    with make_server("127.0.0.1", 0, app, _WsgiServer, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


Build = Callable[[Verifier, Running, ResourceMetadata | None], Any]
Serve = Callable[[Any], AbstractContextManager[int]]
KINDS: dict[str, tuple[Build, Serve]] = {
    "asgi": (asgi_app, serving_asgi),
    "wsgi": (wsgi_app, serving_wsgi),
    "fastapi": (fastapi_app, serving_asgi),
    "django-wsgi": (django_wsgi_app, serving_wsgi),
    "django-asgi": (django_asgi_app, serving_asgi),
}


@contextmanager
def running(kind: str, verifier: Verifier, metadata: ResourceMetadata | None = None) -> Iterator[Running]:
    """Serve the application of one framework on one verifier for the length of a block."""
    build, serve = KINDS[kind]
    application = Running()
    with serve(build(verifier, application, metadata)) as application.port:
        yield application


def let_in(application: Running, path: str, headers: Headers, method: str = "GET") -> Any:
    """Ask, see that the application answered, and return what it was told."""
    answer = ask(application.port, method, path, headers)
    assert (answer.status, application.reached.pop()) == (200, path)
    return json.loads(answer.body)


def refused(application: Running, path: str, headers: Headers, method: str = "GET") -> Answer:
    """Ask, and see that the application was not asked."""
    answer = ask(application.port, method, path, headers)
    assert application.reached == []
    assert answer.status >= 400
    return answer
