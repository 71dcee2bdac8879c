"""Reading an authorization request (RFC 6749 section 4.1.1): what a client sends its user's browser here with.

What is wrong with one is told in one of two ways. Until the client and its redirect address are known to be good, the
browser is sent nowhere: that is Invalid, for a page. From then on the client is told: that is RefusedToClient. Either
way nothing was issued.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode

from tokenry.domain.audiences import read_audience
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Client
from tokenry.domain.errors import Fault, Invalid, Refusal
from tokenry.domain.oauth import GrantType, OAuthError, OAuthRefusal
from tokenry.domain.redirects import matches_redirect
from tokenry.domain.scopes import Scopes
from tokenry.domain.texts import is_storable

STATE_LENGTH_MAX = 2048
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
"""SHA-256 in base64url: a code_challenge of the method S256 (RFC 7636), or a key's thumbprint (RFC 7638)."""
_REPEATABLE = frozenset({"resource"})
_READ = frozenset(
    {
        "client_id",
        "response_type",
        "response_mode",
        "redirect_uri",
        "scope",
        "scopes",
        "state",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "dpop_jkt",
        "request",
        "request_uri",
    }
)

Parameters: TypeAlias = Mapping[str, Sequence[str]]
"""What was sent, by name. A parameter without a value was not sent (RFC 6749 section 3.1)."""


class ResponseType(StrEnum):
    """What a client asks to be sent back with."""

    CODE = "code"
    TOKEN = "token"  # noqa: S105 - OAuth's word for the implicit grant

    @property
    def grant_type(self) -> GrantType:
        """What a client has to be registered for."""
        return GrantType.AUTHORIZATION_CODE if self is ResponseType.CODE else GrantType.IMPLICIT


class Prompt(StrEnum):
    """What the user has to be asked, or must not be (OpenID Connect Core section 3.1.2.1)."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the client is told what became of its request, and how: in the query, or in the fragment.

    `state` is what the client sent with it, to know its request by. An address that is not `trusted` is gone to only
    when its user has decided: a stranger has registered it, and an address of ours would lead anywhere (RFC 9700
    section 4.11.2).
    """

    redirect_uri: str
    in_fragment: bool = False
    state: str | None = None
    trusted: bool = True

    @property
    def is_claimed(self) -> bool:
        """Whether nobody but its owner is reached at it. Any program of the user's machine can have another one."""
        return self.redirect_uri.startswith("https://")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks a user for.

    `redirect_uri` is as it was sent, None if it was not, and `scopes` too; `audience` is whom the tokens are for
    (RFC 8707), empty for this service; `jkt` the thumbprint of the key that the code is bound to (RFC 9449).
    """

    destination: Destination
    response_type: ResponseType
    redirect_uri: str | None = None
    scopes: Scopes | None = None
    audience: tuple[str, ...] = ()
    code_challenge: str | None = None
    jkt: str | None = None
    prompts: frozenset[Prompt] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client is told, and where: a code or a token is among the `parameters`, or an error."""

    destination: Destination
    parameters: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, destination: Destination, refusal: OAuthRefusal) -> "Answer":
        """That nothing was issued (RFC 6749 section 4.1.2.1)."""
        return cls(destination, {"error": refusal.code, "error_description": refusal.description})

    def write(self, issuer: str) -> str:
        """The whole address. `iss` tells the client who answers (RFC 9207)."""
        state = {} if self.destination.state is None else {"state": self.destination.state}
        answer = urlencode({**self.parameters, **state, "iss": issuer})
        redirect_uri = self.destination.redirect_uri
        if self.destination.in_fragment:
            return f"{redirect_uri}#{answer}"
        if "?" not in redirect_uri:
            return f"{redirect_uri}?{answer}"
        return f"{redirect_uri}{'' if redirect_uri[-1] in '?&' else '&'}{answer}"


