"""What a proof has to say (RFC 9449 section 4.3), and that each part of it matters."""

import time
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.conftest import START
from tests.making import NOW
from tests.verification.dpop_making import Prover
from tokenry.verification.challenge import _ALGORITHMS
from tokenry.verification.dpop import AGE_SECONDS_MAX, ALGORITHMS, LEEWAY_SECONDS, LENGTH_MAX, read_proof
from tokenry.verification.verifier import read_bound

ADDRESS = "https://tokens.example/v4/profile"
TOKEN = "tbat" + "0" * 50
PROVER = Prover()


def read(proof: str | None, **changes: Any) -> object:
    circumstances: dict[str, Any] = {"method": "GET", "address": ADDRESS, "now": NOW, "token": TOKEN}
    return read_proof(proof, **(circumstances | changes))


def test_challenge_names_the_algorithms_there_are() -> None:
    assert " ".join(ALGORITHMS) == _ALGORITHMS


@pytest.mark.parametrize("prover", [PROVER, Prover(OKPKey.generate_key("Ed25519"), "Ed25519")], ids=["EC", "OKP"])
def test_right_proof_tells_its_key(prover: Prover) -> None:
    proof = read_proof(prover.prove("GET", ADDRESS, TOKEN), method="GET", address=ADDRESS, now=NOW, token=TOKEN)
    assert proof is not None
    assert proof.jkt == prover.jkt
    assert proof.expiry > NOW + timedelta(seconds=AGE_SECONDS_MAX + LEEWAY_SECONDS)


@pytest.mark.parametrize(
    ("said", "is_same"),
    [
        ("HTTPS://Tokens.Example/v4/profile", True),
        ("https://tokens.example:443/v4/profile", True),
        ("https://tokens.example/v4/profile?a=b#c", True),
        ("https://tokens.example/v4/profile/", False),
        ("https://tokens.example/v4/Profile", False),
        ("https://tokens.example/v4/profile%2f", False),
        ("http://tokens.example/v4/profile", False),
        ("https://tokens.example:444/v4/profile", False),
        ("https://other.example/v4/profile", False),
        ("/v4/profile", False),
        ("https://[", False),
        ("https://tokens.example:99999/v4/profile", False),
    ],
)
def test_address_is_compared_as_an_address(said: str, is_same: bool) -> None:  # noqa: FBT001
    assert (read(PROVER.prove("GET", said, TOKEN)) is not None) == is_same


@pytest.mark.parametrize(
    ("said", "sent", "is_same"),
    [
        ("%c3%a9%2Fa", "%C3%A9%2fa", True),
        ("%41%7e", "A~", True),
        ("%2F", "/", False),
        ("%3B", ";", False),
        ("%252F", "%2F", False),
        ("a/../b", "b", False),
    ],
)
def test_escapes_in_an_address_may_be_spelt_in_several_ways(said: str, sent: str, is_same: bool) -> None:  # noqa: FBT001
    proof = PROVER.prove("GET", f"https://tokens.example/{said}", TOKEN)
    assert (read(proof, address=f"https://tokens.example/{sent}") is not None) == is_same


@pytest.mark.parametrize(
    "claims",
    [
        {"htm": "POST"},
        {"htm": "get"},
        {"htm": None},
        {"htu": None},
        {"htu": 5},
        {"ath": None},
        {"ath": "x"},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"jti": "x" * 257},
        {"iat": None},
        {"iat": True},
        {"iat": "now"},
        {"iat": 1e300},
        {"iat": int(START) - AGE_SECONDS_MAX - LEEWAY_SECONDS - 1},
        {"iat": int(START) + LEEWAY_SECONDS + 1},
    ],
    ids=str,
)
def test_proof_of_something_else_is_none(claims: dict[str, Any]) -> None:
    assert read(PROVER.prove("GET", ADDRESS, TOKEN, **claims)) is None


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"jwk": None},
        {"jwk": {}},
        {"jwk": PROVER.key.as_dict(private=True)},
        {"jwk": ECKey.generate_key("P-256").as_dict(private=False)},
        {"jwk": OctKey.generate_key(256).as_dict()},
        {"jwk": RSAKey.generate_key(2048).as_dict(private=False)},
    ],
    ids=["other type", "no type", "no key", "nothing", "private", "of another", "symmetric", "RSA"],
)
def test_proof_by_no_public_key_of_its_own_is_none(header: dict[str, object]) -> None:
    assert read(PROVER.prove("GET", ADDRESS, TOKEN, header)) is None


def test_proof_by_an_algorithm_that_is_none_of_ours_is_none() -> None:
    for key, algorithm in ((ECKey.generate_key("P-384"), "ES384"), (RSAKey.generate_key(2048), "RS256")):
        assert read(Prover(key, algorithm).prove("GET", ADDRESS, TOKEN)) is None


def test_junk_is_no_proof_and_soon_told() -> None:
    whole = PROVER.prove("GET", ADDRESS, TOKEN)
    head, body, signature = whole.split(".")
    before = time.monotonic()
    for text in (None, "", ".", "..", "a.b.c", f"{head}.{body}.", f"{head}..{signature}", whole[:-4] + "AAAA", "é"):
        assert read(text) is None
    for text in (whole + "." * LENGTH_MAX, "." * 10**6, "x" * 10**6):
        assert read(text) is None
    assert time.monotonic() - before < 1


def test_proof_for_the_token_endpoint_names_no_token() -> None:
    assert read(PROVER.prove("GET", ADDRESS), token=None) is not None
    assert read(PROVER.prove("GET", ADDRESS)) is None


def test_scheme_is_read_in_any_case() -> None:
    assert [read_bound(text) for text in ("DPoP a", "dpop  a", "Bearer a", "DPoP", "DPoP a b", None)] == [
        "a",
        "a",
        *[None] * 4,
    ]
