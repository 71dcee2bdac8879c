"""From a refusal to a status code, the envelope of its faults, and the refusals that only HTTP knows."""

from collections.abc import Iterable

from tokenry.domain.errors import (
    AlreadyMade,
    Conflict,
    Fault,
    Forbidden,
    InsufficientScope,
    Invalid,
    NoPublicUrl,
    NotFound,
    Refusal,
    TooSlow,
    Unauthorized,
    Unavailable,
    UsernameReserved,
)
from tokenry.domain.oauth import OAuthRefusal


class MethodNotAllowed(Refusal):
    """The path exists, the method does not. `allow` is the header that says which do (RFC 9110 section 15.5.6)."""

    def __init__(self, methods: Iterable[str]) -> None:
        super().__init__(Fault("Method Not Allowed"))
        self.allow = (b"allow", ", ".join(sorted(methods)).encode("ascii"))


class BodyTooLarge(Refusal):
    """The body is longer than any request needs."""

    def __init__(self) -> None:
        super().__init__(Fault("Request body too large"))


class UnsupportedMediaType(Refusal):
    """The body is announced as something other than what is read here."""

    def __init__(self, *wanted: str) -> None:
        self.wanted = wanted
        super().__init__(Fault("Unsupported Media Type"))


class TooManyRequests(Refusal):
    """The caller has used up what the rate limit allows."""

    def __init__(self) -> None:
        super().__init__(Fault("Too many requests"))


class InternalError(Refusal):
    """A defect. The client is told no more than that; the log has the rest."""

    def __init__(self) -> None:
        super().__init__(Fault("Internal server error"))


STATUS: dict[type[Refusal], int] = {
    Invalid: 400,
    UsernameReserved: 400,
    OAuthRefusal: 400,  # 401 for a client that is not who it says
    Unauthorized: 401,
    InsufficientScope: 403,  # RFC 6750 section 3.1
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    AlreadyMade: 409,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    TooManyRequests: 429,
    InternalError: 500,
    NoPublicUrl: 503,
    Unavailable: 503,
    TooSlow: 503,
}


def write_faults(faults: Iterable[Fault]) -> dict[str, object]:
    """Write the error envelope; a fault without a field has no `field` key."""
    return {
        "errors": [
            {"reason": fault.reason} if fault.field is None else {"reason": fault.reason, "field": fault.field}
            for fault in faults
        ]
    }
