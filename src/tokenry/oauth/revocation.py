"""Revocation (RFC 7009): a token is given back by its text."""

from tokenry.domain.errors import Fault, Invalid
from tokenry.oauth.clients import client_origin, read_client
from tokenry.oauth.parameters import get_text
from tokenry.service.installation import Installation
from tokenry.service.revocation import Revocations
from tokenry.web.answers import Answer
from tokenry.web.requests import Call


def revoke_for_client(do: Installation, call: Call) -> object:
    """POST a token or refresh token of the client that asks; the answer is the same where there is none.

    `token_type_hint` says nothing that the token does not say itself. Raises OAuthRefusal.
    """
    client = do.client_authentication.authenticate(read_client(call.headers, call.body))
    text = get_text(call.body, "token")
    do.client_revocations.revoke_presented(client_origin(client, call), client, text)
    return Answer(200)


def revoke_presented(revocations: Revocations, call: Call) -> object:
    """POST a token; the answer is the same where there is none (RFC 7009 section 2.2)."""
    if "token" not in call.body:
        raise Invalid(Fault("Must be sent", "token"))
    revocations.revoke_presented(call.origin, str(call.body["token"]))
    return Answer(200)
