"""The dialects of the faces there are.

WIRE           the wire format: JSON, every fault in an envelope, 401 for a scope that does not suffice
VERIFICATION   the same with 403 for such a scope (RFC 6750 section 3.1), as everything below `/verify`
OAUTH          forms, and errors as one code (RFC 6749 section 5.2)
"""

from dataclasses import replace

from tokenry.api.wire import answer_headers
from tokenry.domain.errors import Forbidden, InsufficientScope, Refusal, TooSlow, Unauthorized, Unavailable
from tokenry.web.bodies import read_form, read_json_object
from tokenry.web.dialect import Dialect
from tokenry.web.errors import STATUS, TooManyRequests, write_faults

ERRORS: dict[type[Refusal], str] = {
    Unauthorized: "invalid_token",
    InsufficientScope: "insufficient_scope",
    Forbidden: "insufficient_scope",
    TooManyRequests: "temporarily_unavailable",
    Unavailable: "temporarily_unavailable",
    TooSlow: "temporarily_unavailable",
}
"""OAuth's word for a refusal. Every other one is an `invalid_request`."""


def write_error(refusal: Refusal) -> object:
    """Write an error as OAuth has it: one code, and words for people."""
    faults = (fault.reason if fault.field is None else f"{fault.field}: {fault.reason}" for fault in refusal.faults)
    return {"error": ERRORS.get(type(refusal), "invalid_request"), "error_description": "; ".join(faults)}


WIRE = Dialect(
    "application/json", read_json_object, answer_headers, STATUS, lambda refusal: write_faults(refusal.faults)
)
VERIFICATION = replace(WIRE, status={**STATUS, InsufficientScope: 403})
OAUTH = replace(
    VERIFICATION, media_type="application/x-www-form-urlencoded", read_body=read_form, write_refusal=write_error
)
