"""A dependency for FastAPI: `Depends(require("linodes:read_only"))` is the caller's identity, or a refusal."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response, WebSocketException, status
from fastapi.openapi.models import HTTPBearer
from fastapi.requests import HTTPConnection
from fastapi.security.base import SecurityBase

from tokenry.domain.errors import NotFound
from tokenry.domain.identity import Identity
from tokenry.domain.scopes import is_instance
from tokenry.middleware.answers import Answer, Refused
from tokenry.middleware.asgi import USER_KEY, ask
from tokenry.middleware.metadata import ResourceMetadata
from tokenry.middleware.questions import Needs, Verifier, require_counting
from tokenry.middleware.users import UserOf, find_user_async

NO_INSTANCE = Refused.because(404, *NotFound().faults)
"""The answer where a path names what can be no instance."""
SOME_INSTANCE = "0"

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


class RefusedRequest(HTTPException):
    """A refusal on its way to the client. Without `exception_handlers` FastAPI puts its body under `detail`."""

    def __init__(self, refused: Refused) -> None:
        headers = {name: value for name, value in refused.headers if name != "Content-Length"}
        super().__init__(refused.status, refused.body.decode("utf-8"), headers)
        self.refused = refused


class Requirer:
    """Makes dependencies on one verifier: `require = Requirer(verifier)`.

    Give the application `lifespan=require.lifespan`, which closes the verifier at the end, and
    `exception_handlers=require.exception_handlers`, so that refusals look as the service's do. With `metadata`, clients
    find out by themselves who gives out tokens for it: `app.include_router(require.router)`. With `user_of`,
    `request.user` is the application's own user (see `UserOf`).
    """

    def __init__(
        self, verifier: Verifier, *, metadata: ResourceMetadata | None = None, user_of: UserOf | None = None
    ) -> None:
        self._verifier = verifier
        self._metadata = metadata
        self._user_of = user_of
        self._needed: list[Needs] = []

    def __call__(
        self,
        *scopes: str,
        resource: str | Sequence[str] = (),
        audience: str | None = None,
        instance: str | None = None,
        cost: int = 0,
    ) -> "Requirement":
        """A dependency on what these say (see `Needs`). Raises ValueError.

        `instance` is the path parameter that names the instance: with `"team_id"`, `messages:read` is needed of the one
        that the path is about. Where it can be the name of none, nothing is found.
        """
        needs = self._note(Needs(*scopes, resource=resource, audience=audience, cost=cost), instance)
        return Requirement(self._verifier, needs, self._metadata, self._user_of, instance)

    def optional(
        self,
        *scopes: str,
        resource: str | Sequence[str] = (),
        audience: str | None = None,
        instance: str | None = None,
        cost: int = 0,
    ) -> "OptionalRequirement":
        """The same, for a route that has another way to tell who is calling: None where no token is presented."""
        needs = Needs(*scopes, resource=resource, audience=audience, optional=True, cost=cost)
        self._note(needs, instance)
        return OptionalRequirement(self._verifier, needs, self._metadata, self._user_of, instance)

    def _note(self, needs: Needs, instance: str | None) -> Needs:
        """Note what will be needed: where the path names the instance, any is as good as another."""
        self._needed.append(needs if instance is None else needs.of_instance(SOME_INSTANCE))
        return needs

    @property
    def router(self) -> APIRouter:
        """The route at which `metadata` is found; none without it."""
        router = APIRouter(include_in_schema=False)
        if self._metadata is not None:
            described = self._metadata.reply
            router.add_api_route(
                self._metadata.path,
                lambda: Response(described.body, described.status, dict(described.headers)),
                methods=["GET", "HEAD"],
            )
        return router

    @property
    def exception_handlers(self) -> dict[int | type[Exception], Handler]:
        """What an application needs to answer with the refusal as it is."""
        return {RefusedRequest: _answer}

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[None]:
        """Start nothing that needs what the catalogue lacks, and close the verifier when the application ends."""
        try:
            await to_thread(self._verifier.check, *self._needed)
            yield
        finally:
            await self._verifier.close_async()


class _Dependency(SecurityBase):
    """In the application's OpenAPI description it is a bearer token."""

    def __init__(
        self,
        verifier: Verifier,
        needs: Needs,
        metadata: ResourceMetadata | None = None,
        user_of: UserOf | None = None,
        instance: str | None = None,
    ) -> None:
        require_counting(verifier, needs)
        self.model = HTTPBearer(description="A personal access token")
        self.scheme_name = "token"
        self._verifier = verifier
        self._needs = needs
        self._metadata = metadata
        self._user_of = user_of
        self._instance = instance

    async def _ask(self, connection: HTTPConnection) -> Identity | None:
        asked: Answer | None = NO_INSTANCE
        needs = self._needs if self._instance is None else self._find_needs(str(connection.path_params[self._instance]))
        if needs is not None:
            asked = await ask(self._verifier, needs, connection.scope, self._metadata)
        answer, user = await find_user_async(self._user_of, asked)
        if not isinstance(answer, Refused):
            if user is not None:
                connection.scope[USER_KEY] = user
            return answer
        if connection.scope["type"] == "websocket":
            raise WebSocketException(status.WS_1008_POLICY_VIOLATION)
        raise RefusedRequest(answer)

    def _find_needs(self, instance: str) -> Needs | None:
        return self._needs.of_instance(instance) if is_instance(instance) else None


class Requirement(_Dependency):
    """A dependency that returns an Identity."""

    async def __call__(self, connection: HTTPConnection) -> Identity:
        """Ask about a request or a websocket. Raises RefusedRequest, or for a websocket WebSocketException."""
        identity = await self._ask(connection)
        assert identity is not None
        return identity


class OptionalRequirement(_Dependency):
    """A dependency that returns an Identity, or None where no token is presented."""

    async def __call__(self, connection: HTTPConnection) -> Identity | None:
        """Ask about a request or a websocket. Raises as a Requirement does."""
        return await self._ask(connection)


async def _answer(request: Request, refusal: RefusedRequest) -> Response:
    refused = refusal.refused
    return Response(refused.body, refused.status, dict(refused.headers))
