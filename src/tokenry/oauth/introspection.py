"""Introspection (RFC 7662): what a token is, for a service that it was presented to."""

from collections.abc import Mapping

from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.identity import write_claims
from tokenry.domain.scopes import NOTHING_FOR_ANYBODY
from tokenry.verification.inspection import NO_ADDRESS, Inspector, is_address
from tokenry.web.requests import Call

INACTIVE = {"active": False}
"""All that is said of a token that is not valid, whatever it lacks (RFC 7662 section 2.2)."""


async def introspect(inspector: Inspector, call: Call) -> object:
    """POST a token that somebody presented."""
    token, address = read_introspection(call.body)
    [decision] = await inspector.decide(call.actor, [token], NOTHING_FOR_ANYBODY, address)
    if decision.actor is None:
        return INACTIVE
    return {"active": True, "token_type": "Bearer", **write_claims(decision.actor)}


def read_introspection(form: Mapping[str, object]) -> tuple[str, str | None]:
    """Read `token`, and `address`, from where it was presented. Raises Invalid."""
    address = form.get("address")
    faults = [] if "token" in form else [Fault("Must be sent", "token")]
    if address is not None and not is_address(str(address)):
        faults.append(NO_ADDRESS)
    raise_faults(faults)
    return str(form["token"]), None if address is None else str(address)
