"""For Django: a middleware that takes in no identity but its own, and a decorator for views, sync and async.

MIDDLEWARE = ["tokenry.middleware.django.TokenMiddleware", …]
TOKENRY_VERIFIER = RemoteVerifier("http://127.0.0.1:8470")     a verifier, or a function that makes one
TOKENRY_NEEDS = Needs()                                        what every request needs; None, or not there: nothing
TOKENRY_METADATA = ResourceMetadata(…)                         what clients find out by themselves, if anything
"""

from asyncio import to_thread
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tokenry.middleware.answers import Refused, Reply
from tokenry.middleware.metadata import ResourceMetadata
from tokenry.middleware.questions import Needs, Verifier, write_target
from tokenry.middleware.wsgi import ask, remove_identity_headers

View = TypeVar("View", bound=Callable[..., Any])


class TokenMiddleware:
    """Takes out what the sender says in `X-Auth-*`, and holds every request against TOKENRY_NEEDS, if there is one.

    `request.tokenry` is the identity, and None as long as nobody has looked at the token.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._needs: Needs | None = getattr(settings, "TOKENRY_NEEDS", None)
        _verifier()  # what is wrong with it is told at the start
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Judge one request."""
        remove_identity_headers(request.META)
        request.tokenry = None
        if iscoroutinefunction(self):
            return self._call_async(request)
        reply = _describe(request) or (None if self._needs is None else _admit(self._needs, request))
        return reply or self._get_response(request)

    async def _call_async(self, request: HttpRequest) -> Any:
        reply = _describe(request) or (None if self._needs is None else await _admit_async(self._needs, request))
        return reply or await self._get_response(request)


def require(
    *scopes: str, resource: str | tuple[str, ...] = (), audience: str | None = None, optional: bool = False
) -> Callable[[View], View]:
    """Decorate a view with what it needs (see `Needs`). The identity is in `request.tokenry`.

    Raises ValueError.
    """
    needs = Needs(*scopes, resource=resource, audience=audience, optional=optional)

    def decorate(view: Any) -> Any:
        if iscoroutinefunction(view):

            @wraps(view)
            async def judged_async(request: HttpRequest, *arguments: Any, **named: Any) -> Any:
                return await _admit_async(needs, request) or await view(request, *arguments, **named)

            return judged_async

        @wraps(view)
        def judged(request: HttpRequest, *arguments: Any, **named: Any) -> Any:
            return _admit(needs, request) or view(request, *arguments, **named)

        return judged

    return decorate


def _describe(request: HttpRequest) -> HttpResponse | None:
    """The answer to whoever asks for the description of the site."""
    described = _metadata()
    asked = described is not None and described.answers(request.method or "", request.path)
    return _respond(described.reply) if described is not None and asked else None


def _admit(needs: Needs, request: HttpRequest) -> HttpResponse | None:
    """Put the identity into the request, or return the refusal."""
    answer = ask(_verifier(), needs, request.META, _metadata(), target=write_target(request.path))
    if isinstance(answer, Refused):
        return _respond(answer)
    request.tokenry = answer
    return None


async def _admit_async(needs: Needs, request: HttpRequest) -> HttpResponse | None:
    """Do so from an event loop, but ask in a thread: Django may run each async view in a loop of its own."""
    return await to_thread(_admit, needs, request)


def _respond(reply: Reply) -> HttpResponse:
    return HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))


def _metadata() -> ResourceMetadata | None:
    found: ResourceMetadata | None = getattr(settings, "TOKENRY_METADATA", None)
    return found


def _verifier() -> Verifier:
    return _made(settings.TOKENRY_VERIFIER)


@lru_cache(maxsize=1)
def _made(verifier: Any) -> Verifier:
    made: Verifier = verifier() if callable(verifier) else verifier
    return made
