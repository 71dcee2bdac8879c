"""Clients find out by themselves who gives out tokens for an application, which ones, and for whom (RFC 9728)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateways.parts import Answer, ask, bearer
from tests.issuing import NewToken
from tests.middleware.applications import KINDS, Running, let_in, refused, running
from tests.oauth_making import add_client, give
from tests.servers import Server
from tokenry.middleware import Needs, Refused, ResourceMetadata
from tokenry.middleware.answers import UNAVAILABLE
from tokenry.middleware.remote import RemoteVerifier
from tokenry.settings import Settings
from tokenry.wiring import open_installation

RESOURCE, ISSUER = "https://mcp.example/mcp", "https://tokens.example.com"
PATH = "/.well-known/oauth-protected-resource/mcp"
METADATA = ResourceMetadata(RESOURCE, issuer=ISSUER, scopes=["linodes:read_only", "linodes:read_write"], name="Servers")
POINTER = f'resource_metadata="https://mcp.example{PATH}"'
DENIED = 'Bearer realm="tokenry"'


@pytest.fixture(scope="module", params=list(KINDS))
def application(request: pytest.FixtureRequest, service: Server) -> Iterator[Running]:
    verifier = RemoteVerifier(service.url, timeout=10)  # the machine may be busy
    with running(request.param, verifier, METADATA) as application:
        yield application
    verifier.close()


@pytest.fixture(scope="module")
def token_for(service: Server) -> Any:
    """A function that gives a client a token, for nobody or somebody in particular."""

    def make(*audience: str) -> str:
        do = open_installation(Settings(data_dir=service.data_dir))
        issued = give(do.transactions, do.peppers, add_client(do.database), audience=audience)
        do.database.close()
        return issued.access.reveal()

    return make


def challenge(answer: Answer) -> str:
    (found,) = answer.values("WWW-Authenticate")
    return found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_description_is_open_to_anybody(application: Running, method: str) -> None:
    answer = ask(application.port, method, PATH)
    assert (answer.status, answer.values("Content-Type"), application.reached) == (200, ["application/json"], [])
    assert method == "HEAD" or json.loads(answer.body) == {
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["linodes:read_only", "linodes:read_write"],
        "resource_name": "Servers",
    }


def test_refusals_say_where_it_is_and_what_to_ask_for(application: Running, new_token: NewToken) -> None:
    asked = 'scope="linodes:read_only"'
    assert challenge(refused(application, "/reading", [])) == f"{DENIED}, {asked}, {POINTER}"
    assert challenge(refused(application, "/any", [])) == f"{DENIED}, {POINTER}"
    malformed = challenge(refused(application, "/reading", bearer("wrong")))
    assert 'error="invalid_token"' in malformed
    assert malformed.endswith(f"{asked}, {POINTER}")
    other = refused(application, "/reading", bearer(new_token(scopes="domains:read_only")))
    assert other.status == 403
    assert challenge(other) == f'{DENIED}, error="insufficient_scope", {asked}, {POINTER}'


def test_scope_that_the_method_decides_on_is_named_where_it_is_missing(
    application: Running, reading_token: str
) -> None:
    every = 'scope="linodes:read_only linodes:read_write"'
    assert challenge(refused(application, "/linodes", [])) == f"{DENIED}, {every}, {POINTER}"
    writing = challenge(refused(application, "/linodes", bearer(reading_token), "POST"))
    assert writing == f'{DENIED}, error="insufficient_scope", scope="linodes:read_write", {POINTER}'


def test_token_is_accepted_that_is_meant_for_it_and_no_other_that_is_meant_for_somebody(
    application: Running, token_for: Any
) -> None:
    own = token_for(RESOURCE)
    assert let_in(application, "/reading", bearer(own))["identity"]["scopes"] == "linodes:read_only"
    for audience in ("https://other.example/mcp", "https://mcp.example/", f"{RESOURCE}/"):
        assert refused(application, "/reading", bearer(token_for(audience))).status == 401


def test_what_decides_nothing_points_nowhere() -> None:
    assert METADATA.tell(UNAVAILABLE, Needs()) is UNAVAILABLE


def test_what_needs_another_audience_keeps_it() -> None:
    needs = Needs("linodes:read_only", audience="https://other.example/")
    assert METADATA.complete(needs) is needs
    assert METADATA.complete(Needs("linodes:read_only", resource="domains")).query == (
        "scope=linodes%3Aread_only&resource=domains&audience=https%3A%2F%2Fmcp.example%2Fmcp"
    )


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("https://mcp.example", ""),
        ("https://mcp.example/", ""),
        ("http://127.0.0.1:8000/a/b", "/a/b"),
        ("https://mcp.example/a/", "/a/"),
        ("https://mcp.example/a%20b", "/a b"),
    ],
)
def test_description_is_where_clients_look_for_it(resource: str, path: str) -> None:
    made = ResourceMetadata(resource, issuer=ISSUER)
    assert made.answers("GET", f"/.well-known/oauth-protected-resource{path}")
    assert not made.answers("POST", made.path)
    assert json.loads(made.reply.body)["resource"] == (resource if resource.count("/") > 2 else f"{resource}/")


@pytest.mark.parametrize(
    "resource",
    ["", "mcp", "/mcp", "mcp.example/mcp", "ftp://mcp.example/", "https:///mcp", f"{RESOURCE}?a=1", f"{RESOURCE}#a",
     'https://mcp.example/"', "https://mcp.example/\n"],
)  # fmt: skip
def test_what_is_no_address_of_an_application_is_refused_at_the_start(resource: str) -> None:
    with pytest.raises(ValueError):
        ResourceMetadata(resource, issuer=ISSUER)


@pytest.mark.parametrize("issuer", ["", "tokens.example.com", "http://tokens.example.com", f"{ISSUER}/a"])
def test_what_is_no_issuer_is_refused_at_the_start(issuer: str) -> None:
    with pytest.raises(ValueError):
        ResourceMetadata(RESOURCE, issuer=issuer)


def test_what_is_no_scope_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError):
        ResourceMetadata(RESOURCE, issuer=ISSUER, scopes=["linodes"])


def test_refusal_without_a_challenge_is_left_as_it_is() -> None:
    plain = Refused(400, b"{}")
    assert METADATA.tell(plain, Needs("linodes:read_only")) is plain
