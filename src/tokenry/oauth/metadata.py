"""What clients find out by themselves: of this authorization server (RFC 8414), and of its own API (RFC 9728).

All addresses come from the issuer, which is set, and never from what a request says its host is.
"""

from collections.abc import Collection
from functools import partial

from tokenry.domain.callers import Callers
from tokenry.domain.clients import Authentication
from tokenry.domain.errors import NotFound
from tokenry.domain.oauth import GrantType
from tokenry.domain.public_url import API_PATHS
from tokenry.oauth.token import TokenEndpoint
from tokenry.service.documents import Documents
from tokenry.service.installation import Installation
from tokenry.service.registration import Registration
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths

SERVER = "/.well-known/oauth-authorization-server"
PROTECTED = "/.well-known/oauth-protected-resource"
ENDPOINTS = {
    "/oauth/authorize": "authorization_endpoint",
    "/oauth/token": "token_endpoint",
    "/oauth/revoke": "revocation_endpoint",
    "/oauth/introspect": "introspection_endpoint",
    "/oauth/device_authorization": "device_authorization_endpoint",
    "/oauth/par": "pushed_authorization_request_endpoint",
    "/oauth/register": "registration_endpoint",
}
PROVED = [str(each) for each in Authentication if each is not Authentication.NONE]
"""How clients prove who they are where a public one gets nothing."""


def metadata_paths(installation: Installation, served: Collection[str], resource: MakeResource) -> Paths:
    """The documents; `served` are the paths that there are, of which those of OAuth are told."""
    anybody = partial(Operation, who=Callers.ANYBODY)
    server = resource(GET=anybody(partial(describe_server, installation, served)))
    protected = resource(GET=anybody(partial(describe_api, installation)))
    return {
        SERVER: server,
        f"{SERVER}/{{path:path}}": server,
        PROTECTED: protected,
        f"{PROTECTED}/{{path:path}}": protected,
    }


def describe_server(do: Installation, served: Collection[str], _call: Call) -> object:
    """GET what this authorization server is and can do. Raises NoPublicUrl.

    It has one issuer, also for a client that looks for that of a path.
    """
    from tokenry.service.grants.assertions import ALGORITHMS  # noqa: PLC0415 - it imports cryptography
    from tokenry.verification import dpop  # noqa: PLC0415 - and so does this

    issuer = do.issuer
    told = {path: name for path, name in ENDPOINTS.items() if path in served}
    if do.registration is Registration.OFF:
        told.pop("/oauth/register", None)
    grant_types = [*TokenEndpoint(do).grant_types, GrantType.IMPLICIT]
    authentications = [str(each) for each in Authentication]
    return {
        "issuer": issuer,
        **{name: f"{issuer}{path}" for path, name in told.items()},
        "scopes_supported": ["*", *do.catalogue.scopes],
        "response_types_supported": ["code", "token"],
        "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": [str(each) for each in grant_types],
        "token_endpoint_auth_methods_supported": authentications,
        "token_endpoint_auth_signing_alg_values_supported": [*ALGORITHMS],
        "revocation_endpoint_auth_methods_supported": authentications,
        "revocation_endpoint_auth_signing_alg_values_supported": [*ALGORITHMS],
        "introspection_endpoint_auth_methods_supported": PROVED,
        "introspection_endpoint_auth_signing_alg_values_supported": [*ALGORITHMS],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": [*dpop.ALGORITHMS],
        "client_id_metadata_document_supported": do.documents is not Documents.OFF,
        "authorization_response_iss_parameter_supported": True,
        "service_documentation": f"{issuer}/docs",
    }


def describe_api(do: Installation, call: Call) -> object:
    """GET who gives out tokens for the management API. Raises NotFound for another path, NoPublicUrl."""
    path = call.path.get("path", "")
    if path not in API_PATHS:
        raise NotFound
    issuer = do.issuer
    return {
        "resource": f"{issuer}/{path}" if path else issuer,
        "authorization_servers": [issuer],
        "scopes_supported": ["*", *do.catalogue.scopes],
        "bearer_methods_supported": ["header"],
        "resource_name": "tokenry",
        "resource_documentation": f"{issuer}/docs",
    }
