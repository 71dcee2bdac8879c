"""`/oauth/token` (RFC 6749 section 3.2): what clients get tokens for, a grant of theirs by its name."""

from collections.abc import Callable, Collection, Mapping

from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.codes import PresentedCode
from tokenry.domain.grants import PresentedRefresh
from tokenry.domain.oauth import GrantType, OAuthError, OAuthRefusal
from tokenry.domain.secrets import BOUND_ACCESS
from tokenry.oauth.clients import client_origin, count_client, read_client
from tokenry.oauth.keys import read_key
from tokenry.oauth.parameters import Form, find_scopes, find_text, get_text, read_resources, read_targets
from tokenry.service.grants.issuing import Issued
from tokenry.service.grants.token_exchange import PresentedSubject
from tokenry.service.installation import Installation
from tokenry.web.limits import Bucket
from tokenry.web.requests import Call

PATH = "/oauth/token"
TOKEN_LIMIT = Bucket("token")

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - RFC 8693 section 3
Give = Callable[[Origin, Client, Form, str | None], Issued]
"""What comes last is the thumbprint of the key that the client proved to have, if it did."""


class TokenEndpoint:
    """What an installation gives clients, by the type of their grant."""

    def __init__(self, installation: Installation) -> None:
        self._do = installation
        self._grants: Mapping[GrantType, Give] = {
            GrantType.AUTHORIZATION_CODE: self._exchange_code,
            GrantType.REFRESH_TOKEN: self._refresh,
            GrantType.CLIENT_CREDENTIALS: self._act_for_itself,
            GrantType.DEVICE_CODE: self._let_device_in,
            GrantType.TOKEN_EXCHANGE: self._exchange_token,
        }

    @property
    def grant_types(self) -> Collection[GrantType]:
        """What clients may have."""
        return self._grants.keys()

    def give_tokens(self, call: Call) -> object:
        """POST a grant; tokens for it. Raises OAuthRefusal."""
        form = call.body
        client = self._do.client_authentication.authenticate(read_client(call.headers, form))
        count_client(client, call)
        grant_type = read_grant_type(form, client)
        give = self._grants.get(grant_type)
        if give is None:
            raise _unsupported()
        issued = give(client_origin(client, call), client, form, read_key(self._do, call, PATH))
        told = write_issued(issued, in_wire_format="grant_type" not in form)
        return {**told, "issued_token_type": ACCESS_TOKEN} if grant_type is GrantType.TOKEN_EXCHANGE else told

    def _exchange_code(self, origin: Origin, client: Client, form: Form, jkt: str | None) -> Issued:
        presented = PresentedCode(
            get_text(form, "code"),
            find_text(form, "redirect_uri"),
            find_text(form, "code_verifier"),
            jkt,
            read_resources(form, self._do.own_addresses),
        )
        return self._do.authorization_codes.exchange_code(origin, client, presented)

    def _refresh(self, origin: Origin, client: Client, form: Form, jkt: str | None) -> Issued:
        text = get_text(form, "refresh_token")
        scopes, audience = find_scopes(form, self._do.catalogue), read_resources(form, self._do.own_addresses)
        presented = PresentedRefresh(text, scopes, audience, jkt)
        return self._do.refresh_tokens.refresh(origin, client, presented)

    def _let_device_in(self, origin: Origin, client: Client, form: Form, jkt: str | None) -> Issued:
        code, audience = get_text(form, "device_code"), read_resources(form, self._do.own_addresses)
        return self._do.device_codes.exchange(origin, client, code, jkt, audience)

    def _exchange_token(self, origin: Origin, client: Client, form: Form, jkt: str | None) -> Issued:
        text = get_text(form, "subject_token")
        kinds = (get_text(form, "subject_token_type"), find_text(form, "requested_token_type") or ACCESS_TOKEN)
        if kinds != (ACCESS_TOKEN, ACCESS_TOKEN) or "actor_token" in form:
            raise OAuthRefusal(OAuthError.INVALID_REQUEST, f"Tokens here are {ACCESS_TOKEN}, without an actor_token.")
        scopes, audience = find_scopes(form, self._do.catalogue), read_targets(form, self._do.own_addresses)
        presented = PresentedSubject(text, scopes, audience, jkt)
        return self._do.token_exchange.exchange_token(origin, client, presented)

    def _act_for_itself(self, origin: Origin, client: Client, form: Form, jkt: str | None) -> Issued:
        scopes, audience = find_scopes(form, self._do.catalogue), read_resources(form, self._do.own_addresses)
        return self._do.client_credentials.issue(origin, client, scopes, audience or (), jkt)


def read_grant_type(form: Form, client: Client) -> GrantType:
    """Read what a client has. One of the wire format, which has no PKCE either, does not say so of a code.

    Raises OAuthRefusal.
    """
    if "grant_type" not in form and "code" in form and not client.rights.pkce_required:
        return GrantType.AUTHORIZATION_CODE
    word = get_text(form, "grant_type")
    if word not in list(GrantType):
        raise _unsupported()
    return GrantType(word)


def write_issued(issued: Issued, *, in_wire_format: bool = False) -> Mapping[str, object]:
    """Write what a client is given (RFC 6749 section 5.1). The wire format calls the scopes by another name.

    There, no refresh token is null; clients of the RFC take that for an error.
    """
    scopes = str(issued.scopes)
    refresh = {} if issued.refresh is None else {"refresh_token": issued.refresh.reveal()}
    return {
        "access_token": issued.access.reveal(),
        "token_type": "DPoP" if issued.access.kind is BOUND_ACCESS else "bearer",
        "expires_in": issued.expires_in,
        "scope": scopes,
        "scopes": scopes,
        **({"refresh_token": None} if in_wire_format else {}),
        **refresh,
    }


def _unsupported() -> OAuthRefusal:
    return OAuthRefusal(OAuthError.UNSUPPORTED_GRANT_TYPE, "There is no such grant_type here.")
