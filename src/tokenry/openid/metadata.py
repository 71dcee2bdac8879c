"""What a provider says of itself (OpenID Connect Discovery 1.0 section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokenry.domain.providers import NotSignedIn, Provider, Trouble, is_safe_url
from tokenry.openid.fetching import Fetching, unreachable

WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where a provider's endpoints are. `tells_issuer` is whether each of its answers says who it is of (RFC 9207)."""

    authorization: str
    token: str
    keys: str
    user_info: str | None
    takes_basic: bool
    tells_issuer: bool


def fetch_metadata(provider: Provider, fetching: Fetching) -> Metadata:
    """Ask a provider where its endpoints are. Raises NotSignedIn.

    So it does for one that says that it is another (section 4.3).
    """
    url = provider.issuer.rstrip("/") + WELL_KNOWN
    document = fetching.get(url)
    if document.get("issuer") != provider.issuer:
        raise NotSignedIn(Trouble.UNTRUSTED, f"{url} is of another issuer than {provider.issuer}")
    user_info = document.get("userinfo_endpoint")
    # Without a word about it a client's secret goes into the Authorization header (section 3).
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Metadata(
        authorization=_endpoint(provider, document, "authorization_endpoint"),
        token=_endpoint(provider, document, "token_endpoint"),
        keys=_endpoint(provider, document, "jwks_uri"),
        user_info=None if user_info is None else _endpoint(provider, document, "userinfo_endpoint"),
        takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
        tells_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(provider: Provider, document: Mapping[str, Any], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not is_safe_url(url, plain=provider.issuer.startswith("http:")):
        raise unreachable(f"{name} of {provider.issuer} is not an address that may be asked")
    return url
