"""Whom tokens are for (resource indicators, RFC 8707): addresses, as a client asks with and a token keeps."""

import re
from collections.abc import Collection, Sequence

from tokenry.domain.oauth import OAuthError, OAuthRefusal

AUDIENCE_MAX = 8
AUDIENCE_LENGTH_MAX = 512
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:[!$&-;=?-Z_a-z~\[\]%]++", re.ASCII)
"""An absolute URI (RFC 3986 section 4.3), which has no fragment: of the characters that one may have."""


def read_audience(resources: Sequence[str], own: Collection[str]) -> tuple[str, ...] | None:
    """Read the parameter `resource`, which may come several times; None if it was not sent. Raises OAuthRefusal.

    Each address once, in order; none for the `own` ones, which mean this service: a token for it is one for nobody
    else, and a token is not for both.
    """
    if not resources:
        return None
    audience = tuple(dict.fromkeys(resources))
    if len(audience) > AUDIENCE_MAX:
        raise _invalid(f"resource must be sent at most {AUDIENCE_MAX} times.")
    for address in audience:
        if not is_audience(address):
            raise _invalid(
                f"resource must be an absolute address of at most {AUDIENCE_LENGTH_MAX} characters, without a fragment."
            )
    others = tuple(address for address in audience if address not in own)
    if others and others != audience:
        raise _invalid("resource must name this service alone, or others.")
    return others


def is_audience(text: str) -> bool:
    """Whether a token can be meant for this: an absolute address, without a fragment (RFC 8707 section 2)."""
    return len(text) <= AUDIENCE_LENGTH_MAX and _ADDRESS.fullmatch(text) is not None


def _invalid(description: str) -> OAuthRefusal:
    return OAuthRefusal(OAuthError.INVALID_TARGET, description)
