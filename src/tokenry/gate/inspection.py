"""What administrators ask about tokens that somebody presented: for which scopes, by whom, and from where."""

from collections.abc import Mapping

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.verification.inspection import NO_ADDRESS, is_address
from tokenry.verification.needs import asked_by, audience_faults
from tokenry.web.bodies import read_key


def read_question(body: Mapping[str, object], catalogue: Catalogue, faults: list[Fault]) -> tuple[Scopes, str | None]:
    """Read what tokens are presented for, `scope`, to whom, `audience`, and from where, `address`.

    What is wrong is added to `faults`.
    """
    scope = read_key(body, "scope", str, faults)
    audience = read_key(body, "audience", str, faults)
    address = read_key(body, "address", str, faults)
    if scope is not None:
        faults += [Fault(fault.reason, "scope") for fault in catalogue.faults(scope)]
    if address is not None and not is_address(address):
        faults.append(NO_ADDRESS)
    if audience is not None:
        faults += audience_faults(audience)
    needed = NOTHING if scope is None or faults else catalogue.read(scope)
    return needed if audience is None else asked_by(audience, needed), address
