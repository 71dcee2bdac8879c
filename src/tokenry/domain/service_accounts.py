"""Service accounts: backends that manage a product's users, and what administrators say of them."""

from dataclasses import dataclass

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault
from tokenry.domain.scopes import Scopes
from tokenry.domain.users import username_faults

UNMANAGING = Fault("Must have no scopes of management: users never get them", "ceiling")


@dataclass(frozen=True, slots=True)
class ServiceAccountWanted:
    """What a service account is to be; None is as it was. `faults` are those found while reading.

    `ceiling` are the scopes that it may give users at most.
    """

    username: str | None = None
    ceiling: str | None = None
    disabled: bool | None = None
    faults: tuple[Fault, ...] = ()

    def check(self, *, limit: Scopes, catalogue: Catalogue) -> list[Fault]:
        """Say everything that is wrong with it, for somebody whose own scopes are `limit`."""
        faults = list(self.faults)
        if self.username is not None:
            faults += username_faults(self.username)
        if self.ceiling is not None:
            faults += _ceiling_faults(self.ceiling, limit, catalogue)
        return faults


def _ceiling_faults(text: str, limit: Scopes, catalogue: Catalogue) -> list[Fault]:
    faults = [Fault(fault.reason, "ceiling") for fault in catalogue.faults(text)]
    if faults:
        return faults
    ceiling = catalogue.read(text)
    if ceiling.management:
        return [UNMANAGING]
    if limit.covers(ceiling):
        return []
    return [Fault(f"Must be within the scopes of the token you are using (maximum scopes: {limit})", "ceiling")]
