"""Clients prove who they are: by what they were registered for, and by nothing else."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from tests.making import NOW
from tests.oauth_making import add_client, add_confidential
from tests.service.parts import Bench, at_once
from tokenry.domain.clients import Authentication, Client, PresentedClient
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.domain.secrets import CLIENT_SECRET, Peppers, Secret
from tokenry.service.grants.assertions import ALGORITHMS, KEYS_MAX, LEEWAY_SECONDS, LIFETIME_SECONDS_MAX, jwks_faults
from tokenry.service.grants.authentication import ClientAuthentication
from tokenry.service.transactions import Transactions
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import to_seconds

PEPPERS = Peppers((bytes(32),))
ISSUER = "https://tokens.example"
AUDIENCES = (ISSUER, f"{ISSUER}/oauth/token")
KEY = ECKey.generate_key("P-256", {"kid": "1"})
RSA = RSAKey.generate_key(2048, {"kid": "2"})


@pytest.fixture
def clients(bench: Bench) -> ClientAuthentication:
    return ClientAuthentication(bench.transactions, PEPPERS, default_catalogue(), AUDIENCES)


def add_signing(bench: Bench, *keys: Any) -> Client:
    """A client that has registered the public halves of these keys."""
    jwks = json.dumps(KeySet(list(keys) or [KEY]).as_dict(private=False))
    return add_client(bench.database, public=False, authentication=Authentication.PRIVATE_KEY, jwks=jwks)


def claims_of(client: Client) -> dict[str, Any]:
    return {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": ISSUER,
        "exp": to_seconds(NOW) + 60,
        "jti": "1",
    }


def sign(client: Client, key: Any = KEY, alg: str = "ES256", **claims: Any) -> PresentedClient:
    """A proof of the client's, with other claims where they are given; None leaves one out."""
    told = {name: value for name, value in {**claims_of(client), **claims}.items() if value is not None}
    text = jwt.encode({"alg": alg, "kid": key.kid}, told, key, [alg])
    return PresentedClient(client.client_id, assertion=text)


def refused(clients: ClientAuthentication, presented: PresentedClient) -> bool:
    """Whether it is refused, and in the words that say nothing of what was wrong."""
    try:
        clients.authenticate(presented)
    except OAuthRefusal as refusal:
        told = "The client is unknown, or did not prove who it is."
        return (refusal.code, refusal.description) == (OAuthError.INVALID_CLIENT, told)
    return False


@pytest.mark.parametrize("authentication", [Authentication.BASIC, Authentication.POST])
def test_secret_proves_a_client(bench: Bench, clients: ClientAuthentication, authentication: Authentication) -> None:
    client, secret = add_confidential(bench.database, PEPPERS, authentication)
    assert clients.authenticate(PresentedClient(client.client_id, secret.reveal())) == client


def test_public_client_proves_nothing(bench: Bench, clients: ClientAuthentication) -> None:
    client = add_client(bench.database)
    assert clients.authenticate(PresentedClient(client.client_id)) == client


def test_no_other_secret_proves_a_client(bench: Bench, clients: ClientAuthentication) -> None:
    client, secret = add_confidential(bench.database, PEPPERS)
    _, others = add_confidential(bench.database, PEPPERS)
    another = Secret.generate(kind=CLIENT_SECRET).reveal()
    for text in ("", secret.preview, secret.reveal()[:-1], f"{secret.reveal()} ", another, others.reveal(), "ä" * 54):
        assert refused(clients, PresentedClient(client.client_id, text))


def test_client_proves_itself_as_it_is_registered_and_in_no_other_way(
    bench: Bench, clients: ClientAuthentication
) -> None:
    public = add_client(bench.database)
    confidential, secret = add_confidential(bench.database, PEPPERS)
    signing = add_signing(bench)
    assert refused(clients, PresentedClient(public.client_id, secret.reveal()))
    assert refused(clients, sign(public))
    assert refused(clients, PresentedClient(confidential.client_id))
    assert refused(clients, sign(confidential))
    assert refused(clients, PresentedClient(signing.client_id))
    assert refused(clients, PresentedClient(signing.client_id, secret.reveal()))
    assert refused(clients, replace(sign(signing), secret=secret.reveal()))
    assert not refused(clients, sign(signing))


