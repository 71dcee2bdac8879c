"""Each thing that a provider may say wrongly is noticed, and nobody is signed in by it."""

import hmac
import json
import time
from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import Key, OctKey, OKPKey, RSAKey

from tests.conftest import Clock
from tests.openid.fake import CLIENT_ID, FakeProvider, new_key
from tokenry.domain.providers import NotSignedIn, Person, Provider, Trouble
from tokenry.openid import fetching
from tokenry.openid.attempts import Attempt
from tokenry.openid.fetching import BYTES_MAX
from tokenry.openid.id_tokens import LEEWAY_SECONDS, TEXT_LENGTH_MAX
from tokenry.openid.relying_party import KEPT, KEYS_PAUSE, Answer, OpenIdRelyingParty

CALLBACK = "https://tokens.example.com/sign-in/callback/acme"
DISCOVERY = "/.well-known/openid-configuration"


class Browser:
    """Somebody who signs in with the provider, as often as a test wants."""

    def __init__(self, fake: FakeProvider, clock: Clock, **provider: Any) -> None:
        self.fake = fake
        self.clock = clock
        given = {"name": "acme", "label": "Acme", "issuer": fake.url, "client_id": CLIENT_ID, **provider}
        self.party = OpenIdRelyingParty(Provider(**given), CALLBACK, self.now)
        self.asked: dict[str, str] = {}

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def sign_in(self, *, attempt: Attempt | None = None, again: bool = False, **answer: str) -> Person:
        attempt = attempt or Attempt(self.now(), "/", again=again)
        address = self.party.begin(attempt)
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        brought = {"issuer": "", "error": "", **self.fake.follow(address), **answer}
        return self.party.finish(attempt, Answer(**brought))

    def trouble(self, **given: Any) -> Trouble:
        """Why somebody is not signed in."""
        with pytest.raises(NotSignedIn) as refusal:
            self.sign_in(**given)
        assert refusal.value.reason
        return refusal.value.trouble


def encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def claims_for(browser: Browser, attempt: Attempt) -> dict[str, Any]:
    """The claims of an honest ID token."""
    now = int(browser.clock())
    claims = {"iss": browser.fake.url, "sub": "ada", "aud": CLIENT_ID, "exp": now + 300, "iat": now}
    return {**claims, "nonce": attempt.nonce, "preferred_username": "ada", "email": "", "email_verified": False}


def signed(header: bytes, claims: dict[str, Any], key: Key) -> str:
    """A JWT with a header that the library would not write, by an EC key."""
    signing = f"{encode(header)}.{encode(json.dumps(claims).encode())}"
    private: Any = key.private_key
    r, s = decode_dss_signature(private.sign(signing.encode(), ec.ECDSA(SHA256())))
    return f"{signing}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@pytest.fixture
def browser(fake: FakeProvider, clock: Clock) -> Browser:
    return Browser(fake, clock)


def test_somebody_is_who_an_honest_provider_says(browser: Browser) -> None:
    person = browser.sign_in()
    assert (person.subject, person.username, person.email_verified) == ("ada", "ada", True)
    assert person.issuer == browser.fake.url


def test_provider_is_asked_with_all_that_ties_its_answer_to_the_question(browser: Browser) -> None:
    attempt = Attempt(browser.now(), "/")
    browser.sign_in(attempt=attempt)
    assert browser.asked == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "scope": "openid profile email",
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    assert browser.fake.form["code_verifier"] == attempt.verifier
    assert browser.fake.form["redirect_uri"] == CALLBACK
    assert len({attempt.state, attempt.nonce, attempt.verifier, attempt.secret}) == 4


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": []},
        {"aud": None},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"azp": "another"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"nonce": ["x"]},
        {"exp": None},
        {"exp": "never"},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": True},
        {"iat": None},
        {"iat": float("nan")},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
    ids=str,
)
def test_id_token_that_is_not_what_was_asked_for_is_not_trusted(browser: Browser, lie: dict[str, Any]) -> None:
    browser.fake.claims = lie
    assert browser.trouble() is Trouble.UNTRUSTED


