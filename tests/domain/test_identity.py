"""Who is calling is one thing, by whatever way it is told and read."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from tokenry.client.answers import read_verification
from tokenry.client.errors import UnreadableAnswer
from tokenry.client.tokens import Verification
from tokenry.client.transport import Answer
from tokenry.domain.accounts import Actor
from tokenry.domain.identity import (
    ATTRIBUTES,
    HEADER_PREFIX,
    METADATA_HEADER,
    Identity,
    identity_of,
    read_headers,
    write_claims,
    write_headers,
    write_json,
)
from tokenry.domain.metadata import NOTHING_KEPT, Metadata
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NEVER_SECONDS

ADA = Actor(
    token_id=7,
    scopes=Scopes.parse("volumes:read_only linodes:read_write"),
    expires_at=1_893_456_000,
    user_id=3,
    username="ada",
    account_id=2,
    account_euuid="",
    preview="pat_0123456789ab",
)
FOREVER = ADA._replace(expires_at=NEVER_SECONDS)
OF_A_CLIENT = ADA._replace(client_id="mobile-app")
OF_A_PRODUCT = ADA._replace(external_id="auth0|64f2, \N{LATIN SMALL LETTER A WITH DIAERESIS}/100%25 \N{GRINNING FACE}")
KEPT = ADA._replace(metadata=Metadata('{"plan":"prö"}', '{"a":[1.5,null]}'))
ACTORS = pytest.mark.parametrize(
    "actor",
    [ADA, FOREVER, OF_A_CLIENT, OF_A_PRODUCT, KEPT],
    ids=["ada", "forever", "of a client", "of a product", "kept"],
)


def headers_of(actor: Actor, *, metadata: bool = False) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in write_headers(actor, metadata=metadata)}


def test_attributes_are_those_of_an_identity_in_its_order() -> None:
    assert (*(attribute.name for attribute in ATTRIBUTES), "metadata") == Identity._fields


@ACTORS
def test_middleware_reads_from_headers_what_it_decides_in_this_process(actor: Actor) -> None:
    assert read_headers(headers_of(actor, metadata=True)) == identity_of(actor)
    assert read_headers(headers_of(actor)) == identity_of(actor)._replace(metadata=None)


@ACTORS
def test_client_reads_from_headers_what_an_application_is_told(actor: Actor) -> None:
    """The client has a copy of the table, since it imports nothing of the domain."""
    identity = identity_of(actor)._asdict() | {"scopes": tuple(identity_of(actor).scopes.split())}
    for metadata in (True, False):
        told = read_verification("GET /verify", Answer(200, headers_of(actor, metadata=metadata), b""))
        kept = actor.metadata.json if metadata else None
        assert told == Verification(active=True, **{**identity, "metadata": kept})


def test_everything_is_told_in_headers_in_json_and_as_claims() -> None:
    assert headers_of(OF_A_CLIENT) == {
        "x-auth-user": "ada",
        "x-auth-user-id": "3",
        "x-auth-account-id": "2",
        "x-auth-token-id": "7",
        "x-auth-scopes": "linodes:read_write volumes:read_only",
        "x-auth-expires": "1893456000",
        "x-auth-client-id": "mobile-app",
        "x-auth-external-id": "",
    }
    assert write_json(OF_A_CLIENT) == {
        "user": "ada",
        "user_id": 3,
        "account_id": 2,
        "token_id": 7,
        "scopes": "linodes:read_write volumes:read_only",
        "expires": 1893456000,
        "client_id": "mobile-app",
        "external_id": None,
        "metadata": {"user": {}, "token": {}},
    }
    assert write_claims(OF_A_CLIENT) == {
        "username": "ada",
        "sub": "3",
        "jti": "7",
        "scope": "linodes:read_write volumes:read_only",
        "exp": 1893456000,
        "client_id": "mobile-app",
    }
    assert identity_of(OF_A_CLIENT) == Identity(
        user="ada",
        user_id=3,
        account_id=2,
        token_id=7,
        scopes="linodes:read_write volumes:read_only",
        expires=datetime(2030, 1, 1, tzinfo=UTC),
        client_id="mobile-app",
        metadata=NOTHING_KEPT,
    )


def test_never_is_empty_in_headers_null_in_json_and_no_claim() -> None:
    assert headers_of(FOREVER)["x-auth-expires"] == ""
    assert write_json(FOREVER)["expires"] is None
    assert "exp" not in write_claims(FOREVER)


def test_no_client_is_empty_in_headers_null_in_json_and_no_claim() -> None:
    """A header that was left out would be whatever a gateway's client sent."""
    assert headers_of(ADA)["x-auth-client-id"] == ""
    assert write_json(ADA)["client_id"] is None
    assert "client_id" not in write_claims(ADA)