def test_client_that_is_disabled_is_refused(bench: Bench, clients: ClientAuthentication) -> None:
    client, secret = add_confidential(bench.database, PEPPERS, disabled_at=1)
    assert refused(clients, PresentedClient(client.client_id, secret.reveal()))
    public = add_client(bench.database, disabled_at=1)
    assert refused(clients, PresentedClient(public.client_id))


def test_unknown_client_is_refused_after_the_same_work(bench: Bench, clients: ClientAuthentication) -> None:
    """A digest is compared whether or not there is anything to compare with."""
    client, _ = add_confidential(bench.database, PEPPERS)
    public = add_client(bench.database)
    another = Secret.generate(kind=CLIENT_SECRET).reveal()
    for client_id in (client.client_id, public.client_id, "unknown"):
        for text in (another, "no secret", None):
            with patch.object(Peppers, "opens", autospec=True, side_effect=Peppers.opens) as opens:
                assert refused(clients, PresentedClient(client_id, text)) or client_id == public.client_id
            assert opens.call_count == 1


@pytest.mark.parametrize("audience", AUDIENCES)
def test_signed_assertion_proves_a_client(bench: Bench, clients: ClientAuthentication, audience: str) -> None:
    client = add_signing(bench, KEY, RSA)
    assert clients.authenticate(sign(client, aud=audience)) == client
    assert clients.authenticate(sign(client, RSA, "PS256", aud=audience, jti="2")) == client


def test_assertion_counts_once(bench: Bench, clients: ClientAuthentication) -> None:
    client, other = add_signing(bench), add_signing(bench)
    presented = sign(client)
    assert not refused(clients, presented)
    assert refused(clients, presented)
    assert refused(clients, sign(client, exp=to_seconds(NOW) + 61))  # the same `jti`
    assert not refused(clients, sign(client, jti="2"))
    assert not refused(clients, sign(other))  # another's


def test_of_many_that_present_an_assertion_at_once_one_is_believed(bench: Bench) -> None:
    client = add_signing(bench)
    presented = sign(client)

    def present(database: Any) -> object:
        transactions = Transactions(database, bench.transactions.now)
        return ClientAuthentication(transactions, PEPPERS, default_catalogue(), AUDIENCES).authenticate(presented).id

    told = at_once(bench.database, *[present] * 4)
    assert sorted(told, key=str) == sorted([client.id, *[OAuthRefusal] * 3], key=str)


NOT_TRUE: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "other"},
    "another subject": {"sub": "other"},
    "neither": {"iss": "other", "sub": "other"},
    "no issuer": {"iss": None},
    "no subject": {"sub": None},
    "another audience": {"aud": "https://other.example"},
    "a longer audience": {"aud": f"{ISSUER}/"},
    "several audiences": {"aud": [ISSUER, "https://other.example"]},
    "a list of one": {"aud": [ISSUER]},
    "no audience": {"aud": None},
    "no end": {"exp": None},
    "an end that is no number": {"exp": "never"},
    "an end that is no time": {"exp": True},
    "a far end": {"exp": to_seconds(NOW) + LIFETIME_SECONDS_MAX + LEEWAY_SECONDS + 1},
    "an endless one": {"exp": float("inf")},
    "expired": {"exp": to_seconds(NOW) - LEEWAY_SECONDS},
    "of tomorrow": {"iat": to_seconds(NOW) + 86400},
    "not yet valid": {"nbf": to_seconds(NOW) + 86400},
    "begun at a word": {"nbf": "now"},
    "without a name": {"jti": None},
    "with an empty name": {"jti": ""},
    "with a number for a name": {"jti": 5},
    "with a long name": {"jti": "j" * 257},
}


def test_assertion_that_says_something_else_proves_nothing(bench: Bench, clients: ClientAuthentication) -> None:
    client = add_signing(bench)
    assert [which for which, claims in NOT_TRUE.items() if not refused(clients, sign(client, **claims))] == []