@pytest.mark.parametrize(
    ("lie", "accepted"),
    [
        ({"exp": -LEEWAY_SECONDS}, False),
        ({"exp": -LEEWAY_SECONDS + 1}, True),
        ({"iat": LEEWAY_SECONDS + 1}, False),
        ({"iat": LEEWAY_SECONDS}, True),
        ({"iat": -LEEWAY_SECONDS - 1}, False),
        ({"nbf": LEEWAY_SECONDS + 1}, False),
        ({"nbf": 0}, True),
    ],
    ids=str,
)
def test_id_token_is_of_now(browser: Browser, lie: dict[str, int], accepted: bool) -> None:  # noqa: FBT001
    browser.fake.claims = {name: int(browser.clock()) + seconds for name, seconds in lie.items()}
    if accepted:
        browser.sign_in()
    else:
        assert browser.trouble() is Trouble.UNTRUSTED


def test_other_audiences_are_taken_where_the_token_was_issued_to_us(browser: Browser) -> None:
    browser.fake.claims = {"aud": ["another", CLIENT_ID], "azp": CLIENT_ID}
    browser.sign_in()


def test_id_token_of_an_earlier_sign_in_is_not_taken_again(browser: Browser) -> None:
    browser.sign_in()
    browser.fake.tokens = {"id_token": browser.fake.id_token()}
    assert browser.trouble() is Trouble.UNTRUSTED


def test_unsigned_id_token_is_not_trusted(browser: Browser) -> None:
    attempt = Attempt(browser.now(), "/")
    for algorithm in ("none", "None", "NONE", ""):
        head = encode(json.dumps({"alg": algorithm, "kid": "first"}).encode())
        browser.fake.tokens = {"id_token": f"{head}.{encode(json.dumps(claims_for(browser, attempt)).encode())}."}
        assert browser.trouble(attempt=attempt) is Trouble.UNTRUSTED


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_public_key_is_no_shared_secret(browser: Browser) -> None:
    browser.fake.signing = key = RSAKey.generate_key(2048, {"kid": "first"})
    browser.fake.published = [key]
    browser.fake.header = {"alg": "RS256"}
    browser.sign_in()
    attempt = Attempt(browser.now(), "/")
    head = encode(b'{"alg": "HS256", "kid": "first"}')
    signing = f"{head}.{encode(json.dumps(claims_for(browser, attempt)).encode())}"
    for secret in (key.as_pem(private=False), key.as_der(private=False)):
        browser.fake.tokens = {"id_token": f"{signing}.{encode(hmac.digest(secret, signing.encode(), 'sha256'))}"}
        assert browser.trouble(attempt=attempt) is Trouble.UNTRUSTED


def test_client_secret_signs_no_id_token(fake: FakeProvider, clock: Clock) -> None:
    secret = "sesame-sesame-sesame-sesame-sesame"
    browser = Browser(fake, clock, client_secret=secret)
    attempt = Attempt(browser.now(), "/")
    forged = jwt.encode({"alg": "HS256"}, claims_for(browser, attempt), OctKey.import_key(secret), ["HS256"])
    fake.tokens = {"id_token": forged}
    assert browser.trouble(attempt=attempt) is Trouble.UNTRUSTED


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", RSAKey.generate_key(2048, {"kid": "k"})),
        ("PS256", RSAKey.generate_key(2048, {"kid": "k"})),
        ("EdDSA", OKPKey.generate_key("Ed25519", {"kid": "k"})),
        ("Ed25519", OKPKey.generate_key("Ed25519", {"kid": "k"})),
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_other_algorithms_of_key_pairs_are_taken(browser: Browser, algorithm: str, key: Any) -> None:
    browser.fake.signing, browser.fake.published, browser.fake.header = key, [key], {"alg": algorithm}
    browser.sign_in()