class RefusedToClient(Refusal):
    """A request that is refused, which its client is told: it and its destination are good."""

    def __init__(self, destination: Destination, refusal: OAuthRefusal) -> None:
        super().__init__(*refusal.faults)
        self.refusal = refusal
        self.answer = Answer.of(destination, refusal)


def read_parameters(encoded: str) -> Parameters:
    """Read a query or a form. What is no UTF-8 in it is kept as such, for whoever reads the parameter."""
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(encoded, errors="surrogateescape"):
        parameters.setdefault(name, []).append(value)
    return parameters


def kept_parameters(parameters: Parameters) -> Parameters:
    """Those of a request that are read, and so worth keeping: no secret of the client's is among them."""
    return {name: sent for name, sent in parameters.items() if name in _READ or name in _REPEATABLE}


def read_client_id(parameters: Parameters) -> str:
    """Read which client asks. Raises Invalid."""
    client_id = _find_for_page(parameters, "client_id")
    if client_id is None:
        raise Invalid(Fault("Must be sent", "client_id"))
    return client_id


def read_destination(parameters: Parameters, client: Client) -> Destination:
    """Read where the client is told, which has to be an address that it is registered with. Raises Invalid.

    One that has a single address need not name it.
    """
    presented = _find_for_page(parameters, "redirect_uri")
    if presented is None:
        if len(client.redirect_uris) != 1:
            raise Invalid(Fault("Must be sent", "redirect_uri"))
        [redirect_uri] = client.redirect_uris
    elif any(matches_redirect(registered, presented) for registered in client.redirect_uris):
        redirect_uri = presented
    else:
        raise Invalid(Fault("Must be an address that the application is registered with", "redirect_uri"))
    states = parameters.get("state", ())
    known = len(states) == 1 and len(states[0]) <= STATE_LENGTH_MAX and is_storable(states[0])
    in_fragment = parameters.get("response_type") == [ResponseType.TOKEN]
    destination = Destination(redirect_uri, in_fragment, states[0] if known else None)
    return replace(destination, trusted=client.verified or not (client.self_registered and destination.is_claimed))


def read_request(
    parameters: Parameters, client: Client, catalogue: Catalogue, own: Collection[str]
) -> AuthorizationRequest:
    """Read what a client asks for; this service has its `own` addresses.

    Raises Invalid, or RefusedToClient if the client and its destination are good.
    """
    destination = read_destination(parameters, client)
    try:
        return _read_rest(parameters, client, destination, catalogue, own)
    except OAuthRefusal as refusal:
        raise RefusedToClient(destination, refusal) from None


def _read_rest(
    parameters: Parameters, client: Client, destination: Destination, catalogue: Catalogue, own: Collection[str]
) -> AuthorizationRequest:
    values = _read_values(parameters)
    if "request" in values:
        raise OAuthRefusal(OAuthError.REQUEST_NOT_SUPPORTED, "Signed requests (request) are not taken here.")
    if len(values.get("state", "")) > STATE_LENGTH_MAX:
        raise _invalid(f"state must have at most {STATE_LENGTH_MAX} characters.")
    response_type = _read_response_type(values, client)
    return AuthorizationRequest(
        destination=destination,
        response_type=response_type,
        redirect_uri=values.get("redirect_uri"),
        scopes=_read_scopes(values, catalogue),
        audience=read_audience(parameters.get("resource", ()), own) or (),
        code_challenge=_read_code_challenge(values, client) if response_type is ResponseType.CODE else None,
        jkt=_read_jkt(values, client, response_type),
        prompts=_read_prompts(values),
    )


def _read_values(parameters: Parameters) -> Mapping[str, str]:
    """Those that are read here, each of which may come once."""
    values = {}
    for name, sent in parameters.items():
        if name in _READ or name in _REPEATABLE:
            if len(sent) > 1 and name not in _REPEATABLE:
                raise _invalid(f"{name} must be sent only once.")
            if not all(map(is_storable, sent)):
                raise _invalid(f"{name} must be UTF-8, and without NUL.")
            values[name] = sent[0]
    return values


