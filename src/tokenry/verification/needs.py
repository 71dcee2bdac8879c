"""What a request needs, by the policy of the service that is protected.

A policy is written like a query: `scope=linodes:read_only` names a scope, `resource=linodes` leaves the level to the
method. Both may be repeated and mixed, and all of it is needed. An empty policy accepts any valid token. An empty
`scope=` is a mistake, also beside others: a scope was meant. `audience=https://mcp.example/` says who asks, as the
token's client named it (RFC 8707): tokens that are meant for somebody are accepted nowhere else.
`origin=https://api.example` says where the client's request went, for those who tell its method and target as well:
tokens that are bound to a key are accepted with a proof for that origin (RFC 9449), and nowhere without one. `cost=1`
has the request counted against the limit of the token's, if that has one.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import parse_qsl

from tokenry.domain.audiences import is_audience
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault, Invalid, raise_faults
from tokenry.domain.limits import COST_MAX
from tokenry.domain.public_url import read_public_url
from tokenry.domain.scopes import NOTHING, POLICY_BYTES_MAX, Asked, Level, Scopes

ReadPolicy = Callable[[bytes, Level | None], Scopes]
"""Reads a policy for a level, as `read_needed` does."""
ORIGIN_FAULT = Fault("Must be https://host or https://host:port, or http:// on this machine, without a path", "origin")
COST_FAULT = Fault(f"Must be a whole number, 0-{COST_MAX}", "cost")
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_COST = re.compile(r"[0-9]{1,4}")
_POLICIES_MAX = 256  # of a policy with a fault nothing is kept


def policy_reader(catalogue: Catalogue) -> ReadPolicy:
    """Make a reader of policies. A gateway has a handful, and reading one costs more than the rest of a request."""

    @lru_cache(maxsize=_POLICIES_MAX)
    def read_policy(policy: bytes, level: Level | None) -> Scopes:
        return read_needed(policy, catalogue, level)

    return read_policy


def read_needed(policy: bytes, catalogue: Catalogue, level: Level | None = None) -> Scopes:
    """Read a policy; `resource=` and `origin=` have a meaning only where the method is told, and so with a level.

    Raises Invalid for anything else: a misspelt question is not an easier one.
    """
    if not policy:
        return NOTHING
    if len(policy) > POLICY_BYTES_MAX:
        raise Invalid(Fault(f"A policy has at most {POLICY_BYTES_MAX} characters"))
    known = {"scope", "audience", "cost"} | (set() if level is None else {"resource", "origin"})
    parameters = parse_qsl(policy.decode("latin-1"), keep_blank_values=True)
    raise_faults(Fault("Unknown parameter", name) for name, _ in parameters if name not in known)
    scopes = [value for name, value in parameters if name == "scope"]
    resources = [value for name, value in parameters if name == "resource"]
    audiences = [value for name, value in parameters if name == "audience"]
    origins = [value for name, value in parameters if name == "origin"]
    costs = [value for name, value in parameters if name == "cost"]
    found = {} if level is None else {name: catalogue.find_scope(name, level) for name in resources}
    faults = [Fault(catalogue.resource_fault(name), "resource") for name, scope in found.items() if scope is None]
    faults += [Fault(fault.reason, "scope") for text in dict.fromkeys(scopes) for fault in catalogue.faults(text)]
    for name, values in (("audience", audiences), ("origin", origins), ("cost", costs)):
        if len(values) > 1:
            faults.append(Fault("Must be sent only once", name))
    faults += [fault for audience in audiences for fault in audience_faults(audience)]
    faults += [ORIGIN_FAULT for origin in origins if not is_origin(origin)]
    faults += [COST_FAULT for cost in costs if not _COST.fullmatch(cost) or int(cost) > COST_MAX]
    raise_faults(faults)
    needed = catalogue.read(" ".join([*scopes, *filter(None, found.values())]))
    if not (audiences or origins or costs):
        return needed
    return asked_by("".join(audiences), needed, "".join(origins), cost=int("".join(costs) or 0))


def asked_by(audience: str, needed: Scopes, origin: str = "", *, cost: int = 0) -> Scopes:
    """Scopes that are asked for by somebody in particular."""
    return Asked(needed.names, needed.everything, implied=needed.implied, audience=audience, origin=origin, cost=cost)


def audience_faults(text: str) -> list[Fault]:
    """Say what is wrong with an audience that is asked for."""
    return [] if is_audience(text) else [Fault("Must be an address such as https://mcp.example/", "audience")]


def is_origin(text: str) -> bool:
    """Whether requests can be proved to have gone there: `https://host`, or `http://` on this machine."""
    try:
        read_public_url(text)
    except ValueError:
        return False
    return True


def level_of(method: str) -> Level:
    """The level that a method needs. An unknown method may do anything."""
    return Level.READ_ONLY if method in READING_METHODS else Level.READ_WRITE
