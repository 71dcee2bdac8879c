"""Leak reports: `/credentials/revoke`, for anybody who found a token where it does not belong."""

from collections.abc import Mapping, Sequence

from tokenry.domain.errors import Fault, Invalid
from tokenry.service.leaks import Leaks
from tokenry.web.answers import Answer
from tokenry.web.limits import Bucket
from tokenry.web.requests import Call

CREDENTIALS_MAX = 1000
"""As many tokens as fit a body of 64 KiB, written without indentation."""
REPORTS = Bucket("leaks", 10)


def revoke_reported(leaks: Leaks, call: Call) -> object:
    """POST the texts of tokens; whatever they are, the answer is the same."""
    leaks.revoke_reported(read_credentials(call.body), call.address)
    return Answer(202, {})


def read_credentials(body: Mapping[str, object]) -> Sequence[str]:
    """Read a list of texts. Raises Invalid."""
    found = body.get("credentials")
    if not isinstance(found, list) or len(found) > CREDENTIALS_MAX or not all(isinstance(text, str) for text in found):
        raise Invalid(Fault(f"Must be a list of at most {CREDENTIALS_MAX} strings", "credentials"))
    return found