def _read_response_type(values: Mapping[str, str], client: Client) -> ResponseType:
    word = values.get("response_type")
    if word is None:
        raise _invalid("response_type must be sent.")
    if word not in list(ResponseType):
        raise OAuthRefusal(OAuthError.UNSUPPORTED_RESPONSE_TYPE, "response_type must be code, or token.")
    response_type = ResponseType(word)
    if response_type.grant_type not in client.rights.grant_types:
        refusal = f"The client is not registered for {response_type.grant_type}."
        raise OAuthRefusal(OAuthError.UNAUTHORIZED_CLIENT, refusal)
    mode = "query" if response_type is ResponseType.CODE else "fragment"
    if values.get("response_mode", mode) != mode:
        raise _invalid(f"response_mode must be {mode}, or left out.")
    return response_type


def _read_scopes(values: Mapping[str, str], catalogue: Catalogue) -> Scopes | None:
    """Read `scope`, which clients of the wire format call `scopes`; with spaces or commas between, whichever."""
    texts = [values[name] for name in ("scope", "scopes") if name in values]
    for text in texts:
        faults = catalogue.faults(text)
        if faults:
            raise OAuthRefusal(OAuthError.INVALID_SCOPE, "; ".join(fault.reason for fault in faults))
    read = [catalogue.read(text) for text in texts]
    if any(scopes != read[0] for scopes in read):
        raise _invalid("scope and scopes must be the same: send one of them.")
    return read[0] if read else None


def _read_code_challenge(values: Mapping[str, str], client: Client) -> str | None:
    """Read the challenge (RFC 7636): S256 alone. `plain` is also what a challenge without a method means."""
    challenge = values.get("code_challenge")
    if challenge is None:
        if "code_challenge_method" in values:
            raise _invalid("code_challenge_method must not be sent without code_challenge.")
        if client.rights.pkce_required:
            raise _invalid("code_challenge must be sent (PKCE).")
        return None
    if values.get("code_challenge_method") != "S256":
        raise _invalid("code_challenge_method must be S256.")
    if not _DIGEST.fullmatch(challenge):
        raise _invalid("code_challenge must be a SHA-256 digest in base64url, of 43 characters.")
    return challenge


def _read_jkt(values: Mapping[str, str], client: Client, response_type: ResponseType) -> str | None:
    """Read the key that the code is bound to (RFC 9449 section 10). A token of the implicit grant cannot be."""
    jkt = values.get("dpop_jkt")
    if response_type is ResponseType.TOKEN and (jkt is not None or client.rights.dpop_required):
        raise _invalid("A token that is bound to a key (DPoP) has to be asked for with response_type code.")
    if jkt is not None and not _DIGEST.fullmatch(jkt):
        raise _invalid("dpop_jkt must be a SHA-256 digest in base64url, of 43 characters.")
    return jkt


def _read_prompts(values: Mapping[str, str]) -> frozenset[Prompt]:
    words = values.get("prompt", "").split(" ")
    prompts = frozenset(Prompt(word) for word in words if word in list(Prompt))
    if len(prompts) < len({word for word in words if word}):
        raise _invalid(f"prompt must be one of {', '.join(Prompt)}.")
    if Prompt.NONE in prompts and len(prompts) > 1:
        raise _invalid("prompt must not have none beside others.")
    return prompts


def _find_for_page(parameters: Parameters, name: str) -> str | None:
    sent = parameters.get(name, ())
    if len(sent) > 1:
        raise Invalid(Fault("Must be sent only once", name))
    if not all(map(is_storable, sent)):
        raise Invalid(Fault("Must be UTF-8, and without NUL", name))
    return sent[0] if sent else None


def _invalid(description: str) -> OAuthRefusal:
    return OAuthRefusal(OAuthError.INVALID_REQUEST, description)
