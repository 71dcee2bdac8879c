"""What commands have in common that take scopes."""

from dataclasses import replace

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.scopes import EVERYTHING, Scopes
from tokenry.domain.suggestions import write_suggestion
from tokenry.settings import Settings

ANY_SCOPES = "any"
UNKNOWN_SCOPE = "Invalid scope: "
"""How the fault of a scope that there is not begins."""
NO_FILE = " (known are the wire format's: --scopes-file or TOKENRY_SCOPES_FILE names those of the service)"


def read_limit(text: str, catalogue: Catalogue) -> Scopes:
    """Read the most that tokens may do: scopes of the catalogue, or `any`. Raises Invalid."""
    if text == ANY_SCOPES:
        return EVERYTHING
    return catalogue.require(text)


def write_limit(scopes: Scopes) -> str:
    """Write it as it is read."""
    return ANY_SCOPES if scopes.everything else str(scopes)


def explain_unknown(refusal: Invalid, settings: Settings) -> Invalid:
    """The same refusal, which says of scopes that there are not which are meant, or where the file is missing."""
    return Invalid(*(replace(fault, reason=fault.reason + _hint(fault, settings)) for fault in refusal.faults))


def _hint(fault: Fault, settings: Settings) -> str:
    if not fault.reason.startswith(UNKNOWN_SCOPE):
        return ""
    if settings.scopes_file is None:
        return NO_FILE
    return write_suggestion(settings.catalogue().suggest(fault.reason.removeprefix(UNKNOWN_SCOPE)))
