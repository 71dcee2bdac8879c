"""The application's own user, in every kind of application: found, not there, or not to be told."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings
from fastapi import Depends, FastAPI, Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from tests.middleware import applications
from tokenry.middleware import Answer, Identity, Needs, Question, Refused, asgi, fastapi, wsgi
from tokenry.middleware.django import TokenMiddleware, require
from tokenry.middleware.users import UserOf, is_async

assert applications.KINDS  # the settings are made there
ADA = Identity("ada", 3, 1, 7, "linodes:read_only", None, None, "auth0|64f2")
OWN = {"auth0|64f2": "Ada of this application"}
GOOD, BAD = {"authorization": "Bearer good"}, {"authorization": "Bearer bad"}
STRANGE = b'{"errors": [{"reason": "This application has no such user"}]}'
OPTIONAL = Needs(optional=True)


class Decided:
    """A verifier that knows one token."""

    def verify(self, question: Question) -> Answer:
        return ADA if question.authorization == "Bearer good" else Refused.because(401, challenge="Bearer")

    async def verify_async(self, question: Question) -> Answer:
        return self.verify(question)

    def check(self, *needs: Needs) -> None:
        """Everything is known."""

    def close(self) -> None:
        """Nothing is open."""

    async def close_async(self) -> None:
        """Nothing is open."""


@dataclass
class Told:
    """What an application answered."""

    status: int
    body: bytes


Ask = Callable[[UserOf, dict[str, str]], Told]


def ask_asgi(user_of: UserOf, headers: dict[str, str]) -> Told:
    async def app(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(scope.get("user")).encode()})

    guarded: Any = asgi.TokenMiddleware(app, Decided(), OPTIONAL, user_of=user_of)
    answer = TestClient(guarded).get("/", headers=headers)
    return Told(answer.status_code, answer.content)


def ask_wsgi(user_of: UserOf, headers: dict[str, str]) -> Told:
    def app(environ: wsgi.Environ, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [str(environ.get("tokenry.user")).encode()]

    statuses: list[int] = []
    environ = RequestFactory().get("/", headers=headers).environ
    guarded = wsgi.TokenMiddleware(app, Decided(), OPTIONAL, user_of=user_of)
    body = b"".join(guarded(environ, lambda status, _: statuses.append(int(status[:3]))))  # type: ignore[arg-type]
    return Told(statuses[0], body)


def ask_fastapi(user_of: UserOf, headers: dict[str, str]) -> Told:
    need = fastapi.Requirer(Decided(), user_of=user_of)
    app = FastAPI(exception_handlers=need.exception_handlers)

    @app.get("/")
    async def hello(request: Request, _: Annotated[Identity | None, Depends(need.optional())]) -> Any:
        return PlainTextResponse(str(request.scope.get("user")))

    answer = TestClient(app).get("/", headers=headers)
    return Told(answer.status_code, answer.content)


def show(request: Any) -> HttpResponse:
    return HttpResponse(str(getattr(request, "user", None)))


async def show_async(request: Any) -> HttpResponse:
    if hasattr(request, "auser"):
        assert await request.auser() == request.user
    return show(request)


def ask_view(user_of: UserOf, headers: dict[str, str]) -> Told:
    with override_settings(TOKENRY_VERIFIER=Decided(), TOKENRY_USER=user_of):
        answer = require(optional=True)(show)(RequestFactory().get("/", headers=headers))
    return Told(answer.status_code, answer.content)


def ask_view_async(user_of: UserOf, headers: dict[str, str]) -> Told:
    async def ask() -> HttpResponse:
        found: HttpResponse = await require(optional=True)(show_async)(AsyncRequestFactory().get("/", headers=headers))
        return found

    with override_settings(TOKENRY_VERIFIER=Decided(), TOKENRY_USER=user_of):
        answer = asyncio.run(ask())
    return Told(answer.status_code, answer.content)


ASKED: dict[str, Ask] = {
    "asgi": ask_asgi,
    "wsgi": ask_wsgi,
    "fastapi": ask_fastapi,
    "django": ask_view,
    "django-async": ask_view_async,
}


def find(identity: Identity) -> str | None:
    return OWN.get(identity.external_id or "")


async def find_async(identity: Identity) -> str | None:
    await asyncio.sleep(0)
    return find(identity)


class Finder:
    """An object that is called."""

    async def __call__(self, identity: Identity) -> str | None:
        return await find_async(identity)


@dataclass
class Left:
    """A user of Django's who was deactivated."""

    is_active = False


def find_left(_: Identity) -> Left:
    return Left()


async def find_left_async(_: Identity) -> Left:
    return Left()


def find_nobody(_: Identity) -> None:
    return None


async def find_nobody_async(_: Identity) -> None:
    return None


def fail(_: Identity) -> str:
    raise LookupError("no database")


async def fail_async(identity: Identity) -> str:
    return fail(identity)


def wait_for_nobody(identity: Identity) -> Any:
    """Not async by its looks, so what it returns is nobody."""
    waiting = find_async(identity)
    WAITING.append(waiting)
    return waiting


WAITING: list[Any] = []


@pytest.fixture(autouse=True)
def waiting() -> Iterator[None]:
    yield
    while WAITING:
        WAITING.pop().close()


@pytest.mark.parametrize("kind", ASKED)
@pytest.mark.parametrize(
    ("user_of", "status", "body"),
    [
        (find, 200, b"Ada of this application"),
        (find_async, 200, b"Ada of this application"),
        (Finder(), 200, b"Ada of this application"),
        (find_nobody, 403, STRANGE),
        (find_nobody_async, 403, STRANGE),
        (find_left, 403, STRANGE),
        (find_left_async, 403, STRANGE),
        (fail, 503, None),
        (fail_async, 503, None),
        (wait_for_nobody, 503, None),
    ],
)
def test_own_user_is_found_or_the_request_is_refused(
    kind: str, user_of: UserOf, status: int, body: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    if kind == "wsgi" and is_async(user_of):  # which has no event loop
        with pytest.raises(TypeError, match="not async"):
            ask_wsgi(user_of, GOOD)
        return
    with caplog.at_level(logging.ERROR, "tokenry.middleware"):
        told = ASKED[kind](user_of, GOOD)
    assert told.status == status
    assert body is None or told.body == body
    assert ("who is calling by token 7 is not known here" in caplog.text) == (status == 503)


@pytest.mark.parametrize("kind", ASKED)
def test_nobody_is_looked_for_without_a_good_token(kind: str) -> None:
    asked: list[Identity] = []
    assert ASKED[kind](asked.append, BAD).status == 401
    told = ASKED[kind](asked.append, {})
    assert (told.status, told.body, asked) == (200, b"None", [])


def test_user_of_a_site_with_a_policy_stays_when_a_session_has_another() -> None:
    def sign_in(request: Any) -> Any:
        request.user = "of the session"
        return request.user

    request: HttpRequest = RequestFactory().get("/", headers=GOOD)
    with override_settings(
        TOKENRY_VERIFIER=Decided(), TOKENRY_NEEDS=Needs(), TOKENRY_USER="tests.middleware.test_users.find"
    ):
        middleware = TokenMiddleware(sign_in)
        assert middleware(request) == "of the session"
    middleware.process_view(request, show, (), {})
    assert show(request).content == b"Ada of this application"
