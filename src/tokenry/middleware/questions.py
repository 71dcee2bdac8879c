"""What is asked of a request: what it needs, and what it shows. No I/O."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self
from urllib.parse import quote, urlencode

from tokenry.domain.audiences import is_audience
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.checks import presents_bound
from tokenry.domain.errors import Refusal
from tokenry.domain.identity import HEADER_PREFIX
from tokenry.domain.limits import COST_MAX
from tokenry.domain.scopes import NOTHING, POLICY_BYTES_MAX, Scopes, is_resource
from tokenry.middleware.answers import DOUBLED, DOUBLED_PROOF, UNAVAILABLE, Answer, Refused

AGENT_LENGTH_MAX = 255
"""What the service keeps of a User-Agent."""

_SCHEMES = ("bearer", "dpop")

log = logging.getLogger("tokenry.middleware")


class Needs:
    """What a token has to be good for; all of it is needed.

    `scopes` name scopes, such as `linodes:read_only`. `resource` names resources and leaves the level to the method:
    `read_only` for GET, HEAD and OPTIONS, `read_write` for any other. Neither: any valid token will do. `audience` is
    the application's own address, as OAuth clients name it when they ask for a token (RFC 8707): without it no token
    is accepted that is meant for somebody. `optional` needs lets a request in that presents no token, as nobody's: the
    application has another way to tell who is calling. A token that is presented has to be good. `cost` is what
    a request counts for, of those a minute that its token may be used for; by default nothing is counted.

    Raises ValueError for what can be no scope or no resource, and for more than the service reads. Whether the
    catalogue has it is asked when the application starts: `Verifier.check`.
    """

    __slots__ = ("audience", "by_method", "cost", "optional", "query", "resources", "scopes")

    def __init__(
        self,
        *scopes: str,
        resource: str | Sequence[str] = (),
        audience: str | None = None,
        optional: bool = False,
        cost: int = 0,
    ) -> None:
        resources = (resource,) if isinstance(resource, str) else tuple(resource)
        for scope in scopes:
            if Scopes.parse(scope) == NOTHING:
                raise ValueError(scope)
        for name in resources:
            if not is_resource(name):
                raise ValueError(name)
        self.scopes, self.resources, self.audience = scopes, resources, audience
        self.by_method = bool(resources)
        self.optional, self.cost = optional, cost
        asked = [("scope", scope) for scope in scopes] + [("resource", name) for name in resources]
        if audience is not None:
            if not is_audience(audience):
                raise ValueError(audience)
            asked.append(("audience", audience))
        if not 0 <= cost <= COST_MAX or cost != int(cost):
            raise ValueError(cost)
        if cost:
            asked.append(("cost", f"{cost:d}"))
        self.query = urlencode(asked)
        """As the service takes it (docs/api.md)."""
        if len(self.query) > POLICY_BYTES_MAX:
            raise ValueError(f"needs have at most {POLICY_BYTES_MAX} characters")

    @property
    def names_any(self) -> bool:
        """Whether they name a scope or a resource."""
        return bool(self.scopes or self.resources)

    def of_instance(self, instance: str) -> "Needs":
        """The same of one instance of all that they name. Raises ValueError for what can be none, and if one is."""
        scopes = tuple(str(Scopes.parse(scope).of_instance(instance)) for scope in self.scopes)
        return self.but(scopes=scopes, resource=[f"{name}@{instance}" for name in self.resources])

    def but(self, *, scopes: tuple[str, ...] | None = None, **others: Any) -> "Needs":
        """The same but for what is given: other scopes, and what else can be given when they are made."""
        same = {"resource": self.resources, "audience": self.audience, "optional": self.optional, "cost": self.cost}
        return Needs(*(self.scopes if scopes is None else scopes), **{**same, **others})

    def __repr__(self) -> str:
        return f"Needs({self.query!r}{', optional' if self.optional else ''})"


ANY_TOKEN = Needs()


@dataclass(frozen=True, slots=True)
class Question:
    """One request that is to be judged. Header values are text of one character for each byte.

    `target` is its path, and maybe its query; with `method` it is what a proof has to be for.
    """

    needs: Needs
    method: str
    authorization: str | None = field(default=None, repr=False)
    address: str | None = None
    agent: str | None = None
    target: str = ""
    proof: str | None = field(default=None, repr=False)

    @property
    def is_bound(self) -> bool:
        """Whether it presents a token as one that is bound to a key (RFC 9449)."""
        return presents_bound(self.authorization)

    @classmethod
    def of(
        cls,
        needs: Needs,
        *,
        method: str,
        authorizations: Sequence[str],
        address: str | None,
        agent: str | None,
        target: str = "",
        proofs: Sequence[str] = (),
    ) -> Self | Refused | None:
        """The question about a request, or its refusal: with two Authorization headers, which one counts is a guess.

        None where no token is presented, and none has to be. Another scheme, such as Basic, is the application's.
        """
        if len(authorizations) > 1:
            return DOUBLED
        if len(proofs) > 1:
            return DOUBLED_PROOF
        authorization = authorizations[0].strip(" \t") if authorizations else None  # not every server does
        if needs.optional and (authorization or "").partition(" ")[0].lower() not in _SCHEMES:
            return None
        agent = None if agent is None else agent[:AGENT_LENGTH_MAX]
        return cls(needs, method, authorization, address, agent, target, proofs[0] if proofs else None)


class Verifier(Protocol):
    """Who answers questions. Neither way raises anything: what cannot be answered is refused with 503."""

    def verify(self, question: Question) -> Answer:
        """Answer a question; waits for the answer."""

    async def verify_async(self, question: Question) -> Answer:
        """Answer a question."""

    def check(self, *needs: Needs) -> None:
        """Refuse what the catalogue lacks, before anybody needs it; may wait. Raises ValueError."""

    def close(self) -> None:
        """Let go of connections, files and threads. A later question opens them again."""

    async def close_async(self) -> None:
        """Do the same from an event loop."""


def require_counting(verifier: Verifier, needs: object) -> None:
    """Raise ValueError for needs with a cost where the verifier counts nothing, and so would refuse every request."""
    if isinstance(needs, Needs) and needs.cost and not getattr(verifier, "counts", False):
        raise ValueError(f"{type(verifier).__name__} counts no requests: leave out the cost, or use a RemoteVerifier")


def refuse_unknown(catalogue: Catalogue, needs: Iterable[Needs]) -> None:
    """Refuse needs of which a catalogue lacks some. Raises ValueError with each, and what may be meant."""
    asked = list(needs)
    scopes = [scope for each in asked for scope in each.scopes]
    complaints = catalogue.complaints(scopes, [name for each in asked for name in each.resources])
    if complaints:
        raise ValueError("; ".join(complaints))


def fail_closed(verifier: str, question: Question, error: Exception) -> Answer:
    """Say no where there is no decision, and why in the log.

    A Refusal is safe to show; any other exception's text may quote what was sent, and stays out of the log.
    """
    reason = str(error) if isinstance(error, Refusal) else type(error).__name__
    log.error("no decision from %s on %r: %s", verifier, question.needs, reason)
    return UNAVAILABLE


def write_target(path: str | bytes) -> str:
    """The target of a request of which the server tells the decoded path alone: what need not be escaped is not."""
    return quote(path, safe="/:@!$&'()*+,;=")


def is_identity_header(name: str) -> bool:
    """Whether this is an X-Auth-* header, which only a verifier may set. `_` counts as `-`: some servers merge them."""
    return name.lower().replace("_", "-").startswith(HEADER_PREFIX)


def without_identity_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a request without what its sender says about who is calling."""
    return [(name, value) for name, value in headers if not is_identity_header(name.decode("latin-1"))]
