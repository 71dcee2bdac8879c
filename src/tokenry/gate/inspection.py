"""What administrators ask about tokens that somebody presented: for which scopes, and from where."""

from collections.abc import Mapping

from tokenry.domain.errors import Fault
from tokenry.domain.scopes import NOTHING, Catalogue, Scopes
from tokenry.verification.inspection import NO_ADDRESS, is_address
from tokenry.web.bodies import read_key


def read_question(body: Mapping[str, object], catalogue: Catalogue, faults: list[Fault]) -> tuple[Scopes, str | None]:
    """Read what tokens are presented for, `scope`, and from where, `address`. What is wrong is added to `faults`."""
    scope = read_key(body, "scope", str, faults)
    address = read_key(body, "address", str, faults)
    if scope is not None:
        faults += [Fault(fault.reason, "scope") for fault in catalogue.faults(scope)]
    if address is not None and not is_address(address):
        faults.append(NO_ADDRESS)
    return NOTHING if scope is None or faults else Scopes.parse(scope), address