def test_key_is_used_by_the_algorithm_that_it_is_for_alone(browser: Browser) -> None:
    signing = RSAKey.generate_key(2048, {"kid": "k"})
    browser.fake.signing, browser.fake.header = signing, {"alg": "RS256"}
    browser.fake.published = [RSAKey.import_key({**signing.as_dict(private=False), "alg": "PS256"})]
    assert browser.trouble() is Trouble.UNTRUSTED
    browser.fake.published = [RSAKey.import_key({**signing.as_dict(private=False), "alg": "RS256"})]
    browser.clock.seconds += KEYS_PAUSE.total_seconds()
    browser.sign_in()


def test_signature_of_another_key_of_that_name_is_not_trusted(browser: Browser) -> None:
    browser.fake.signing = new_key("first")
    assert browser.trouble() is Trouble.UNTRUSTED


def test_id_token_without_a_key_id_is_judged_by_all_keys(browser: Browser) -> None:
    browser.fake.published = [new_key("other"), browser.fake.signing]
    browser.fake.header = {"kid": None}
    browser.sign_in()


@pytest.mark.parametrize("text", [None, 5, "", "a.b.c", "é.b.c", "e30.e30.", "x" * (TEXT_LENGTH_MAX + 1), "W10.e30.x"])
def test_what_is_no_id_token_is_not_trusted(browser: Browser, text: object) -> None:
    browser.fake.tokens = {"id_token": text}
    assert browser.trouble() is Trouble.UNTRUSTED


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ({}, True),
        ({"crit": ["x"], "x": 1}, False),
        ({"kid": "other"}, False),
        ({"kid": ["first"]}, False),
        ({"alg": ["ES256"]}, False),
        ({"alg": "ES384"}, False),
        ({"b64": False, "crit": ["b64"]}, False),
    ],
    ids=str,
)
def test_header_that_asks_for_more_is_not_trusted(
    browser: Browser,
    header: dict[str, Any],
    taken: bool,  # noqa: FBT001
) -> None:
    attempt = Attempt(browser.now(), "/")
    raw = json.dumps({"alg": "ES256", "kid": "first", **header}).encode()
    browser.fake.tokens = {"id_token": signed(raw, claims_for(browser, attempt), browser.fake.signing)}
    if taken:
        browser.sign_in(attempt=attempt)
    else:
        assert browser.trouble(attempt=attempt) is Trouble.UNTRUSTED


def test_keys_are_asked_for_again_when_one_is_unknown_and_not_more_often(browser: Browser) -> None:
    browser.sign_in()
    browser.fake.rotate()
    assert browser.trouble() is Trouble.UNTRUSTED  # the keys came a moment ago
    browser.clock.seconds += KEYS_PAUSE.total_seconds()
    browser.sign_in()
    browser.sign_in()
    assert browser.fake.asked.count("/keys") == 2
    assert browser.fake.asked.count(DISCOVERY) == 1


def test_key_that_was_withdrawn_signs_no_longer_than_keys_are_kept(browser: Browser) -> None:
    browser.sign_in()
    browser.fake.published = [new_key("second")]
    browser.sign_in()
    browser.clock.seconds += KEPT.total_seconds()
    assert browser.trouble() is Trouble.UNTRUSTED


def test_what_is_kept_is_not_kept_longer_when_the_clock_is_set_back(browser: Browser) -> None:
    browser.sign_in()
    browser.clock.seconds -= timedelta(days=1).total_seconds()
    browser.sign_in()
    assert browser.fake.asked.count("/keys") == browser.fake.asked.count(DISCOVERY) == 2


