"""Which client sends a request, and what it proves it with (RFC 6749 section 2.3.1, RFC 7521 section 4.2)."""

import json
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping
from urllib.parse import unquote_plus

from tokenry.domain.accounts import Origin
from tokenry.domain.clients import CLIENT_ID_LENGTH_MAX, Client, PresentedClient
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.oauth.parameters import Form, find_text
from tokenry.web.requests import Call

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def read_client(headers: Mapping[bytes, str], form: Form) -> PresentedClient:
    """Read who sends a request, by its own word. Raises OAuthRefusal, also for more than one proof.

    A secret may come by HTTP Basic or in the form. `client_id` may stand beside any proof that is of the same client.
    """
    named, secret, assertion = (find_text(form, name) for name in ("client_id", "client_secret", "client_assertion"))
    basic = _read_basic(headers.get(b"authorization", ""))
    if sum(proof is not None for proof in (basic, secret, assertion)) > 1:
        raise OAuthRefusal(OAuthError.INVALID_REQUEST, "A client must prove who it is in one way only.")
    proved = named
    if basic is not None:
        proved, secret = basic
    elif assertion is not None:
        if find_text(form, "client_assertion_type") != ASSERTION_TYPE:
            raise OAuthRefusal(OAuthError.INVALID_REQUEST, f"The client_assertion_type must be {ASSERTION_TYPE}.")
        proved = _subject(assertion)
    if proved is None or not (0 < len(proved) <= CLIENT_ID_LENGTH_MAX and proved.isascii() and proved.isprintable()):
        raise OAuthRefusal(OAuthError.INVALID_CLIENT, "The request has to say which client sends it.")
    if named not in (None, proved):
        raise OAuthRefusal(OAuthError.INVALID_REQUEST, "The client_id is not that of the client's proof.")
    return PresentedClient(proved, secret, assertion)


def count_client(client: Client, call: Call) -> None:
    """Count a request of a client that has proved who it is, from wherever it comes. Raises TooManyRequests.

    Anybody can say to be a public one, and would use up what all of its users have: it is counted by address alone.
    """
    if not client.public:
        call.count(f"client:{client.id}")


def client_origin(client: Client, call: Call) -> Origin:
    """A client that asks for something in its own name, for the audit."""
    return Origin(f"client:{client.client_id}", address=call.address)


def _read_basic(header: str) -> tuple[str, str | None] | None:
    """The id and the secret of a client, both written as in a form; None where the header is of another scheme.

    An empty secret is none (RFC 6749 section 2.3.1).
    """
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = b64decode(credentials.strip(), validate=True).decode("utf-8").partition(":")
    except ValueError:
        colon = ""
    if not colon:
        raise OAuthRefusal(OAuthError.INVALID_CLIENT, "The Authorization header has no client_id and client_secret.")
    return unquote_plus(client_id), unquote_plus(secret) or None


def _subject(assertion: str) -> str | None:
    """Of whom an assertion speaks, before anybody has looked at its signature."""
    try:
        _, payload, _ = assertion.split(".")
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else None
