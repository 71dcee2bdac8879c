"""`/oauth/device_authorization` (RFC 8628 section 3.1): where a device without a browser begins."""

from tokenry.domain.device_codes import VERIFICATION_PATH, write_user_code
from tokenry.oauth.clients import client_origin, count_client, read_client
from tokenry.oauth.parameters import find_scopes, read_resources
from tokenry.service.installation import Installation
from tokenry.web.limits import Bucket
from tokenry.web.requests import Call

DEVICE_LIMIT = Bucket("device", 60)
"""Of each address; each waiting device is a row for ten minutes."""


def begin_device(do: Installation, call: Call) -> object:
    """POST what a device asks for; what it waits with, and where its user goes. Raises OAuthRefusal, NoPublicUrl."""
    page = f"{do.issuer}{VERIFICATION_PATH}"
    client = do.client_authentication.authenticate(read_client(call.headers, call.body))
    count_client(client, call)
    scopes, audience = find_scopes(call.body, do.catalogue), read_resources(call.body, do.own_addresses)
    code = do.device_codes.begin(client_origin(client, call), client, scopes, audience or ())
    shown = write_user_code(code.user_code)
    return {
        "device_code": code.secret.reveal(),
        "user_code": shown,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={shown}",
        "expires_in": code.expires_in,
        "interval": code.interval,
    }
