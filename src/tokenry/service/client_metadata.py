"""What a client says of itself, to be registered or in a document (RFC 7591 section 2)."""

import json
from collections.abc import Mapping
from typing import Any

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Authentication, ClientChange
from tokenry.domain.oauth import GrantType, OAuthError, OAuthRefusal
from tokenry.domain.scopes import EVERYTHING
from tokenry.service.grants.assertions import jwks_faults

REGISTRABLE = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.DEVICE_CODE)
"""What a stranger may register for: a user is always asked. Other types are left out (RFC 7591 section 2)."""
UNNAMED = "Unnamed app"


def read_metadata(body: Mapping[str, object], catalogue: Catalogue) -> ClientChange:
    """Read metadata as what is set of a client: all of it, by its default where it is left out. Raises OAuthRefusal.

    What means nothing here is ignored. PKCE is always required, and users may give less than is asked for. `scope` is
    no limit: clients of MCP register with the first that they need, and ask for more later (step-up). Whoever registers
    itself sets its own limits anyway.
    """
    scope = _read(body, "scope", str, None)
    if scope is not None and (faults := catalogue.faults(scope)):
        raise refused(faults[0].reason)
    return ClientChange(
        {
            "label": _read(body, "client_name", str, UNNAMED) or UNNAMED,
            "website": _read(body, "client_uri", str, ""),
            "redirect_uris": _read_texts(body, "redirect_uris", ()),
            "grant_types": _read_grant_types(body),
            "authentication": _read_authentication(body),
            "jwks": _read_jwks(body),
            "scopes": EVERYTHING,
            "pkce_required": True,
            "dpop_required": _read(body, "dpop_bound_access_tokens", bool, default=False),
            "par_required": _read(body, "require_pushed_authorization_requests", bool, default=False),
            "narrowing": True,
        }
    )


def _read_grant_types(body: Mapping[str, object]) -> frozenset[GrantType]:
    asked = _read_texts(body, "grant_types", (GrantType.AUTHORIZATION_CODE,))
    taken = frozenset(grant for grant in REGISTRABLE if grant in asked)
    if not taken:
        raise refused(f"grant_types must have one of {', '.join(REGISTRABLE)}")
    return taken


def _read_authentication(body: Mapping[str, object]) -> Authentication:
    word = _read(body, "token_endpoint_auth_method", str, Authentication.BASIC)
    try:
        return Authentication(word)
    except ValueError:
        raise refused(f"token_endpoint_auth_method must be one of {', '.join(Authentication)}") from None


def _read_jwks(body: Mapping[str, object]) -> str | None:
    if body.get("jwks_uri") is not None:
        raise refused("jwks_uri is not taken here: send jwks")
    if body.get("jwks") is None:
        return None
    if faults := jwks_faults(body["jwks"]):
        raise refused(f"jwks: {faults[0].reason}")
    return json.dumps(body["jwks"])


def _read_texts(body: Mapping[str, object], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(dict.fromkeys(value))
    raise refused(f"{name} must be a list of strings")


def _read(body: Mapping[str, object], name: str, kind: type, default: Any) -> Any:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, kind):
        return value
    raise refused(f"{name} must be {'true or false' if kind is bool else 'a string'}")


def refused(text: str, *, redirects: bool = False) -> OAuthRefusal:
    """What is wrong with metadata, or with their redirect addresses, in OAuth's words (RFC 7591 section 3.2.2)."""
    code = OAuthError.INVALID_REDIRECT_URI if redirects else OAuthError.INVALID_CLIENT_METADATA
    return OAuthRefusal(code, text)
