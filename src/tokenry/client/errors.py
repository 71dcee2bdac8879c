"""Every way in which a call fails.

::

    TokenryError
    ├── NoToken               the call needs a token, and there is none
    ├── ConnectionFailed      no answer: refused, reset, cut off
    │   └── TimedOut          not within the time
    ├── Redirected            the answer sends elsewhere; the token has not followed
    ├── UnreadableAnswer      no JSON, or not what it should be: a proxy's page, a truncated body, wrong types
    ├── WrongIssuer           an answer of another authorization server than the one that was asked
    ├── OAuthError            the authorization server says no: `code` and `description`
    └── ApiError              the service says no: `status`, and `faults` with reason and field
        ├── BadRequest        400
        ├── Unauthorized      401: no valid token
        │   └── InsufficientScope   its scopes do not suffice
        ├── Forbidden         403
        ├── NotFound          404: not there, or not yours
        ├── Conflict          409
        ├── TooManyRequests   429: `retry_after` seconds
        └── ServerError       500 and above

None of them, in text, arguments or locals of its traceback, holds more of a token than its preview.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: a reason for people and, where there is one, the field, header or parameter."""

    reason: str
    field: str | None = None

    def __str__(self) -> str:
        return self.reason if self.field is None else f"{self.field}: {self.reason}"


class TokenryError(Exception):
    """A call that failed."""


class NoToken(TokenryError):
    """The call needs a token, and there is none."""

    def __init__(self) -> None:
        super().__init__("No token: pass one, or set TOKENRY_TOKEN or TOKENRY_TOKEN_FILE")


class ConnectionFailed(TokenryError):
    """There was no answer. The request may have been carried out or not; it was not where `sent` is False."""

    sent = True


class TimedOut(ConnectionFailed):
    """There was no whole answer within the time."""


class Redirected(TokenryError):
    """The answer sends elsewhere, and nothing was sent there. `location` says where, without query."""

    def __init__(self, request: str, location: str) -> None:
        super().__init__(request, location)
        self.request = request
        self.location = location

    def __str__(self) -> str:
        return f"{self.request} was redirected to {self.location}; the token was not sent there"


class UnreadableAnswer(TokenryError):
    """The answer is not what a service of this kind says. `status` is its status."""

    def __init__(self, request: str, status: int, problem: str) -> None:
        super().__init__(request, status, problem)
        self.request = request
        self.status = status
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.request} was answered {self.status}, and the answer is unreadable: {self.problem}"


class WrongIssuer(TokenryError):
    """An authorization server says that it is `issuer`, which is not the one that was asked (RFC 8414, RFC 9207)."""

    def __init__(self, asked: str, issuer: str) -> None:
        super().__init__(asked, issuer)
        self.asked = asked
        self.issuer = issuer

    def __str__(self) -> str:
        return f"{self.asked} was asked, and {self.issuer or 'nobody in particular'} has answered"


class OAuthError(TokenryError):
    """The authorization server says no. `code` is OAuth's word for it (RFC 6749 section 5.2), for programs."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description

    def __str__(self) -> str:
        return f"{self.description or 'no reason was given'} ({self.code})"


class ApiError(TokenryError):
    """The service says no.

    `request` is its method and address, without query; `request_id` names it in the service's log; `retry_after` is in
    seconds, where the service says so; `scopes` are those of the token and `accepted_scopes` those that the operation
    asks for.
    """

    def __init__(  # noqa: PLR0917 - by place, so that an exception can be pickled
        self,
        request: str,
        status: int,
        faults: tuple[Fault, ...],
        request_id: str | None = None,
        retry_after: float | None = None,
        scopes: str | None = None,
        accepted_scopes: str | None = None,
    ) -> None:
        super().__init__(request, status, faults, request_id, retry_after, scopes, accepted_scopes)
        self.request = request
        self.status = status
        self.faults = faults
        self.request_id = request_id
        self.retry_after = retry_after
        self.scopes = scopes
        self.accepted_scopes = accepted_scopes

    @property
    def reason(self) -> str:
        """The first fault's reason."""
        return self.faults[0].reason

    @property
    def field(self) -> str | None:
        """The first fault's field."""
        return self.faults[0].field

    def __str__(self) -> str:
        return f"{self.request} was answered {self.status}: {'; '.join(map(str, self.faults))}"


class BadRequest(ApiError):
    """400: what was asked breaks a rule."""


class Unauthorized(ApiError):
    """401: no token, or one that is malformed, unknown, revoked or expired."""


class InsufficientScope(Unauthorized):
    """401 too: the token is valid, but not for this."""

    def __str__(self) -> str:
        return f"{super().__str__()} It needs {self.accepted_scopes}, and the token has {self.scopes}."


class Forbidden(ApiError):
    """403: the token would do, but its user may not."""


class NotFound(ApiError):
    """404: not there, or not yours."""


class Conflict(ApiError):
    """409: it would undo what somebody relies on by now."""


class TooManyRequests(ApiError):
    """429: ask again after `retry_after` seconds. Nothing was done."""


class ServerError(ApiError):
    """500 and above: the service, or something in front of it, failed."""
