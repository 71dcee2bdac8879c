"""What each verification route is asked: where its policy stands, and what it is told of the request at the gateway.

What a policy is, `verification/needs.py` says.

    /verify                     policy in the query, `scope=` only; the method says nothing
    /verify/auth-request        policy in the query, method in X-Original-Method       (nginx, HAProxy)
    /verify/forward-auth        policy in the query, method in X-Forwarded-Method      (Caddy, Traefik)
    /verify/ext-authz/POLICY/…  policy in the path, method is the request's own        (Envoy)

For a proof the request's target has to be told too: in X-Original-URI, in X-Forwarded-Uri, behind the policy.

Each route believes the header of its own gateways and no other: nginx passes a client's X-Forwarded-Method on, Caddy
and Traefik its X-Original-Method. A route that needs the method and is not told it never guesses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.scopes import Scopes
from tokenry.verification.needs import ReadPolicy, level_of
from tokenry.web.errors import MethodNotAllowed

PLAIN_METHODS = frozenset({"GET", "HEAD", "POST"})
ANY_METHOD = frozenset({"GET"})
"""Every method is taken, also those that nobody has heard of, and answered as GET is: it is GET that is described."""


@dataclass(frozen=True, slots=True)
class Question:
    """One route, as the ordinary way and the fast way read it.

    A path that ends in a slash has the policy behind it, up to the next slash; every other one has it in the query.
    `told_by` is the header that tells the method of the request at the gateway. Without one the method is the request's
    own on a route with the policy in its path; any other takes PLAIN_METHODS alone, and they say nothing.
    """

    path: bytes
    told_by: bytes = b""
    target_told_by: bytes = b""
    """The same for its target, which only tokens that are bound to a key need."""

    @property
    def is_below(self) -> bool:
        """Whether the policy is in the path, and the client's path behind it (Envoy's `path_prefix`).

        Whatever a client sends comes behind a slash that is the gateway's own, and is not read; the query is the
        client's too, so a `?scope=` in it asks for nothing. A header would do as well, but only as long as nobody lists
        it in `allowed_headers`; a prefix cannot be shadowed.
        """
        return self.path.endswith(b"/")

    @property
    def methods(self) -> frozenset[str]:
        """The methods that it is described by."""
        return ANY_METHOD if self.told_by or self.is_below else PLAIN_METHODS

    def read(self, read_policy: ReadPolicy, policy: bytes, method: str, told: Sequence[bytes]) -> Scopes:
        """The scopes that are asked for; `told` are all values of the header. Raises Invalid, MethodNotAllowed."""
        if self.told_by:
            return read_policy(policy, level_of(_single(self.told_by, told)))
        if self.is_below:
            # Who escapes a piece of a path as a whole, escapes its `=` too.
            return read_policy(policy if b"=" in policy else unquote_to_bytes(policy), level_of(method))
        if method not in PLAIN_METHODS:
            raise MethodNotAllowed(PLAIN_METHODS)
        return read_policy(policy, None)

    def split(self, raw_path: bytes) -> tuple[bytes, bytes]:
        """The policy in a path, and the target of the client's request behind it. Raises Invalid.

        A path that is this one only once it is unescaped has no policy where it would be looked for.
        """
        if not raw_path.startswith(self.path):
            raise Invalid(Fault(f"Nothing may be escaped in {self.path.decode('ascii')}"))
        policy, _, target = raw_path.removeprefix(self.path).partition(b"/")
        return policy, target

    def read_request(self, method: str, raw_path: bytes, headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str]:
        """Method and target of the request at the gateway, for a policy with an origin. Raises Invalid."""
        if self.is_below:
            _, target = self.split(raw_path)
            return method, target.decode("latin-1")
        headers = list(headers)
        told, target_told = (
            _single(name, [value for key, value in headers if key == name])
            for name in (self.told_by, self.target_told_by)
        )
        return told, target_told


def _single(name: bytes, told: Sequence[bytes]) -> str:
    """The value of a header that must be there once: doubled, one of the two may be the client's own."""
    if len(told) != 1 or not told[0]:
        reason = "Must be sent only once" if len(told) > 1 else "Must be sent"
        raise Invalid(Fault(reason, name.decode("ascii").title()))
    return told[0].decode("latin-1")


QUESTIONS = (
    Question(b"/verify"),
    Question(b"/verify/auth-request", told_by=b"x-original-method", target_told_by=b"x-original-uri"),
    Question(b"/verify/forward-auth", told_by=b"x-forwarded-method", target_told_by=b"x-forwarded-uri"),
    Question(b"/verify/ext-authz/"),
)
"""Every route that a gateway asks."""
