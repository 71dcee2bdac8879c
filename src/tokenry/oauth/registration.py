"""Clients register themselves: their metadata (RFC 7591 section 2), in and out."""

import json
from collections.abc import Callable
from typing import Any

from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.errors import Fault, Invalid, NotFound, Unauthorized
from tokenry.domain.oauth import GrantType, OAuthError, OAuthRefusal
from tokenry.service.client_metadata import read_metadata, refused
from tokenry.service.installation import Installation
from tokenry.service.registration import Registered
from tokenry.web.answers import Answer
from tokenry.web.limits import Bucket
from tokenry.web.requests import Call

REGISTRATION_LIMIT = Bucket("registration", 20)
"""Of each address in a minute."""
_REDIRECT_FIELDS = ("redirect_uri", "redirect_uris")
_BASE_FIELDS = {"label": "client_name", "website": "client_uri", "authentication": "token_endpoint_auth_method"}
"""What is called otherwise here."""


class RegistrationEndpoints:
    """`/oauth/register` and, below it, each client's own registration."""

    def __init__(self, installation: Installation) -> None:
        self._do = installation

    def register(self, call: Call) -> object:
        """POST metadata; the client that they made. Raises OAuthRefusal."""
        origin = Origin("registration", address=call.address) if call.caller is None else call.origin
        wanted = read_metadata(call.body, self._do.catalogue)
        registered = _refusing(lambda: self._do.registrations.register(origin, wanted))
        return Answer(201, self._write_registered(registered))

    def get_registration(self, call: Call) -> object:
        """GET what a client has registered."""
        client_id, text = call.path["client_id"], _read_bearer(call)
        return self._write(self._do.registrations.get_registration(client_id, text), text)

    def update_registration(self, call: Call) -> object:
        """PUT other metadata, in the place of all there was (RFC 7592 section 2.2). Raises OAuthRefusal."""
        client_id, text = call.path["client_id"], _read_bearer(call)
        if call.body.get("client_id") != client_id:
            raise OAuthRefusal(OAuthError.INVALID_REQUEST, "The client_id must be that of the path.")
        wanted = read_metadata(call.body, self._do.catalogue)
        origin = Origin(f"client:{client_id}", address=call.address)
        updated = _refusing(lambda: self._do.registrations.update_registration(origin, client_id, text, wanted))
        return self._write(updated, text)

    def delete_registration(self, call: Call) -> object:
        """DELETE the client (RFC 7592 section 2.3)."""
        client_id, text = call.path["client_id"], _read_bearer(call)
        self._do.registrations.delete_registration(Origin(f"client:{client_id}", address=call.address), client_id, text)
        return Answer(204)

    def _write_registered(self, registered: Registered) -> dict[str, object]:
        secret = registered.secret
        told = {} if secret is None else {"client_secret": secret.reveal(), "client_secret_expires_at": 0}
        return {**self._write(registered.client, registered.access.reveal()), **told}

    def _write(self, client: Client, access: str) -> dict[str, object]:
        return {
            **write_metadata(client),
            "registration_access_token": access,
            "registration_client_uri": f"{self._do.issuer}/oauth/register/{client.client_id}",
        }


def no_registration(call: Call) -> object:
    """Where the operator has not opened it."""
    raise NotFound("Clients cannot register themselves here, unless the operator sets TOKENRY_CLIENT_REGISTRATION")


def write_metadata(client: Client) -> dict[str, object]:
    """Write what a client has registered (RFC 7591 section 3.2.1)."""
    rights = client.rights
    sends_code = GrantType.AUTHORIZATION_CODE in rights.grant_types
    return {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_name": client.label,
        **({"client_uri": client.website} if client.website else {}),
        "redirect_uris": list(client.redirect_uris),
        "grant_types": sorted(rights.grant_types),
        "response_types": ["code"] if sends_code else [],
        "token_endpoint_auth_method": str(client.authentication),
        "scope": str(rights.scopes),
        **({} if client.jwks is None else {"jwks": json.loads(client.jwks)}),
        "dpop_bound_access_tokens": rights.dpop_required,
        "require_pushed_authorization_requests": rights.par_required,
    }


def _refusing(act: Callable[[], Any]) -> Any:
    """Do something; what is wrong with metadata is told in OAuth's words (RFC 7591 section 3.2.2)."""
    try:
        return act()
    except Invalid as wrong:
        raise _told(wrong.faults[0]) from None


def _told(fault: Fault) -> OAuthRefusal:
    named = _BASE_FIELDS.get(fault.field or "", fault.field)
    text = fault.reason if named is None else f"{named}: {fault.reason}"
    return refused(text, redirects=fault.field in _REDIRECT_FIELDS)


def _read_bearer(call: Call) -> str:
    """The registration access token. Raises Unauthorized."""
    scheme, _, text = call.headers.get(b"authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized
    return text.strip()
