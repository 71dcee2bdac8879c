"""Deciding on a text that somebody else presented, and from where."""

from ipaddress import ip_address

from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Secret
from tokenry.verification.verifier import MALFORMED, Client, Decision, Verifier


async def inspect(verifier: Verifier, text: str, needed: Scopes, client: Client) -> Decision:
    """Decide on a text as on a token in a header. Raises Unavailable."""
    if Secret.parse(text) is None:
        return MALFORMED
    return await verifier.verify(f"Bearer {text}", needed, client)


def is_address(text: str) -> bool:
    """Whether a text is an address, IPv4 or IPv6."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
