"""Every way in which tokenry says no.

    Refusal                 a caller asked for something it does not get
    ├── Invalid             the request is malformed; carries every fault at once
    │   └── UsernameReserved  the name was somebody's not long ago
    ├── Unauthorized        no valid token came with the request
    ├── InsufficientScope   the token is valid but not for this
    ├── Forbidden           the scope is right but this user may not
    ├── NotFound            not there, or not yours: the two are never told apart
    ├── Conflict            it would undo what somebody relies on by now
    │   └── AlreadyMade     the same request has made it before, and was answered
    ├── TooSlow             reading what was asked for takes too long
    ├── NoPublicUrl         pages and OAuth need to know the service's own address
    └── Unavailable         the database cannot answer now; nothing is decided, nothing is granted
    SetupError              the installation cannot work as it stands; its text names the remedy

Whatever else is raised is a defect. The HTTP layer owns the table from refusals to status codes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: a reason for people and, where there is one, the field, header or parameter."""

    reason: str
    field: str | None = None


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A request that is answered with no. `faults` says why, in words that are safe to show."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.reason for fault in faults))
        self.faults = faults


class Invalid(Refusal):
    """The request cannot be understood or breaks a rule; every fault is reported at once."""


class UsernameReserved(Invalid):
    """The name is reserved for its former user: another system may still know that user by it."""

    def __init__(self) -> None:
        super().__init__(Fault("Username is reserved for its former user: choose another", "username"))


class Unauthorized(Refusal):
    """No token, or one that is malformed, unknown, revoked or expired: one text for all."""

    def __init__(self, reason: str = "Invalid Token") -> None:
        super().__init__(Fault(reason))


class InsufficientScope(Refusal):
    """The token is valid; its scopes do not cover what the operation needs."""

    def __init__(self, reason: str = "Your token is not authorized to use this endpoint.") -> None:
        super().__init__(Fault(reason))


class Forbidden(Refusal):
    """The scope would do, but this user or account may not."""

    def __init__(self, reason: str = "Unauthorized") -> None:
        super().__init__(Fault(reason))


class NotFound(Refusal):
    """There is no such thing for this caller."""

    def __init__(self, reason: str = "Not found") -> None:
        super().__init__(Fault(reason))


class Conflict(Refusal):
    """What is asked for was right once; by now somebody relies on what it would undo."""


class AlreadyMade(Conflict):
    """The same request has made something before, by its `id`: what was shown then is not shown again."""

    def __init__(self, id: int | str) -> None:
        super().__init__(Fault("This was made already"))
        self.id = id


class TooSlow(Refusal):
    """Reading what was asked for takes too long. Less of it may not. No fault of the database's."""

    def __init__(self) -> None:
        super().__init__(Fault("This takes too long: ask for less at once"))


class NoPublicUrl(Refusal):
    """Nobody has said by which address browsers reach the service, which pages and OAuth need to know."""

    def __init__(self) -> None:
        super().__init__(
            Fault("The operator has to set TOKENRY_PUBLIC_URL to the address of this service for browsers")
        )


class Unavailable(Refusal):
    """The database is busy or out of reach. Callers may try again; nobody may take it for a yes.

    `reason` is for the log and the operator, and for probes unless it is `private`. With `collided` another transaction
    was in the way: nothing was done, and trying again at once may well do. With `perhaps_done` nobody knows whether the
    change was made, since its commit was not acknowledged.
    """

    def __init__(
        self,
        reason: str = "it does not answer",
        *,
        private: bool = False,
        collided: bool = False,
        perhaps_done: bool = False,
    ) -> None:
        super().__init__(Fault("Service unavailable"))
        self.reason = reason
        self.private = private
        self.collided = collided
        self.perhaps_done = perhaps_done


class SetupError(Exception):
    """A one-line account of what is wrong with the installation and what to do about it."""


def raise_faults(faults: Iterable[Fault]) -> None:
    """Raise Invalid if there is any fault."""
    found = tuple(faults)
    if found:
        raise Invalid(*found)


def collect_faults(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Do both readings and return what they read; if either is refused, raise Invalid with the faults of both."""
    faults: list[Fault] = []
    results: list[Any] = []
    for read in (first, second):
        try:
            results.append(read())
        except Invalid as refusal:
            faults += refusal.faults
    raise_faults(faults)
    return results[0], results[1]
