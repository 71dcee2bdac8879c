"""The WWW-Authenticate header, which tells a presenter why the token was denied."""

from tokenry.domain.checks import Denial
from tokenry.verification.verifier import Decision

_ALGORITHMS = "ES256 Ed25519"
"""As in `dpop.py`, which imports cryptography."""


def challenge(decision: Decision | None, needed: str, *, realm: str) -> str:
    """The WWW-Authenticate header of a denial (RFC 6750 section 3, RFC 9449 section 7.1), by the scheme that was used.

    No reason is told apart in public but that a proof is none, and that scopes do not suffice. Without a decision, what
    was presented is none of the verifier's, and opens nothing.
    """
    scheme = f'Bearer realm="{realm}"'
    if decision is not None and decision.bound:
        scheme = f'DPoP realm="{realm}", algs="{_ALGORITHMS}"'
    match None if decision is None else decision.denial:
        case Denial.MISSING:
            return scheme
        case Denial.UNPROVED:
            return f'{scheme}, error="invalid_dpop_proof"'
        case Denial.INSUFFICIENT_SCOPE:
            return f'{scheme}, error="insufficient_scope", scope="{needed}"'
        case _:
            return f'{scheme}, error="invalid_token", error_description="Malformed, unknown, expired or revoked"'
