"""Revocation (RFC 7009): a token is given back by its text."""

from tokenry.domain.errors import Fault, Invalid
from tokenry.service.revocation import Revocations
from tokenry.web.answers import Answer
from tokenry.web.requests import Call


def revoke_presented(revocations: Revocations, call: Call) -> object:
    """POST a token; the answer is the same where there is none (RFC 7009 section 2.2)."""
    if "token" not in call.body:
        raise Invalid(Fault("Must be sent", "token"))
    revocations.revoke_presented(call.origin, str(call.body["token"]))
    return Answer(200)
