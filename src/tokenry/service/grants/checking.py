"""What is checked of every client that asks for tokens, whatever it has for them."""

from tokenry.domain.clients import Client
from tokenry.domain.oauth import GrantType, OAuthError, OAuthRefusal
from tokenry.domain.scopes import NOTHING, Scopes


def require_grant_type(client: Client, grant_type: GrantType) -> None:
    """Refuse a client that was not registered for this. Raises OAuthRefusal."""
    if grant_type not in client.rights.grant_types:
        raise OAuthRefusal(OAuthError.UNAUTHORIZED_CLIENT, f"The client is not registered for {grant_type}.")


def require_key(client: Client, jkt: str | None) -> None:
    """Refuse a client that has to bind its tokens to a key and proves none (RFC 9449). Raises OAuthRefusal."""
    if client.rights.dpop_required and jkt is None:
        raise OAuthRefusal(OAuthError.INVALID_DPOP_PROOF, "The client has to send a DPoP proof.")


def narrow(scopes: Scopes, allowed: Scopes) -> Scopes:
    """What of some scopes is allowed by now. Raises OAuthRefusal if that is nothing."""
    left = scopes.within(allowed)
    if left == NOTHING:
        raise OAuthRefusal(OAuthError.INVALID_SCOPE, "None of these scopes is allowed any more.")
    return left
