"""`/oauth/par` (RFC 9126): a client leaves its authorization request here, before it sends its user's browser."""

from collections.abc import Sequence

from tokenry.domain.authorization import Parameters
from tokenry.domain.oauth import PUSHED_LIFETIME_SECONDS, OAuthError, OAuthRefusal
from tokenry.oauth.clients import count_client, read_client
from tokenry.oauth.keys import read_key
from tokenry.oauth.parameters import Form
from tokenry.service.installation import Installation
from tokenry.web.answers import Answer
from tokenry.web.requests import Call

PATH = "/oauth/par"


def push_request(do: Installation, call: Call) -> Answer:
    """POST a request; what the browser is sent with instead. Raises OAuthRefusal, Invalid."""
    client = do.client_authentication.authenticate(read_client(call.headers, call.body))
    count_client(client, call)
    parameters = with_key(read_pushed(call.body), read_key(do, call, PATH))
    request_uri = do.pushed_requests.push_request(client, parameters)
    return Answer(201, {"request_uri": request_uri, "expires_in": PUSHED_LIFETIME_SECONDS})


def read_pushed(form: Form) -> Parameters:
    """The parameters of a form, each with all values that were sent."""
    return {name: [value] if isinstance(value, str) else _texts(value) for name, value in form.items()}


def with_key(parameters: Parameters, jkt: str | None) -> Parameters:
    """A request of a client that proved this key, as if it had asked with it (RFC 9449 section 10.1).

    Raises OAuthRefusal.
    """
    if jkt is None:
        return parameters
    if any(asked != jkt for asked in parameters.get("dpop_jkt", ())):
        raise OAuthRefusal(OAuthError.INVALID_DPOP_PROOF, "The DPoP proof is not of the key that dpop_jkt names.")
    return {**parameters, "dpop_jkt": [jkt]}


def _texts(value: object) -> Sequence[str]:
    assert isinstance(value, Sequence)
    return [str(each) for each in value]
