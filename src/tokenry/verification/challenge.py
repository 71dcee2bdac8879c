"""The WWW-Authenticate header, which tells a presenter why the token was denied."""

from tokenry.domain.checks import Denial
from tokenry.verification.verifier import Decision

_BEARER = 'Bearer realm="tokenry"'
_ALGORITHMS = "ES256 Ed25519"
"""As in `dpop.py`, which imports cryptography."""
_DPOP = f'DPoP realm="tokenry", algs="{_ALGORITHMS}"'


def challenge(decision: Decision | None, needed: str) -> str:
    """The WWW-Authenticate header of a denial (RFC 6750 section 3, RFC 9449 section 7.1), by the scheme that was used.

    No reason is told apart in public but that a proof is none, and that scopes do not suffice. Without a decision, what
    was presented is none of the verifier's, and opens nothing.
    """
    scheme = _BEARER if decision is None or not decision.bound else _DPOP
    match None if decision is None else decision.denial:
        case Denial.MISSING:
            return scheme
        case Denial.UNPROVED:
            return f'{scheme}, error="invalid_dpop_proof"'
        case Denial.INSUFFICIENT_SCOPE:
            return f'{scheme}, error="insufficient_scope", scope="{needed}"'
        case _:
            return f'{scheme}, error="invalid_token", error_description="Malformed, unknown, expired or revoked"'