@pytest.mark.parametrize("issuer", ["https://other.example", "", None, 5])
def test_provider_that_says_it_is_another_is_not_trusted(browser: Browser, issuer: object) -> None:
    browser.fake.metadata = {"issuer": issuer}
    assert browser.trouble() is Trouble.UNTRUSTED
    browser.fake.metadata = {"issuer": f"{browser.fake.url}/"}
    assert browser.trouble() is Trouble.UNTRUSTED


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"])
@pytest.mark.parametrize("url", ["http://login.acme.example/x", "file:///etc/passwd", "//x", 5])
def test_endpoint_where_nothing_may_be_asked_is_refused(browser: Browser, endpoint: str, url: object) -> None:
    browser.fake.metadata = {endpoint: url}
    assert browser.trouble() is Trouble.UNREACHABLE


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_endpoint_that_is_not_named_is_refused(browser: Browser, endpoint: str) -> None:
    browser.fake.metadata = {endpoint: None}
    assert browser.trouble() is Trouble.UNREACHABLE


def test_answer_of_another_issuer_is_not_trusted(browser: Browser) -> None:
    assert browser.trouble(issuer="https://other.example") is Trouble.UNTRUSTED
    assert "/token" not in browser.fake.asked
    browser.sign_in(issuer=browser.fake.url)


def test_answer_says_its_issuer_where_the_provider_tells_that_it_does(browser: Browser) -> None:
    browser.fake.metadata = {"authorization_response_iss_parameter_supported": True}
    assert browser.trouble() is Trouble.UNTRUSTED
    assert "/token" not in browser.fake.asked
    browser.sign_in(issuer=browser.fake.url)


def test_error_of_another_issuer_is_not_believed(browser: Browser) -> None:
    assert browser.trouble(error="access_denied", issuer="https://other.example") is Trouble.UNTRUSTED
    assert browser.trouble(error="access_denied") is Trouble.DECLINED


def test_text_of_a_stranger_is_not_in_the_reason(browser: Browser) -> None:
    with pytest.raises(NotSignedIn) as refusal:
        browser.sign_in(error="<b>Call 555</b>")
    assert "555" not in refusal.value.reason


@pytest.mark.parametrize(
    ("status", "error", "trouble"),
    [
        (400, "invalid_grant", Trouble.STALE),
        (401, "invalid_client", Trouble.UNREACHABLE),
        (500, "x y", Trouble.UNREACHABLE),
        (500, None, Trouble.UNREACHABLE),
        (200, "invalid_request", Trouble.UNREACHABLE),
    ],
)
def test_code_that_is_not_taken_signs_nobody_in(
    browser: Browser, status: int, error: str | None, trouble: Trouble
) -> None:
    browser.fake.token_status, browser.fake.tokens = status, {"error": error}
    assert browser.trouble() is trouble


@pytest.mark.parametrize(
    ("methods", "basic"),
    [(None, True), (["client_secret_basic", "client_secret_post"], True), (["client_secret_post"], False)],
)
def test_client_secret_goes_where_the_provider_takes_it(
    fake: FakeProvider,
    clock: Clock,
    methods: list[str] | None,
    basic: bool,  # noqa: FBT001
) -> None:
    fake.metadata = {"token_endpoint_auth_methods_supported": methods}
    Browser(fake, clock, client_secret="se same:ü").sign_in()
    if basic:
        assert fake.authorization is not None
        assert b64decode(fake.authorization.removeprefix("Basic ")) == b"tokenry:se%20same%3A%C3%BC"
        assert "client_secret" not in fake.form
    else:
        assert (fake.authorization, fake.form["client_secret"]) == (None, "se same:ü")


def test_client_without_a_secret_has_its_name_and_the_verifier(browser: Browser) -> None:
    browser.sign_in()
    assert (browser.fake.authorization, browser.fake.form["client_id"]) == (None, CLIENT_ID)


def test_what_the_id_token_lacks_is_asked_for_and_what_it_has_is_believed(browser: Browser) -> None:
    browser.fake.claims = {"preferred_username": None}
    browser.fake.user_info = {"sub": "ada", "preferred_username": "countess", "email": "other@acme.example"}
    person = browser.sign_in()
    assert (person.username, person.email) == ("countess", "ada@acme.example")


