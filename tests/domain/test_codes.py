"""The proof that goes with a code."""

import pytest

from tokenry.domain.codes import PresentedCode, is_verified

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_verifier_of_the_rfc_fits_its_challenge() -> None:
    """RFC 7636 appendix B."""
    assert is_verified(VERIFIER, CHALLENGE)


@pytest.mark.parametrize(
    "verifier", [VERIFIER[:-1], VERIFIER + "A", VERIFIER[:-1] + "\n", "é" * 43, "", CHALLENGE, VERIFIER * 3]
)
def test_other_verifier_does_not(verifier: str) -> None:
    assert not is_verified(verifier, CHALLENGE)


def test_presented_code_does_not_print_itself() -> None:
    assert (
        repr(PresentedCode("oac_text", code_verifier=VERIFIER))
        == "PresentedCode(redirect_uri=None, jkt=None, audience=None)"
    )
