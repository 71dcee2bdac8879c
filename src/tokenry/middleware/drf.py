"""For Django REST framework: tokens as a way to authenticate, beside sessions and others.

The settings are those of `django.py`. Its middleware need not be there, but it takes out what the sender says in
`X-Auth-*`.
"""

import json
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, ParseError, PermissionDenied, Throttled
from rest_framework.request import Request

from tokenry.domain.identity import Identity
from tokenry.middleware.answers import Refused
from tokenry.middleware.django import find_own_user, judge
from tokenry.middleware.questions import Needs

_CHALLENGE = "_tokenry_challenge"


class Undecided(APIException):  # type: ignore[misc]  # DRF has no types
    """503: there is no decision, and in doubt the answer is no."""

    status_code = 503
    default_code = "unavailable"


@dataclass(frozen=True)
class TokenUser:
    """Who is calling, where TOKENRY_USER finds no user of the site's own. It is no row: `pk` is none of a table's."""

    identity: Identity
    is_authenticated = True
    is_anonymous = False
    is_active = True

    @property
    def pk(self) -> str:
        """By which throttles tell callers apart."""
        return f"tokenry:{self.identity.user_id}"

    def __str__(self) -> str:
        return self.identity.user


class TokenryAuthentication(BaseAuthentication):  # type: ignore[misc]
    """Takes the token of a request, as good for what the view needs; `request.auth` is the `Identity`.

    A subclass says what the view needs: `needs = Needs(resource="linodes")`. `request.user` is whom TOKENRY_USER finds,
    or a `TokenUser`. A request without a token is left to the other ways to authenticate, and to the permissions.
    Where the site has `django.TokenMiddleware`, `needs` of the views in its URLconf are checked when it starts.
    """

    needs = Needs()

    def authenticate(self, request: Request) -> tuple[Any, Identity] | None:
        """Ask about the request's token, if it has one.

        Raises AuthenticationFailed (401), PermissionDenied (403) for a token that may not do it and for nobody whom
        the site knows, Throttled (429), ParseError (400), and Undecided (503).
        """
        needs = copy(self.needs)
        needs.optional = True
        answer, user = find_own_user(judge(needs, request._request))  # noqa: SLF001 - as DRF's own classes do
        if answer is None:
            return None
        if isinstance(answer, Refused):
            raise _exception_of(answer, request)
        request._request.tokenry = answer  # noqa: SLF001
        return TokenUser(answer) if user is None else user, answer

    def authenticate_header(self, request: Request) -> str:
        """The WWW-Authenticate of a 401: that of the refusal, or what whoever presents no token is told."""
        told: str | None = getattr(request, _CHALLENGE, None)
        if told is None:
            answer = judge(self.needs, _without_token(request._request))  # noqa: SLF001
            told = answer.challenge if isinstance(answer, Refused) else None
        return told or "Bearer"


def _without_token(request: HttpRequest) -> HttpRequest:
    bare = copy(request)
    bare.META = {name: value for name, value in request.META.items() if name not in {"HTTP_AUTHORIZATION", "HTTP_DPOP"}}
    return bare


def _exception_of(refused: Refused, request: Request) -> APIException:
    kinds: dict[int, type[APIException]] = {
        400: ParseError,
        401: AuthenticationFailed,
        403: PermissionDenied,
        429: Throttled,
    }
    error = kinds.get(refused.status, Undecided)(detail=json.loads(refused.body)["errors"][0]["reason"])
    if refused.status == 429:
        error.wait = int(dict(refused.left)["Retry-After"])  # with which DRF answers
        view = request.parser_context.get("view")
        if view is not None:  # the one way to a header of an answer that an exception makes
            view.headers.update(refused.left)
    setattr(request, _CHALLENGE, refused.challenge)
    error.auth_header = refused.challenge  # DRF answers with it, whatever the status
    return error
