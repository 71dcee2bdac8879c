"""The key that a client proves to have when it asks for tokens (RFC 9449 section 5): they are bound to it."""

from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.service.installation import Installation
from tokenry.web.requests import Call


def read_key(do: Installation, call: Call, path: str) -> str | None:
    """The thumbprint of the key that a POST to this path proves; None where it brings no proof.

    A proof counts once, also where the request is refused later. Raises OAuthRefusal, and NoPublicUrl: a proof names
    the address it is for, and nobody but the operator can say which is ours.
    """
    sent = call.headers.get(b"dpop")
    if sent is None:
        return None
    from tokenry.verification.dpop import read_proof  # noqa: PLC0415 - it imports cryptography

    proof = read_proof(sent, method="POST", address=f"{do.issuer}{path}", now=do.transactions.now())
    if proof is None or not do.proofs.see_first_proof(proof.digest, proof.expiry):
        raise OAuthRefusal(OAuthError.INVALID_DPOP_PROOF, "The DPoP proof is none of this request, or was used before.")
    return proof.jkt
