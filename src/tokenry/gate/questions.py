"""What each verification route is asked: where it finds the policy and the method of the request at the gateway.

What a policy is, `verification/needs.py` says.

    /verify                     policy in the query, `scope=` only; the method says nothing
    /verify/auth-request        policy in the query, method in X-Original-Method       (nginx, HAProxy)
    /verify/forward-auth        policy in the query, method in X-Forwarded-Method      (Caddy, Traefik)
    /verify/ext-authz/POLICY/…  policy in the path, method is the request's own        (Envoy)

Each route believes the header of its own gateways and no other: nginx passes a client's X-Forwarded-Method on, Caddy
and Traefik its X-Original-Method. A route that needs the method and is not told it never guesses.
"""

from starlette.types import Scope

from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.scopes import Catalogue, Scopes
from tokenry.gate.verify import Question
from tokenry.verification.needs import level_of, policy_reader
from tokenry.web.errors import MethodNotAllowed

PLAIN_METHODS = frozenset({"GET", "HEAD", "POST"})
ANY_METHOD = frozenset({"GET"})
"""Every method is taken, also those that nobody has heard of, and answered as GET is: it is GET that is described."""
EXT_AUTHZ = "/verify/ext-authz/"


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
        return read_policy(scope["query_string"], level_of(_single(scope, header)))

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
        return read_policy(policy.encode("utf-8"), level_of(scope["method"]))

    return question


def _single(scope: Scope, name: bytes) -> str:
    """The value of a header that must be there once: doubled, one of the two may be the client's own."""
    values: list[bytes] = [value for key, value in scope["headers"] if key == name]
    if len(values) != 1 or not values[0]:
        reason = "Must be sent only once" if len(values) > 1 else "Must be sent"
        raise Invalid(Fault(reason, name.decode("ascii").title()))
    return values[0].decode("latin-1")
