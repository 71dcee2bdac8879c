"""For Django: a middleware that takes in no identity but its own, and a decorator for views, sync and async.

MIDDLEWARE = ["tokenry.middleware.django.TokenMiddleware", …]
TOKENRY_VERIFIER = RemoteVerifier("http://127.0.0.1:8470")     a verifier, or a function that makes one
TOKENRY_NEEDS = Needs()                                        what every request needs; None, or not there: nothing
TOKENRY_METADATA = ResourceMetadata(…)                         what clients find out by themselves, if anything
TOKENRY_USER = "accounts.users.user_of"                        finds the site's own user (see `UserOf`), or its name
"""

from asyncio import to_thread
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import Any, TypeVar

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import URLResolver, get_resolver
from django.utils.module_loading import import_string

from tokenry.domain.identity import Identity
from tokenry.middleware.answers import Answer, Refused, Reply
from tokenry.middleware.metadata import ResourceMetadata
from tokenry.middleware.questions import Needs, Verifier, require_counting, write_target
from tokenry.middleware.users import UserOf, find_user, find_user_async, is_async
from tokenry.middleware.wsgi import ask, remove_identity_headers

View = TypeVar("View", bound=Callable[..., Any])
_USER = "_tokenry_user"
_NEEDS = "_tokenry_needs"


class TokenMiddleware:
    """Takes out what the sender says in `X-Auth-*`, and holds every request against TOKENRY_NEEDS, if there is one.

    `request.tokenry` is the identity, and None as long as nobody has looked at the token. With TOKENRY_USER,
    `request.user` is the site's own user in views, whatever a session says.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._needs: Needs | None = getattr(settings, "TOKENRY_NEEDS", None)
        # What is wrong with it, or needed and not there, is told at the start.
        verifier = _verifier()
        require_counting(verifier, self._needs)
        verifier.check(*_list_needs(), *([] if self._needs is None else [self._needs]))
        _user_of()
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

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Set the user again, when every other middleware has set its own."""
        if hasattr(request, _USER):
            _set_user(request, getattr(request, _USER))

    async def _call_async(self, request: HttpRequest) -> Any:
        reply = _describe(request) or (None if self._needs is None else await _admit_async(self._needs, request))
        return reply or await self._get_response(request)


def require(
    *scopes: str,
    resource: str | tuple[str, ...] = (),
    audience: str | None = None,
    optional: bool = False,
    cost: int = 0,
) -> Callable[[View], View]:
    """Decorate a view with what it needs (see `Needs`). The identity is in `request.tokenry`.

    Raises ValueError.
    """
    needs = Needs(*scopes, resource=resource, audience=audience, optional=optional, cost=cost)

    def decorate(view: Any) -> Any:
        if iscoroutinefunction(view):

            @wraps(view)
            async def judged_async(request: HttpRequest, *arguments: Any, **named: Any) -> Any:
                return await _admit_async(needs, request) or await view(request, *arguments, **named)

            setattr(judged_async, _NEEDS, needs)
            return judged_async

        @wraps(view)
        def judged(request: HttpRequest, *arguments: Any, **named: Any) -> Any:
            return _admit(needs, request) or view(request, *arguments, **named)

        setattr(judged, _NEEDS, needs)
        return judged

    return decorate


def _list_needs() -> Iterator[Needs]:
    """What the views of the site need, as far as they say it: those in the URLconf, which is read for it."""
    waiting = [get_resolver()] if getattr(settings, "ROOT_URLCONF", None) else []
    while waiting:
        for each in waiting.pop().url_patterns:
            if isinstance(each, URLResolver):
                waiting.append(each)
            else:
                yield from _needs_of(each.callback)


def _needs_of(view: Any) -> Iterator[Needs]:
    """What `require` says, and what the classes say by which a view of Django REST framework authenticates."""
    if hasattr(view, _NEEDS):
        yield getattr(view, _NEEDS)
    given = getattr(view, "initkwargs", {})
    classes = given.get("authentication_classes", getattr(getattr(view, "cls", None), "authentication_classes", ()))
    yield from (each.needs for each in classes if isinstance(getattr(each, "needs", None), Needs))


def _describe(request: HttpRequest) -> HttpResponse | None:
    """The answer to whoever asks for the description of the site."""
    described = _metadata()
    asked = described is not None and described.answers(request.method or "", request.path)
    return _respond(described.reply) if described is not None and asked else None


def judge(needs: Needs, request: HttpRequest) -> Answer | None:
    """Ask about a request; None for who presents no token, and need not."""
    return ask(_verifier(), needs, request.META, _metadata(), target=write_target(request.path))


def find_own_user(answer: Answer | None) -> tuple[Answer | None, Any]:
    """The answer, and the site's own user if it is a yes; a refusal in place of a yes when there is nobody."""
    user_of = _user_of()
    return find_user(async_to_sync(user_of) if user_of is not None and is_async(user_of) else user_of, answer)


def _admit(needs: Needs, request: HttpRequest) -> HttpResponse | None:
    """Put the identity into the request, or return the refusal."""
    return _conclude(request, *find_own_user(judge(needs, request)))


async def _admit_async(needs: Needs, request: HttpRequest) -> HttpResponse | None:
    """Do so from an event loop, but ask in a thread: Django may run each async view in a loop of its own."""
    answer = await to_thread(judge, needs, request)
    user_of = _user_of()
    if user_of is not None and not is_async(user_of):
        user_of = _in_the_thread_of_the_database(user_of)
    return _conclude(request, *await find_user_async(user_of, answer))


def _in_the_thread_of_the_database(user_of: UserOf) -> UserOf:
    async def find(identity: Identity) -> Any:
        return await sync_to_async(user_of)(identity)

    return find


def _conclude(request: HttpRequest, answer: Answer | None, user: Any) -> HttpResponse | None:
    if isinstance(answer, Refused):
        return _respond(answer)
    request.tokenry = answer
    if user is not None:
        setattr(request, _USER, user)
        _set_user(request, user)
    return None


def _set_user(request: HttpRequest, user: Any) -> None:
    async def auser() -> Any:
        return user

    request.user, request.auser = user, auser


def _respond(reply: Reply) -> HttpResponse:
    return HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))


def _metadata() -> ResourceMetadata | None:
    found: ResourceMetadata | None = getattr(settings, "TOKENRY_METADATA", None)
    return found


def _user_of() -> UserOf | None:
    named = getattr(settings, "TOKENRY_USER", None)
    found: UserOf | None = import_string(named) if isinstance(named, str) else named
    return found


def _verifier() -> Verifier:
    return _made(settings.TOKENRY_VERIFIER)


@lru_cache(maxsize=1)
def _made(verifier: Any) -> Verifier:
    made: Verifier = verifier() if callable(verifier) else verifier
    return made
