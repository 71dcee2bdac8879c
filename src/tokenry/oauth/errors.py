"""Refusals as OAuth has them (RFC 6749 section 5.2)."""

from tokenry.domain.errors import Forbidden, InsufficientScope, NoPublicUrl, Refusal, TooSlow, Unauthorized, Unavailable
from tokenry.domain.oauth import OAuthRefusal
from tokenry.web.errors import TooManyRequests, UnsupportedMediaType

ERRORS: dict[type[Refusal], str] = {
    Unauthorized: "invalid_token",
    InsufficientScope: "insufficient_scope",
    Forbidden: "insufficient_scope",
    TooManyRequests: "temporarily_unavailable",
    NoPublicUrl: "temporarily_unavailable",
    Unavailable: "temporarily_unavailable",
    TooSlow: "temporarily_unavailable",
}
"""OAuth's word for a refusal. Every other one is an `invalid_request`."""


def write_error(refusal: Refusal) -> object:
    """Write an error as OAuth has it: one code, and words for people."""
    if isinstance(refusal, OAuthRefusal):
        return {"error": refusal.code, "error_description": refusal.description}
    if isinstance(refusal, UnsupportedMediaType):
        wanted = f"The body has to be {' or '.join(refusal.wanted)}, without a Content-Encoding."
        return {"error": "invalid_request", "error_description": wanted}
    faults = (fault.reason if fault.field is None else f"{fault.field}: {fault.reason}" for fault in refusal.faults)
    return {"error": ERRORS.get(type(refusal), "invalid_request"), "error_description": "; ".join(faults)}