def test_name_that_a_product_has_for_a_user_is_escaped_in_a_header_and_plain_elsewhere() -> None:
    """It may be any text, which a header has no room for."""
    name = OF_A_PRODUCT.external_id
    assert headers_of(OF_A_PRODUCT)["x-auth-external-id"] == "auth0%7C64f2%2C%20%C3%A4%2F100%2525%20%F0%9F%98%80"
    assert write_json(OF_A_PRODUCT)["external_id"] == name
    assert write_claims(OF_A_PRODUCT)["external_id"] == name
    assert identity_of(OF_A_PRODUCT).external_id == name
    assert "external_id" not in write_claims(ADA)


def test_metadata_is_told_as_one_object_and_in_a_header_where_that_is_wanted() -> None:
    kept = {"user": {"plan": "prö"}, "token": {"a": [1.5, None]}}
    assert "x-auth-metadata" not in headers_of(KEPT)
    sent = headers_of(KEPT, metadata=True)["x-auth-metadata"]
    assert json.loads(urlsafe_b64decode(sent + "=" * (-len(sent) % 4))) == kept
    assert headers_of(ADA, metadata=True)["x-auth-metadata"] == ""
    assert write_json(KEPT)["metadata"] == kept
    assert write_claims(KEPT)["metadata"] == kept
    assert "metadata" not in write_claims(KEPT, metadata=False)
    assert "metadata" not in write_claims(ADA)
    metadata = identity_of(KEPT).metadata
    assert metadata is not None
    assert (metadata.user, metadata.token, bool(metadata)) == (kept["user"], kept["token"], True)
    metadata.user["plan"] = "free"
    assert metadata.user == {"plan": "prö"}, "it is nobody else's"


WRONG = ["e30", "bnVsbA", "W10", "eyJ1c2VyIjpbXSwidG9rZW4iOnt9fQ", "e30, e30", "!", "ä", "eyJ1c2VyIjp7fX0"]


@pytest.mark.parametrize("text", WRONG)
def test_metadata_that_cannot_be_read_is_no_answer(text: str) -> None:
    headers = {**headers_of(ADA), "x-auth-metadata": text}
    with pytest.raises((LookupError, ValueError, TypeError)):
        read_headers(headers)
    with pytest.raises(UnreadableAnswer):
        read_verification("GET /verify", Answer(200, headers, b""))


def test_for_whom_a_token_is_meant_is_a_claim() -> None:
    meant = OF_A_CLIENT._replace(audience=("https://mcp.example/",))
    assert write_claims(meant) == {**write_claims(OF_A_CLIENT), "aud": ["https://mcp.example/"]}


DEPLOY = Path(__file__).parents[2] / "deploy"
SENT = [attribute.header for attribute in ATTRIBUTES]


def test_description_has_what_is_told() -> None:
    description: Any = yaml.safe_load(files("tokenry.description").joinpath("openapi.yaml").read_text("utf-8"))
    parts = description["components"]
    told = {name.lower() for name in parts["responses"]["Valid"]["headers"] if name.startswith(HEADER_PREFIX.title())}
    assert sorted(told) == sorted([*SENT, METADATA_HEADER])
    told = set(parts["schemas"]["ValidToken"]["properties"]) - {"active", "status"}
    assert told == {attribute.name for attribute in ATTRIBUTES} | {"metadata"}


@pytest.mark.parametrize("recipe", ["caddy/Caddyfile", "nginx/tokenry.conf"])
def test_recipes_that_name_the_headers_name_all(recipe: str) -> None:
    """The other gateways pass on whatever begins with X-Auth-."""
    text = (DEPLOY / recipe).read_text("utf-8").lower()
    assert [header for header in (*SENT, METADATA_HEADER) if f"{header} " not in text.replace("\n", " ")] == []
