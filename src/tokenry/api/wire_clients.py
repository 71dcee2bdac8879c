"""OAuth clients in the wire format, and what it has no field for."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tokenry.api.wire import write_time
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Authentication, Client, ClientChange
from tokenry.domain.errors import Fault, Invalid, raise_faults
from tokenry.domain.oauth import GrantType
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.secrets import Secret
from tokenry.service.grants.assertions import jwks_faults
from tokenry.web.bodies import read_key

REDACTED = "<REDACTED>"
SWITCHES = ("pkce_required", "dpop_required", "par_required", "narrowing")


def write_client(client: Client, secret: Secret | None = None) -> dict[str, object]:
    """Write a client: with its secret in the answer that shows it. A client that needs none has an empty one."""
    hidden = REDACTED if client.authentication.has_secret else ""
    return {
        "id": client.client_id,
        "redirect_uri": client.redirect_uris[0] if client.redirect_uris else "",
        "label": client.label,
        "status": "active" if client.disabled is None else "disabled",
        "secret": hidden if secret is None else secret.reveal(),
        "thumbnail_url": None,
        "public": client.public,
    }


def read_client(body: Mapping[str, object]) -> ClientChange:
    """Read the body of a creation or an update. Other keys are ignored."""
    faults: list[Fault] = []
    settings: dict[str, Any] = {}
    for name in ("label", "redirect_uri"):
        settings[name] = read_key(body, name, str, faults)
    settings["public"] = read_key(body, "public", bool, faults)
    return ClientChange({name: value for name, value in settings.items() if value is not None}, tuple(faults))


def write_client_details(client: Client) -> dict[str, object]:
    """Write everything known of a client: the wire format's keys first."""
    rights = client.rights
    return {
        **write_client(client),
        "website": client.website,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": sorted(rights.grant_types),
        "scopes": str(rights.scopes),
        "authentication": str(client.authentication),
        "jwks": None if client.jwks is None else json.loads(client.jwks),
        **{name: getattr(rights, name) for name in SWITCHES},
        "verified": client.verified,
        "created": write_time(client.created),
        "username": client.service_username if client.acts_for_itself else None,
    }


def read_client_details(body: Mapping[str, object], catalogue: Catalogue) -> ClientChange:
    """Read the body of an update. Other keys are read-only, or mean nothing, so ignored."""
    faults: list[Fault] = []
    settings: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in body:
            try:
                settings[name] = read(name, body[name])
            except Invalid as wrong:
                faults += wrong.faults
    if "scopes" in settings:
        faults += (unknown := catalogue.faults(settings["scopes"]))
        settings["scopes"] = EVERYTHING if unknown else catalogue.read(settings["scopes"])
    return ClientChange(settings, tuple(faults))


def _read_text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise Invalid(Fault("Must be a string", name))


def _read_truth(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Invalid(Fault("Must be true or false", name))


def _read_texts(name: str, value: object) -> tuple[str, ...]:
    """One that is there twice counts once."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(dict.fromkeys(value))
    raise Invalid(Fault("Must be a list of strings", name))


def _read_grant_types(name: str, value: object) -> frozenset[GrantType]:
    try:
        return frozenset(map(GrantType, _read_texts(name, value)))
    except ValueError:
        raise Invalid(Fault(f"Must be a list of {', '.join(GrantType)}", name)) from None


def _read_authentication(name: str, value: object) -> Authentication:
    try:
        return Authentication(_read_text(name, value))
    except ValueError:
        raise Invalid(Fault(f"Must be one of {', '.join(Authentication)}", name)) from None


def _read_jwks(name: str, value: object) -> str | None:
    raise_faults([] if value is None else jwks_faults(value, name))
    return None if value is None else json.dumps(value)


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "website": _read_text,
    "redirect_uris": _read_texts,
    "grant_types": _read_grant_types,
    "scopes": _read_text,
    "authentication": _read_authentication,
    "jwks": _read_jwks,
    **dict.fromkeys(SWITCHES, _read_truth),
}