def test_user_info_is_not_asked_for_what_is_known(browser: Browser) -> None:
    browser.sign_in()
    assert "/me" not in browser.fake.asked


@pytest.mark.parametrize("subject", ["bob", None])
def test_user_info_of_somebody_else_is_not_trusted(browser: Browser, subject: str | None) -> None:
    browser.fake.claims = {"preferred_username": None}
    browser.fake.user_info = {"sub": subject, "preferred_username": "bob"}
    assert browser.trouble() is Trouble.UNTRUSTED


@pytest.mark.parametrize("access", [None, 5, "a\r\nb: c", "é"])
def test_access_token_that_no_header_can_have_is_not_sent(browser: Browser, access: object) -> None:
    browser.fake.claims = {"preferred_username": None}
    browser.fake.tokens = {"access_token": access}
    assert browser.trouble() is Trouble.UNTRUSTED
    assert "/me" not in browser.fake.asked


@pytest.mark.parametrize("path", [DISCOVERY, "/keys", "/token"])
@pytest.mark.parametrize(
    "answer",
    [
        (302, [("Location", "http://127.0.0.1:1/")], b"{}"),
        (500, [], b"<html>"),
        (200, [], b"[]"),
        (200, [], b"[" * 100_000),
        (200, [], b"\xff"),
        (200, [], b'{"x": "' + b"x" * BYTES_MAX + b'"}'),
        (200, [("Content-Encoding", "gzip")], b"\x1f\x8b"),
    ],
    ids=["redirect", "page", "list", "deep", "bytes", "huge", "packed"],
)
def test_provider_that_does_not_answer_as_it_should_is_unreachable(
    browser: Browser, path: str, answer: tuple[int, list[tuple[str, str]], bytes]
) -> None:
    browser.fake.answers[path] = answer
    assert browser.trouble() is Trouble.UNREACHABLE


@pytest.mark.parametrize("path", [DISCOVERY, "/keys", "/token"])
def test_no_redirect_is_followed(browser: Browser, path: str) -> None:
    browser.fake.answers[path] = (307, [("Location", f"{browser.fake.url}/elsewhere")], b"{}")
    with pytest.raises(NotSignedIn, match="does not answer as it should") as refusal:
        browser.sign_in()
    assert "redirects elsewhere" in refusal.value.reason
    assert "/elsewhere" not in browser.fake.asked


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_keys_of_which_none_can_be_used_are_none(browser: Browser) -> None:
    short = RSAKey.generate_key(1024, {"kid": "first"}).as_dict(private=False)
    useless = [5, {"kty": "oct", "k": "c2VzYW1l"}, {"kty": "RSA"}, short, {**new_key("a").as_dict(), "use": "enc"}]
    browser.fake.answers["/keys"] = (200, [], json.dumps({"keys": useless}).encode())
    assert browser.trouble() is Trouble.UNREACHABLE


def test_provider_that_is_down_is_unreachable(fake: FakeProvider, clock: Clock) -> None:
    assert Browser(fake, clock, issuer="http://127.0.0.1:1").trouble() is Trouble.UNREACHABLE


def test_provider_that_takes_its_time_with_every_byte_is_given_up(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching.Fetching.__init__, "__defaults__", (0.3,))
    browser.fake.drip_seconds = 0.02
    began = time.monotonic()
    assert browser.trouble() is Trouble.UNREACHABLE
    assert time.monotonic() - began < 2


def test_who_proves_anew_who_it_is_was_asked_for_it(browser: Browser) -> None:
    browser.fake.claims = {"auth_time": int(browser.clock())}
    browser.sign_in(again=True)
    assert (browser.asked["prompt"], browser.asked["max_age"]) == ("login", "0")
    browser.fake.claims = {"auth_time": int(browser.clock()) - LEEWAY_SECONDS - 1}
    assert browser.trouble(again=True) is Trouble.UNTRUSTED
    browser.fake.claims = {}
    assert browser.trouble(again=True) is Trouble.UNTRUSTED
