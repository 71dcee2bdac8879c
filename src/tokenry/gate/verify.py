"""`/verify` and the routes below it: the question a gateway asks on every request. The decision is the verifier's.

200   valid, and the scopes asked for are covered; the X-Auth-* headers say who it is
400   the question itself is wrong: the gateway's configuration needs mending
401   no valid token (RFC 6750 section 3.1), or no proof of the key that it is bound to (RFC 9449 section 7.1)
403   valid, but its scopes do not cover what is needed
429   its limit is used up, or its user has proofs to be judged before this one
503   the database cannot answer: not a yes
"""

from starlette.types import Receive, Scope, Send

from tokenry.complaints import Complaints
from tokenry.domain.accounts import Actor
from tokenry.domain.checks import Denial, presents_bound
from tokenry.domain.errors import InsufficientScope, Refusal, Unauthorized, Unavailable
from tokenry.domain.identity import write_headers
from tokenry.domain.limits import Allowance
from tokenry.domain.scopes import Scopes
from tokenry.domain.words import Words
from tokenry.gate.questions import Question
from tokenry.verification.bound_tokens import BoundTokens, Shown
from tokenry.verification.challenge import challenge
from tokenry.verification.needs import ReadPolicy
from tokenry.verification.verifier import Decision
from tokenry.web.answers import HeaderList, brief_refusal, send_answer, write_allowance
from tokenry.web.errors import STATUS, MethodNotAllowed, TooManyRequests
from tokenry.web.limits import RateLimits
from tokenry.web.requests import read_presented
from tokenry.web.resource import TURN_SECONDS

_COMPLAINTS = Complaints("tokens cannot be verified")
_NO_STORE = (b"cache-control", b"no-store")


class VerifyEndpoint:
    """An ASGI application that decides on the request's own Authorization header."""

    def __init__(
        self,
        bound_tokens: BoundTokens,
        question: Question,
        read_policy: ReadPolicy,
        words: Words,
        limits: RateLimits,
        *,
        metadata: bool,
    ) -> None:
        self._verifier = bound_tokens.verifier
        self._limits = limits
        self._bound_tokens = bound_tokens
        self._question = question
        self._read_policy = read_policy
        self._words = words
        self._metadata = metadata
        self.methods = question.methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question."""
        try:
            needed = self._read(scope)
            decision = await self._decide(scope, needed)
            if decision.denial is Denial.UNCOUNTED:
                decision = await self._count(decision, needed.cost)
        except Refusal as refusal:
            await send_answer(send, *refused(refusal))
            return
        await send_answer(send, *verdict(decision, needed, self._words, metadata=self._metadata))

    async def _decide(self, scope: Scope, needed: Scopes) -> Decision:
        """Decide on a token; on one that is bound to a key and its proof, where it is said what that has to be for."""
        authorization, client = read_presented(scope)
        if not needed.origin or not presents_bound(authorization):
            return await self._verifier.verify(authorization, needed, client)
        headers = scope["headers"]
        proof = next((value.decode("latin-1") for name, value in headers if name == b"dpop"), None)
        method = target = ""  # gateways tell them with a proof alone
        if proof is not None:
            method, target = self._question.read_request(scope["method"], scope["raw_path"], headers)
        shown = Shown(needed.origin, method, target, proof)
        return await self._bound_tokens.decide(authorization, needed, client, shown)

    async def _count(self, decision: Decision, cost: int) -> Decision:
        """Count a request whose token is good for it, last of all: one that is refused counts nothing."""
        assert decision.actor is not None
        allowance = await self._limits.take(decision.actor.token_id, decision.limit, cost)
        exhausted = allowance is not None and allowance.exceeded
        if exhausted:
            self._verifier.take_back(decision, Denial.EXHAUSTED)
        return decision._replace(denial=Denial.EXHAUSTED if exhausted else None, allowance=allowance)

    def _read(self, scope: Scope) -> Scopes:
        question = self._question
        policy = question.split(scope["raw_path"])[0] if question.is_below else scope["query_string"]
        told = [value for name, value in scope["headers"] if name == question.told_by]
        return question.read(self._read_policy, policy, scope["method"], told)


def refused(refusal: Refusal) -> tuple[int, bytes, HeaderList]:
    """The answer when nothing was decided: status, body, headers. Why the database cannot tell is for the log."""
    if isinstance(refusal, Unavailable):
        _COMPLAINTS.add(refusal.reason)
    further = [refusal.allow] if isinstance(refusal, MethodNotAllowed) else []
    if isinstance(refusal, TooManyRequests):
        further = [(b"retry-after", b"%d" % TURN_SECONDS)]
    return brief_refusal(STATUS[type(refusal)], refusal.faults, further)


def verdict(
    decision: Decision, needed: Scopes, words: Words, *, metadata: bool = False
) -> tuple[int, bytes, HeaderList]:
    """The answer to a decision: status, body, headers; among them the metadata, if that is to be told."""
    left = decision.allowance
    if decision.actor is not None and decision.denial is None:
        status, body, headers = accepted(decision.actor, metadata=metadata)
        return status, body, headers if left is None else [*write_allowance(left), *headers]
    if left is not None and decision.denial is Denial.EXHAUSTED:
        return exhausted(left)
    challenged = [(b"www-authenticate", challenge(decision, str(needed), realm=words.realm).encode("ascii"))]
    if decision.denial is Denial.INSUFFICIENT_SCOPE:
        return brief_refusal(403, words.put(InsufficientScope()).faults, challenged)
    return brief_refusal(401, words.put(Unauthorized()).faults, challenged)


def exhausted(left: Allowance) -> tuple[int, bytes, HeaderList]:
    """The answer to a token that was used as often as it may be."""
    headers = [*write_allowance(left), (b"retry-after", b"%d" % left.retry_after)]
    return brief_refusal(429, TooManyRequests().faults, headers)


def accepted(actor: Actor, *, metadata: bool) -> tuple[int, bytes, HeaderList]:
    """The answer to a token that is accepted: who is calling, for the service behind the gateway."""
    return 200, b"", [*write_headers(actor, metadata=metadata), _NO_STORE]
