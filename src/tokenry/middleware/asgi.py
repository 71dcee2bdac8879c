"""In front of an ASGI application: nothing reaches it without a valid token."""

from asyncio import to_thread
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tokenry.domain.identity import Identity
from tokenry.middleware.answers import Answer, Refused, Reply
from tokenry.middleware.metadata import ResourceMetadata
from tokenry.middleware.questions import (
    ANY_TOKEN,
    Needs,
    Question,
    Verifier,
    require_counting,
    without_identity_headers,
    write_target,
)
from tokenry.middleware.users import UserOf, find_user_async

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SCOPE_KEY = "tokenry"
USER_KEY = "user"
"""Where Starlette has it, as `request.user`."""
WEBSOCKET_METHOD = "WEBSOCKET"
"""What may be sent over a websocket nobody knows: where the method decides, it counts as one that writes."""
_POLICY_VIOLATION = 1008  # RFC 6455 section 7.4.1


class TokenMiddleware:
    """Lets requests and websockets through that have what they need, with the identity in `scope["tokenry"]`.

    `needs` are those of all of them, or a function from an ASGI scope to its needs, which returns None for what is
    open to anybody; the identity is then None, as it is for who presents no token where that is optional. Whatever the
    sender says in X-Auth-* is taken out. With `metadata`, clients find out by themselves who gives out tokens for it.
    With `user_of`, `scope["user"]` is the application's own user (see `UserOf`).

    The verifier is closed when the application has shut down.
    """

    def __init__(
        self,
        app: App,
        verifier: Verifier,
        needs: Needs | Callable[[Scope], Needs | None] = ANY_TOKEN,
        *,
        metadata: ResourceMetadata | None = None,
        user_of: UserOf | None = None,
    ) -> None:
        require_counting(verifier, needs)
        self._app = app
        self._verifier = verifier
        self._needs = needs
        self._metadata = metadata
        self._user_of = user_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge one request or websocket."""
        if scope["type"] == "lifespan":
            try:
                await self._live(scope, receive, send)
            finally:
                await self._verifier.close_async()
            return
        described = self._metadata
        if described is not None and scope["type"] == "http" and described.answers(scope["method"], scope["path"]):
            await reply(scope, receive, send, described.reply)
            return
        scope = {**scope, "headers": without_identity_headers(scope["headers"]), SCOPE_KEY: None}
        needs = self._needs if isinstance(self._needs, Needs) else self._needs(scope)
        if needs is not None:
            answer, user = await find_user_async(self._user_of, await ask(self._verifier, needs, scope, described))
            if isinstance(answer, Refused):
                await reply(scope, receive, send, answer)
                return
            scope[SCOPE_KEY] = answer
            if user is not None:
                scope[USER_KEY] = user
        await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application live, unless it needs what the catalogue lacks: then it does not start."""
        if not (isinstance(self._needs, Needs) and self._needs.names_any):
            await self._app(scope, receive, send)
            return
        begun = [await receive()]
        try:
            await to_thread(self._verifier.check, self._needs)
        except ValueError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return

        async def receive_again() -> Message:
            return begun.pop() if begun else await receive()

        await self._app(scope, receive_again, send)


async def ask(
    verifier: Verifier, needs: Needs, scope: Scope, metadata: ResourceMetadata | None = None
) -> Answer | None:
    """Ask about an ASGI request; None for who presents no token, and need not."""
    needs = needs if metadata is None else metadata.complete(needs)
    agents, raw_path = _values(scope, b"user-agent"), scope.get("raw_path")
    question = Question.of(
        needs,
        method=scope["method"] if scope["type"] == "http" else WEBSOCKET_METHOD,
        authorizations=_values(scope, b"authorization"),
        address=scope["client"][0] if scope.get("client") else None,
        agent=agents[-1] if agents else None,
        target=raw_path.decode("latin-1") if raw_path else write_target(scope["path"]),
        proofs=_values(scope, b"dpop"),
    )
    if not isinstance(question, Question):
        return question
    answer = await verifier.verify_async(question)
    return answer if metadata is None or isinstance(answer, Identity) else metadata.tell(answer, needs)


async def reply(scope: Scope, receive: Receive, send: Send, answer: Reply) -> None:
    """Answer a request, or a websocket before it is one, in place of the application."""
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        kind = "websocket.http.response"
        if kind not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
    headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in answer.headers]
    await send({"type": f"{kind}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": answer.body})


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
