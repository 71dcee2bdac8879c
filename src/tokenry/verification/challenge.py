"""The WWW-Authenticate header, which tells a presenter why the token was denied."""

from tokenry.domain.checks import Denial
from tokenry.verification.verifier import Decision

_REALM = 'Bearer realm="tokenry"'
_ALGORITHMS = "ES256 Ed25519"
"""As in `dpop.py`, which imports cryptography."""
_INVALID_PROOF = f'DPoP realm="tokenry", algs="{_ALGORITHMS}", error="invalid_dpop_proof"'
_INVALID_TOKEN = f'{_REALM}, error="invalid_token", error_description="Malformed, unknown, expired or revoked"'


def challenge(decision: Decision | None, needed: str) -> str:
    """The WWW-Authenticate header of a denial (RFC 6750 section 3): no reason is told apart in public.

    Without a decision, what was presented is none of the verifier's, and opens nothing.
    """
    match None if decision is None else decision.denial:
        case Denial.MISSING:
            return _REALM
        case Denial.UNPROVED:
            return _INVALID_PROOF
        case Denial.INSUFFICIENT_SCOPE:
            return f'{_REALM}, error="insufficient_scope", scope="{needed}"'
        case _:
            return _INVALID_TOKEN
