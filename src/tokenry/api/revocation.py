"""Revocation (RFC 7009): a token is given back by its text."""

from tokenry.domain.errors import Fault, Invalid
from tokenry.service.revocation import Revocations
from tokenry.web.answers import Answer
from tokenry.web.requests import Call


class RevocationOperations:
    """`/oauth/revoke`."""

    def __init__(self, revocations: Revocations) -> None:
        self._revocations = revocations

    def revoke_presented(self, call: Call) -> object:
        """POST a token; the answer is the same where there is none (RFC 7009 section 2.2)."""
        if "token" not in call.body:
            raise Invalid(Fault("Must be sent", "token"))
        self._revocations.revoke_presented(call.origin, str(call.body["token"]))
        return Answer(200)
