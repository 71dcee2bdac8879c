"""What the middleware of every framework does, on every verifier: one suite for all of them."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import httpx2
import pytest

from tests.gateways.parts import Headers, ask, bearer
from tests.issuing import NewToken
from tests.middleware.applications import KINDS, Running, let_in, refused, running
from tests.middleware.conftest import revoke, token_id
from tests.oauth_making import add_client, give
from tests.servers import Server
from tests.verification.dpop_making import Prover
from tokenry.middleware import Verifier
from tokenry.middleware.local import LocalVerifier
from tokenry.middleware.remote import RemoteVerifier
from tokenry.settings import Settings
from tokenry.wiring import open_installation

ORIGIN = "https://api.example"
PROVER = Prover()
SPOOFED = [
    ("X-Auth-User", "root"),
    ("x_auth_user", "root"),
    ("X-Auth_User-ID", "1"),
    ("X-AUTH-Token-Id", "1"),
    ("X-Auth-Anything", "root"),
]


@pytest.fixture(scope="module", params=["remote", "local"])
def verifier(request: pytest.FixtureRequest, service: Server) -> Iterator[Verifier]:
    # the machine may be busy
    made: RemoteVerifier | LocalVerifier
    if request.param == "remote":
        made = RemoteVerifier(service.url, timeout=10, origin=ORIGIN)
    else:
        made = LocalVerifier(service.data_dir, timeout=10, origin=ORIGIN)
    yield made
    made.close()


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def served(kind: str, verifier: Verifier) -> Iterator[Running]:
    with running(kind, verifier) as application:
        yield application


@pytest.fixture
def application(served: Running) -> Running:
    """One of each kind with each verifier serves all tests, since to stop it takes longer than most of them."""
    served.reached.clear()
    return served


def test_valid_token_gets_in_with_its_identity(application: Running, reading_token: str, api: httpx2.Client) -> None:
    told = let_in(application, "/any", bearer(reading_token))
    # The service does not tell it unless it is to.
    assert told["identity"].pop("metadata") in (None, {"user": {}, "token": {}})
    assert told["identity"] == {
        "user": "admin",
        "user_id": 1,
        "account_id": 1,
        "token_id": token_id(api, reading_token),
        "scopes": "linodes:read_only",
        "expires": datetime(2100, 1, 1, tzinfo=UTC).isoformat(),
        "client_id": None,
        "external_id": None,
    }


def test_user_of_a_product_is_told_of_by_the_products_name(application: Running, api: httpx2.Client) -> None:
    name = "auth0|64f2, \N{LATIN SMALL LETTER A WITH DIAERESIS}/%25"
    made = api.post(f"/tokenry/users/{quote(name, safe='')}/tokens", json={"create_user": True})
    assert let_in(application, "/any", bearer(made.json()["token"]))["identity"]["external_id"] == name


def test_token_that_never_expires_has_no_expiry_and_its_scopes_sorted(application: Running, writing_token: str) -> None:
    identity = let_in(application, "/any", bearer(writing_token))["identity"]
    assert (identity["expires"], identity["scopes"]) == (None, "linodes:read_write volumes:read_only")


@pytest.fixture(
    params=["missing", "revoked", "expired", "Basic eDp5", "Bearer x", "Bearer pat_\xe9", "Bearer pat_" + "A" * 50]
)
def invalid(request: pytest.FixtureRequest, expired_token: str, new_token: NewToken, api: httpx2.Client) -> Headers:
    """The headers of somebody without a valid token."""
    match request.param:
        case "missing":
            return []
        case "revoked":
            token = new_token()
            revoke(api, token)
            return bearer(token)
        case "expired":
            return bearer(expired_token)
        case text:
            return [("Authorization", text)]


def test_whoever_has_no_valid_token_is_told_what_the_service_says(
    application: Running, service: Server, invalid: Headers
) -> None:
    answer = refused(application, "/any", invalid)
    said = ask(service.port, "GET", "/verify", invalid)
    assert said.status == 401
    assert (answer.status, answer.body) == (401, said.body)
    for name in ("Content-Type", "WWW-Authenticate", "Cache-Control"):
        assert answer.values(name) == said.values(name)


def test_revoked_token_is_refused_with_the_next_request(
    application: Running, new_token: NewToken, api: httpx2.Client
) -> None:
    token = new_token()
    for _ in range(3):
        let_in(application, "/any", bearer(token))
    revoke(api, token)
    assert refused(application, "/any", bearer(token)).status == 401


def test_scope_that_is_needed_lets_in_whoever_has_it(
    application: Running, reading_token: str, writing_token: str
) -> None:
    for token in (reading_token, writing_token):
        let_in(application, "/reading", bearer(token))


def test_insufficient_scope_is_told_what_the_service_says(
    application: Running, service: Server, new_token: NewToken
) -> None:
    token = new_token(scopes="volumes:read_write")
    answer = refused(application, "/reading", bearer(token))
    said = ask(service.port, "GET", "/verify?scope=linodes:read_only", bearer(token))
    assert (answer.status, answer.body) == (said.status, said.body)
    assert answer.status == 403
    assert answer.values("WWW-Authenticate") == [
        'Bearer realm="tokenry", error="insufficient_scope", scope="linodes:read_only"'
    ]


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_reading_a_resource_takes_the_lower_level(application: Running, reading_token: str, method: str) -> None:
    let_in(application, "/linodes", bearer(reading_token), method)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writing_a_resource_takes_the_higher_level(
    application: Running, reading_token: str, writing_token: str, method: str
) -> None:
    answer = refused(application, "/linodes", bearer(reading_token), method)
    assert answer.status == 403
    assert answer.values("WWW-Authenticate") == [
        'Bearer realm="tokenry", error="insufficient_scope", scope="linodes:read_write"'
    ]
    let_in(application, "/linodes", bearer(writing_token), method)


def test_two_authorization_headers_are_refused(application: Running, reading_token: str) -> None:
    answer = refused(application, "/any", [*bearer(reading_token), *bearer(reading_token)])
    assert answer.status in (400, 401)  # 401 where the server joined them before
    assert "errors" in json.loads(answer.body)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "fastapi"], indirect=True)
@pytest.mark.parametrize("path", ["/any", "/open"])
def test_identity_headers_of_the_client_are_taken_out(application: Running, reading_token: str, path: str) -> None:
    told = let_in(application, path, [*bearer(reading_token), *SPOOFED])
    assert told["headers"] == []


def test_identity_headers_of_the_client_let_nobody_in(application: Running) -> None:
    assert refused(application, "/any", SPOOFED).status == 401


def test_what_is_open_needs_no_token(application: Running) -> None:
    assert let_in(application, "/open", bearer("x"))["identity"] is None


@pytest.mark.parametrize("authorization", [None, "Basic YTpi", "Session x", ""])
def test_optional_token_need_not_be_presented(application: Running, authorization: str | None) -> None:
    headers = [] if authorization is None else [("Authorization", authorization)]
    assert let_in(application, "/optional", headers)["identity"] is None


def test_optional_token_has_to_be_good_when_it_is_presented(application: Running, new_token: NewToken) -> None:
    good, narrow = new_token(scopes="linodes:read_only"), new_token(scopes="domains:read_only")
    assert let_in(application, "/optional", bearer(good))["identity"] is not None
    assert refused(application, "/optional", bearer(narrow)).status == 403
    for authorization in ("Bearer", "Bearer x", "bearer  pat_x", "DPoP x"):
        assert refused(application, "/optional", [("Authorization", authorization)]).status == 401, authorization


@pytest.mark.parametrize("kind", ["asgi", "wsgi"], indirect=True)
def test_scope_that_the_catalogue_does_not_have_is_refused(application: Running, service: Server) -> None:
    """Where it is not known at the start what is needed, since a function says it; else see `test_start.py`."""
    answer = refused(application, "/misspelt", bearer(service.token))
    assert (answer.status, json.loads(answer.body)) == (503, {"errors": [{"reason": "Service unavailable"}]})


def test_token_keeps_to_its_networks(application: Running, new_token: NewToken, api: httpx2.Client) -> None:
    here, elsewhere = new_token(), new_token()
    for token, network in ((here, "127.0.0.1"), (elsewhere, "192.0.2.1")):
        path = f"/profile/tokens/{token_id(api, token)}/details"
        api.put(path, json={"networks": [network]}).raise_for_status()
    let_in(application, "/any", bearer(here))
    assert refused(application, "/any", [*bearer(elsewhere), ("X-Forwarded-For", "192.0.2.1")]).status == 401


@pytest.fixture(scope="module")
def bound(service: Server) -> str:
    """A token that is bound to a key."""
    installation = open_installation(Settings(data_dir=service.data_dir))
    client = add_client(installation.database)
    issued = give(installation.transactions, installation.peppers, client, jkt=PROVER.jkt)
    installation.database.close()
    return issued.access.reveal()


def proved(token: str, path: str, method: str = "GET", origin: str = ORIGIN, prover: Prover = PROVER) -> Headers:
    proof = prover.prove(method, origin + path, token, iat=int(time.time()))
    return [("Authorization", f"DPoP {token}"), ("DPoP", proof)]


def test_token_that_is_bound_to_a_key_gets_in_with_its_proof_and_once(application: Running, bound: str) -> None:
    for path in ("/any", "/reading", "/linodes"):
        headers = proved(bound, path)
        assert let_in(application, path, headers)["identity"]["user"] == "admin"
        answer = refused(application, path, headers)
        assert (answer.status, answer.values("WWW-Authenticate")) == (
            401,
            ['DPoP realm="tokenry", algs="ES256 Ed25519", error="invalid_dpop_proof"'],
        )
    assert refused(application, "/linodes", proved(bound, "/linodes", "PUT"), "PUT").status == 403


def test_token_that_is_bound_to_a_key_gets_in_with_nothing_else(
    application: Running, bound: str, reading_token: str
) -> None:
    right = proved(bound, "/any")
    for headers in (
        right[:1],
        [right[0], ("DPoP", "x")],
        proved(bound, "/any", "PUT"),
        proved(bound, "/reading"),
        proved(bound, "/any", origin="https://other.example"),
        proved(bound, "/any", origin=f"http://127.0.0.1:{application.port}"),
        [*proved(bound, "/any", origin="https://other.example"), ("X-Forwarded-Host", "other.example")],
        proved(bound, "/any", prover=Prover()),
        proved(reading_token, "/any"),
        proved("x", "/any"),
        [right[0], right[1], right[1]],
        [*bearer(bound), right[1]],
    ):
        assert refused(application, "/any", headers).status in {400, 401}
