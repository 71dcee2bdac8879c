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


def choose_scopes(asked: Scopes | None, most: Scopes) -> Scopes:
    """The scopes that a client asks for, or the most that it can get. Raises OAuthRefusal for more than that."""
    if asked is not None and not most.covers(asked):
        raise OAuthRefusal(OAuthError.INVALID_SCOPE, "These scopes are more than the client has to give for them.")
    return most if asked is None else asked


def choose_audience(asked: tuple[str, ...] | None, most: tuple[str, ...]) -> tuple[str, ...]:
    """Whom a client asks for, or all whom it may; nobody is this service. Raises OAuthRefusal for anybody else."""
    if asked is None:
        return most
    if bool(asked) != bool(most) or not set(asked) <= set(most):
        raise OAuthRefusal(OAuthError.INVALID_TARGET, "Not all of these resources are among those of the grant.")
    return asked


def narrow(scopes: Scopes, allowed: Scopes) -> Scopes:
    """What of some scopes is allowed by now. Raises OAuthRefusal if that is nothing."""
    left = scopes.within(allowed)
    if left == NOTHING:
        raise OAuthRefusal(OAuthError.INVALID_SCOPE, "None of these scopes is allowed any more.")
    return left
