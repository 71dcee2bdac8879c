"""What each verification route is asked: where it finds the policy and the method of the request at the gateway.

A policy is written like a query: `scope=linodes:read_only` names a scope, `resource=linodes` leaves the level to the
method. Both may be repeated and mixed, and all of it is needed. An empty one is content with any valid token.

    /verify                     policy in the query, `scope=` only; the method says nothing
    /verify/auth-request        policy in the query, method in X-Original-Method       (nginx, HAProxy)
    /verify/forward-auth        policy in the query, method in X-Forwarded-Method      (Caddy, Traefik)
    /verify/ext-authz/POLICY/…  policy in the path, method is the request's own        (Envoy)

Each route believes the header of its own gateways and no other: nginx passes a client's X-Forwarded-Method on, Caddy
and Traefik its X-Original-Method. A route that needs the method and is not told it never guesses.
"""

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.types import Scope

from tokenry.api.errors import MethodNotAllowed
from tokenry.api.verify import Question
from tokenry.domain.errors import Fault, Invalid, raise_faults
from tokenry.domain.scopes import NOTHING, Catalogue, Level, Scopes

PLAIN_METHODS = frozenset({"GET", "HEAD", "POST"})
ANY_METHOD = frozenset({"GET"})
"""Every method is taken, also those that nobody has heard of, and answered as GET is: it is GET that is described."""
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
EXT_AUTHZ = "/verify/ext-authz/"
_POLICIES_MAX = 1024


def plain(catalogue: Catalogue) -> Question:
    """`/verify`: whoever asks knows the scopes."""
    read_policy = policy_reader(catalogue)

    def question(scope: Scope) -> Scopes:
        if scope["method"] not in PLAIN_METHODS:
            raise MethodNotAllowed(PLAIN_METHODS)
        return read_policy(scope["query_string"], None)

    return question


def told_method(catalogue: Catalogue, header: bytes) -> Question:
    """A gateway that asks with a GET of its own and tells the client's method in `header`."""
    read_policy = policy_reader(catalogue)

    def question(scope: Scope) -> Scopes:
        return read_policy(scope["query_string"], _level(_single(scope, header)))

    return question


def own_method(catalogue: Catalogue) -> Question:
    """Envoy: the client's method, and `path_prefix` with the client's path and query behind it.

    The policy is therefore the first piece of the path, up to a slash that is the gateway's own too. Whatever a client
    sends comes behind that slash and is not read; the query is the client's, so a `?scope=` in it asks for nothing.
    A header would do as well, but only as long as nobody lists it in `allowed_headers`; a prefix cannot be shadowed.
    """
    read_policy = policy_reader(catalogue)

    def question(scope: Scope) -> Scopes:
        policy, _, _ = scope["path"].removeprefix(EXT_AUTHZ).partition("/")
        return read_policy(policy.encode("utf-8"), _level(scope["method"]))

    return question


def policy_reader(catalogue: Catalogue) -> Callable[[bytes, Level | None], Scopes]:
    """Make a reader of policies. A gateway has a handful, and reading one costs more than the rest of a request."""

    @lru_cache(maxsize=_POLICIES_MAX)
    def read_policy(policy: bytes, level: Level | None) -> Scopes:
        return read_needed(policy, catalogue, level)

    return read_policy


def read_needed(policy: bytes, catalogue: Catalogue, level: Level | None = None) -> Scopes:
    """Read a policy; `resource=` has a meaning only with a level.

    Raises Invalid for anything else: a misspelt question is not an easier one.
    """
    if not policy:
        return NOTHING
    known = {"scope"} if level is None else {"scope", "resource"}
    parameters = parse_qsl(policy.decode("latin-1"), keep_blank_values=True)
    raise_faults(Fault("Unknown parameter", name) for name, _ in parameters if name not in known)
    scopes = " ".join(value for name, value in parameters if name == "scope")
    resources = [value for name, value in parameters if name == "resource"]
    found = {} if level is None else {name: catalogue.find_scope(name, level) for name in resources}
    faults = [Fault(f"Unknown resource: {name}", "resource") for name, scope in found.items() if scope is None]
    if len(resources) < len(parameters):
        faults += [Fault(fault.reason, "scope") for fault in catalogue.faults(scopes)]
    raise_faults(faults)
    return Scopes.parse(" ".join([scopes, *filter(None, found.values())]))


def _level(method: str) -> Level:
    """The level that a method needs. An unknown method may do anything."""
    return Level.READ_ONLY if method in READING_METHODS else Level.READ_WRITE


def _single(scope: Scope, name: bytes) -> str:
    """The value of a header that must be there once: doubled, one of the two may be the client's own."""
    values: list[bytes] = [value for key, value in scope["headers"] if key == name]
    if len(values) != 1 or not values[0]:
        reason = "Must be sent only once" if len(values) > 1 else "Must be sent"
        raise Invalid(Fault(reason, name.decode("ascii").title()))
    return values[0].decode("latin-1")
