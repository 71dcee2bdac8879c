"""What a request needs, by the policy of the service that is protected.

A policy is written like a query: `scope=linodes:read_only` names a scope, `resource=linodes` leaves the level to the
method. Both may be repeated and mixed, and all of it is needed. An empty policy accepts any valid token. An empty
`scope=` is a mistake, also beside others: a scope was meant.
"""

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import parse_qsl

from tokenry.domain.errors import Fault, Invalid, raise_faults
from tokenry.domain.scopes import NOTHING, POLICY_BYTES_MAX, Catalogue, Level, Scopes

ReadPolicy = Callable[[bytes, Level | None], Scopes]
"""Reads a policy for a level, as `read_needed` does."""
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICIES_MAX = 256  # of a policy with a fault nothing is kept


def policy_reader(catalogue: Catalogue) -> ReadPolicy:
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
    if len(policy) > POLICY_BYTES_MAX:
        raise Invalid(Fault(f"A policy has at most {POLICY_BYTES_MAX} characters"))
    known = {"scope"} if level is None else {"scope", "resource"}
    parameters = parse_qsl(policy.decode("latin-1"), keep_blank_values=True)
    raise_faults(Fault("Unknown parameter", name) for name, _ in parameters if name not in known)
    scopes = [value for name, value in parameters if name == "scope"]
    resources = [value for name, value in parameters if name == "resource"]
    found = {} if level is None else {name: catalogue.find_scope(name, level) for name in resources}
    faults = [Fault(f"Unknown resource: {name}", "resource") for name, scope in found.items() if scope is None]
    faults += [Fault(fault.reason, "scope") for text in dict.fromkeys(scopes) for fault in catalogue.faults(text)]
    raise_faults(faults)
    return Scopes.parse(" ".join([*scopes, *filter(None, found.values())]))


def level_of(method: str) -> Level:
    """The level that a method needs. An unknown method may do anything."""
    return Level.READ_ONLY if method in READING_METHODS else Level.READ_WRITE
