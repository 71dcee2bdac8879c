"""`GET /verify`: the question a gateway asks on every request. The decision is the verifier's.

200   valid, and the scopes asked for are covered; the X-Auth-* headers say who it is
400   the question itself is wrong: the gateway's configuration needs mending
401   no valid token (RFC 6750 section 3.1)
403   valid, but its scopes do not cover `?scope=`
503   the database cannot answer: not a yes
"""

from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from tokenry.api.errors import STATUS, MethodNotAllowed
from tokenry.api.operation import challenge, log, refuse_briefly, send_answer
from tokenry.domain.accounts import Actor
from tokenry.domain.errors import Fault, InsufficientScope, Refusal, Unauthorized, Unavailable, raise_faults
from tokenry.domain.scopes import NOTHING, Catalogue, Scopes
from tokenry.domain.tokens import NEVER
from tokenry.verification.verifier import Denial, Verifier

_NO_STORE = (b"cache-control", b"no-store")
_NEVER_SECONDS = int(NEVER.timestamp())


class VerifyEndpoint:
    """An ASGI application that decides on the request's own Authorization header."""

    methods = frozenset({"GET", "HEAD", "POST"})

    def __init__(self, verifier: Verifier, catalogue: Catalogue) -> None:
        self._verifier = verifier
        # A gateway asks with a handful of query strings; reading one costs more than the rest of the request.
        self._needed = lru_cache(maxsize=1024)(lambda query: read_needed(query, catalogue))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question."""
        try:
            if scope["method"] not in self.methods:
                raise MethodNotAllowed
            needed: Scopes = self._needed(scope["query_string"])
            decision = await self._verifier.verify(_authorization(scope), needed)
        except Refusal as refusal:
            if isinstance(refusal, Unavailable):
                log.error("database unavailable", exc_info=refusal.__cause__)
            await refuse_briefly(send, STATUS[type(refusal)], refusal.faults)
            return
        if decision.actor is not None and decision.denial is None:
            await send_answer(send, 200, b"", identity_headers(decision.actor))
            return
        headers = [(b"www-authenticate", challenge(decision, str(needed)).encode("ascii"))]
        if decision.denial is Denial.INSUFFICIENT_SCOPE:
            await refuse_briefly(send, 403, InsufficientScope().faults, headers)
        else:
            await refuse_briefly(send, 401, Unauthorized().faults, headers)


def identity_headers(actor: Actor) -> list[tuple[bytes, bytes]]:
    """Who is calling, for the service behind the gateway. All of them are always there, so that none can be forged.

    X-Auth-Expires is in seconds since 1970, and empty for a token that does not expire.
    """
    expires = "" if actor.expires_at >= _NEVER_SECONDS else str(actor.expires_at)
    return [
        (b"x-auth-user", actor.username.encode("ascii")),
        (b"x-auth-user-id", str(actor.user_id).encode("ascii")),
        (b"x-auth-account-id", str(actor.account_id).encode("ascii")),
        (b"x-auth-token-id", str(actor.token_id).encode("ascii")),
        (b"x-auth-scopes", actor.scopes.sorted_text.encode("ascii")),
        (b"x-auth-expires", expires.encode("ascii")),
        _NO_STORE,
    ]


def read_needed(query: bytes, catalogue: Catalogue) -> Scopes:
    """Read `?scope=…`, repeatable. Raises Invalid for anything else: a misspelt question is not an easier one."""
    if not query:
        return NOTHING
    parameters = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    raise_faults(Fault("Unknown parameter", name) for name, _ in parameters if name != "scope")
    text = " ".join(value for _, value in parameters)
    raise_faults(Fault(fault.reason, "scope") for fault in catalogue.faults(text))
    return Scopes.parse(text)


def _authorization(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            text: str = value.decode("latin-1")
            return text
    return None
