"""Revocation (RFC 7009): a token is given back by its text."""

from tokenry.api.introspection import token_faults
from tokenry.domain.errors import raise_faults
from tokenry.service.revocation import Revocations
from tokenry.web.answers import Answer
from tokenry.web.requests import Call


class RevocationOperations:
    """`/oauth/revoke`."""

    def __init__(self, revocations: Revocations) -> None:
        self._revocations = revocations

    def revoke_presented(self, call: Call) -> object:
        """POST a token; the answer is the same where there is none (RFC 7009 section 2.2)."""
        raise_faults(token_faults(call.body))
        self._revocations.revoke_presented(call.origin, str(call.body["token"]))
        return Answer(200)