def test_assertion_of_somebody_else_proves_nothing(bench: Bench, clients: ClientAuthentication) -> None:
    client, other = add_signing(bench), add_signing(bench, RSA)
    assert refused(clients, sign(client, ECKey.generate_key("P-256", {"kid": "1"})))
    assert refused(clients, replace(sign(other, RSA, "RS256"), client_id=client.client_id))
    assert refused(clients, sign(client, RSA, "RS256"))


def forged(client: Client, alg: str, sign: Callable[[bytes], bytes]) -> str:
    """A JWT of the client's, signed otherwise."""
    parts = ({"alg": alg, "kid": "1"}, claims_of(client))
    text = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return (text + b"." + urlsafe_b64encode(sign(text)).rstrip(b"=")).decode()


def unsigned(client: Client) -> str:
    return forged(client, "none", lambda _: b"")


def by_public_key(client: Client) -> str:
    """As RFC 8725 section 2.1 has it: signed with the public key as if it were a shared one."""
    return forged(client, "HS256", lambda text: hmac.digest(KEY.as_pem(private=False), text, "sha256"))


FORGED: list[Callable[[Client], str]] = [
    unsigned,
    by_public_key,
    lambda _: "",
    lambda _: "..",
    lambda _: "a.b",
    lambda _: "e30.e30.e30.e30",
    lambda _: "\ud800.\ud800.\ud800",
    lambda _: "eyJhbGciOlsiRVMyNTYiXX0.e30.AAAA",  # a list of algorithms
    lambda client: f"{sign(client).assertion}x",
]


def test_forged_assertion_proves_nothing(bench: Bench, clients: ClientAuthentication) -> None:
    client = add_signing(bench)
    texts = [forge(client) for forge in FORGED]
    assert [text for text in texts if not refused(clients, PresentedClient(client.client_id, assertion=text))] == []


def test_algorithms_are_those_of_key_pairs() -> None:
    assert not {"none", "HS256", "HS384", "HS512"} & set(ALGORITHMS)


PUBLIC = KEY.as_dict(private=False)


@pytest.mark.parametrize(
    "jwks",
    [
        {"keys": [PUBLIC]},
        {"keys": [PUBLIC, RSA.as_dict(private=False), OKPKey.generate_key("Ed25519").as_dict(private=False)]},
    ],
)
def test_public_keys_are_taken(jwks: object) -> None:
    assert jwks_faults(jwks) == []


@pytest.mark.parametrize(
    ("jwks", "reason"),
    [
        (None, "Must be a JWK set"),
        ([], "Must be a JWK set"),
        ({}, "Must be a JWK set"),
        ({"keys": []}, "Must be a JWK set"),
        ({"keys": PUBLIC}, "Must be a JWK set"),
        ({"keys": [PUBLIC] * (KEYS_MAX + 1)}, "Must be a JWK set"),
        ({"keys": ["key"]}, "of a type"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, "of a type"),
        ({"keys": [{"kty": ["EC"]}]}, "of a type"),
        ({"keys": [KEY.as_dict(private=True)]}, "public keys alone"),
        ({"keys": [RSA.as_dict(private=True)]}, "public keys alone"),
        ({"keys": [{**PUBLIC, "x": "AA"}]}, "cannot be read"),
        ({"keys": [{**PUBLIC, "x": 5}]}, "cannot be read"),
        ({"keys": [{"kty": "EC"}]}, "cannot be read"),
        ({"keys": [PUBLIC, {**PUBLIC, "crv": "P-1"}]}, "cannot be read"),
        ({"keys": [{"kty": "RSA", "e": "AQAB", "n": "y" * 171}]}, "2048 bits"),
        ({"keys": [{"kty": "RSA", "e": "AQAB", "n": "y" * 1367}]}, "8192 bits at most"),
    ],
)
def test_what_are_no_public_keys_is_refused(jwks: object, reason: str) -> None:
    [fault] = jwks_faults(jwks)
    assert reason in fault.reason
