"""What commands have in common that limit scopes."""

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.scopes import EVERYTHING, Scopes

ANY_SCOPES = "any"


def read_limit(text: str, catalogue: Catalogue) -> Scopes:
    """Read the most that tokens may do: scopes of the catalogue, or `any`. Raises Invalid."""
    if text == ANY_SCOPES:
        return EVERYTHING
    return catalogue.require(text)


def write_limit(scopes: Scopes) -> str:
    """Write it as it is read."""
    return ANY_SCOPES if scopes.everything else str(scopes)
