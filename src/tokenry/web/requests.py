"""Reading requests: who sends one, and what an operation is given of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl

from starlette.types import Scope

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.networks import ADDRESS_LENGTH_MAX
from tokenry.verification.verifier import KnownPresenter


@dataclass(frozen=True)
class Call:
    """What an operation is given: who calls, from where, and what the request says. A public one may have no caller.

    `raw` are the bytes of its body. `count` counts the request for somebody more: an operation in a thread may call it,
    before anything else it does. It raises TooManyRequests.
    """

    caller: Actor | None
    address: str | None
    path: Mapping[str, str]
    query: str
    headers: Mapping[bytes, str]
    body: Mapping[str, object] = field(default_factory=dict)
    raw: bytes = field(default=b"", repr=False)
    count: Callable[[str], None] = lambda _key: None

    @property
    def actor(self) -> Actor:
        """Who calls, for operations that are not public."""
        assert self.caller is not None
        return self.caller

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The query's parameters. Of one that comes twice the last counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def origin(self) -> Origin:
        """Who makes a change, for the audit."""
        return Origin.of(self.actor, self.address)


def single_headers(scope: Scope) -> dict[bytes, str]:
    """The request's headers by name; the guard has seen to it that none that matters comes twice."""
    return {name: value.decode("latin-1") for name, value in scope["headers"]}


def client_address(scope: Scope) -> str | None:
    """The caller's address, or the one that a trusted proxy gives instead."""
    return scope["client"][0][:ADDRESS_LENGTH_MAX] if scope.get("client") else None


def read_presented(scope: Scope) -> tuple[str | None, KnownPresenter]:
    """The Authorization header of a request, and who sends it."""
    authorization = agent = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value.decode("latin-1")
        elif name == b"user-agent":
            agent = value.decode("latin-1")
    return authorization, KnownPresenter(client_address(scope), agent)
