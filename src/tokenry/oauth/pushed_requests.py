"""`/oauth/par` (RFC 9126): a client leaves its authorization request here, before it sends its user's browser."""

from collections.abc import Sequence

from tokenry.domain.authorization import Parameters
from tokenry.domain.oauth import PUSHED_LIFETIME_SECONDS
from tokenry.oauth.clients import read_client
from tokenry.oauth.parameters import Form
from tokenry.service.installation import Installation
from tokenry.web.answers import Answer
from tokenry.web.requests import Call


def push_request(do: Installation, call: Call) -> Answer:
    """POST a request; what the browser is sent with instead. Raises OAuthRefusal, Invalid."""
    client = do.client_authentication.authenticate(read_client(call.headers, call.body))
    call.count(f"client:{client.id}")
    request_uri = do.pushed_requests.push_request(client, read_pushed(call.body))
    return Answer(201, {"request_uri": request_uri, "expires_in": PUSHED_LIFETIME_SECONDS})


def read_pushed(form: Form) -> Parameters:
    """The parameters of a form, each with all values that were sent."""
    return {name: [value] if isinstance(value, str) else _texts(value) for name, value in form.items()}


def _texts(value: object) -> Sequence[str]:
    assert isinstance(value, Sequence)
    return [str(each) for each in value]
