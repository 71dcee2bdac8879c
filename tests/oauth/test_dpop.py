"""Asking for tokens with a proof of a key (RFC 9449 section 5): they are bound to it, and proofs count once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import App, Clock, make_app
from tests.oauth.parts import (
    TOKEN,
    ask,
    code_for,
    confidential_client,
    error,
    installation_of,
    public_client,
    robot,
    with_code,
    with_refresh_token,
)
from tests.oauth_making import CHALLENGE, REDIRECT_URI
from tests.verification.dpop_making import Prover
from tokenry.domain.clients import Client
from tokenry.verification.dpop import ALGORITHMS

ISSUER = "https://tokens.example"
PROVER, OTHER = Prover(), Prover()
REFUSED = (400, "invalid_dpop_proof")


@pytest.fixture
def known(tmp_path: Path, clock: Clock, migrated_url: str | None) -> Iterator[App]:
    """An application that knows its public address, on each engine."""
    app = make_app(tmp_path / "data", clock, migrated_url, public_url=ISSUER)
    with app.client:
        yield app


def proof(prover: Prover = PROVER, path: str = TOKEN, **claims: Any) -> dict[str, str]:
    return {"DPoP": prover.prove("POST", ISSUER + path, **claims)}


def opens(app: App, token: str, prover: Prover = PROVER) -> bool:
    sent = prover.prove("GET", f"{ISSUER}/v4/profile", token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": sent}
    return app.client.get("/v4/profile", headers=headers).status_code == 200


def tokens_of(app: App, client: Client, **more: str) -> dict[str, Any]:
    answer = ask(app, with_code(client, code_for(app, client, scopes="*"), **more), headers=proof())
    told: dict[str, Any] = answer.json()
    assert answer.status_code == 200, told
    return told


def test_token_is_bound_to_the_key_that_was_proved(known: App) -> None:
    told = tokens_of(known, public_client(known))
    assert told["token_type"] == "DPoP"
    assert told["access_token"].startswith("tbat")
    assert not opens(known, told["access_token"], OTHER)
    assert opens(known, told["access_token"])


def test_client_that_acts_for_itself_binds_its_token(known: App) -> None:
    client, secret = robot(known)
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret.reveal()}
    told = ask(known, form, headers=proof()).json()
    assert told["token_type"] == "DPoP"
    assert ask(known, form).json()["token_type"] == "bearer"


def test_proof_counts_once_whatever_became_of_its_request(known: App) -> None:
    client = public_client(known)
    headers, form = proof(), with_code(client, code_for(known, client))
    assert error(ask(known, form | {"code": "x"}, headers=headers)) == (400, "invalid_grant")
    assert error(ask(known, form, headers=headers)) == REFUSED
    assert ask(known, form, headers=proof()).status_code == 200, "and the code is left"


@pytest.mark.parametrize(
    "headers",
    [
        {"DPoP": "x"},
        {"DPoP": ""},
        {"DPoP": PROVER.prove("GET", ISSUER + TOKEN)},
        proof(path="/oauth/par"),
        {"DPoP": PROVER.prove("POST", "https://evil.example/oauth/token")},
        proof(iat=1),
        proof(jti=None),
    ],
    ids=["none", "empty", "method", "path", "host", "old", "no jti"],
)
def test_proof_of_something_else_is_refused_and_the_code_is_left(known: App, headers: dict[str, str]) -> None:
    client = public_client(known)
    form = with_code(client, code_for(known, client))
    assert error(ask(known, form, headers=headers)) == REFUSED
    assert ask(known, form).json()["token_type"] == "bearer"


def test_client_that_has_to_prove_a_key_gets_nothing_without(known: App) -> None:
    client = public_client(known, dpop_required=True)
    form = with_code(client, code_for(known, client))
    assert error(ask(known, form)) == REFUSED
    told = ask(known, form, headers=proof()).json()
    assert error(ask(known, with_refresh_token(client, told["refresh_token"]))) == REFUSED


def test_public_client_refreshes_with_the_same_key_alone(known: App) -> None:
    client = public_client(known)
    told = tokens_of(known, client)
    form = with_refresh_token(client, told["refresh_token"])
    assert error(ask(known, form)) == (400, "invalid_grant")
    assert error(ask(known, form, headers=proof(OTHER))) == (400, "invalid_grant")
    again = ask(known, form, headers=proof()).json()
    assert (again["token_type"], opens(known, again["access_token"])) == ("DPoP", True)


def test_refresh_token_of_a_public_client_is_bound_once_a_key_was_proved(known: App) -> None:
    client = public_client(known)
    told = ask(known, with_code(client, code_for(known, client))).json()
    assert told["token_type"] == "bearer"
    again = ask(known, with_refresh_token(client, told["refresh_token"]), headers=proof()).json()
    assert again["token_type"] == "DPoP"
    form = with_refresh_token(client, again["refresh_token"])
    assert error(ask(known, form)) == (400, "invalid_grant")
    assert error(ask(known, form, headers=proof(OTHER))) == (400, "invalid_grant")
    assert ask(known, form, headers=proof()).status_code == 200


def test_client_with_a_secret_may_change_its_key_but_not_go_without(known: App) -> None:
    client, secret = confidential_client(known)
    more = {"client_secret": secret.reveal()}
    told = tokens_of(known, client, **more)
    form = with_refresh_token(client, told["refresh_token"], **more)
    assert error(ask(known, form)) == (400, "invalid_grant")
    again = ask(known, form, headers=proof(OTHER)).json()
    assert opens(known, again["access_token"], OTHER)
    assert not opens(known, again["access_token"])


def test_code_that_was_asked_for_with_a_key_is_exchanged_with_that_alone(known: App) -> None:
    client = public_client(known)
    form = with_code(client, code_for(known, client, jkt=PROVER.jkt))
    assert error(ask(known, form)) == (400, "invalid_grant")
    assert error(ask(known, form, headers=proof(OTHER))) == (400, "invalid_grant")
    assert ask(known, form, headers=proof()).status_code == 200


def push(app: App, client: Client, headers: dict[str, str], **more: str) -> httpx2.Response:
    form = {
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "scope": "linodes:read_only",
        **more,
    }
    return app.client.post("/oauth/par", data=form, headers=headers)


def test_pushed_request_is_bound_to_the_key_that_was_proved(known: App) -> None:
    client = public_client(known)
    for more in ({}, {"dpop_jkt": PROVER.jkt}):
        answer = push(known, client, proof(path="/oauth/par"), **more)
        assert answer.status_code == 201
        query = f"client_id={client.client_id}&request_uri={answer.json()['request_uri']}"
        with installation_of(known) as do:
            assert do.authorizations.open_request(query).request.jkt == PROVER.jkt


def test_pushed_request_of_two_keys_is_refused(known: App) -> None:
    client = public_client(known)
    assert error(push(known, client, proof(path="/oauth/par"), dpop_jkt=OTHER.jkt)) == REFUSED
    assert error(push(known, client, proof(path=TOKEN))) == REFUSED


def test_introspection_tells_which_key(known: App) -> None:
    client, secret = confidential_client(known)
    more = {"client_secret": secret.reveal()}
    told = tokens_of(known, client, **more)
    asking = {"client_id": client.client_id, **more, "token": told["access_token"]}
    answer = known.client.post("/oauth/introspect", data=asking).json()
    assert (answer["active"], answer["token_type"], answer["cnf"]) == (True, "DPoP", {"jkt": PROVER.jkt})
    free = ask(known, with_code(client, code_for(known, client), **more)).json()
    assert "cnf" not in known.client.post("/oauth/introspect", data=asking | {"token": free["access_token"]}).json()
    known.clock.seconds += 7200
    assert known.client.post("/oauth/introspect", data=asking).json() == {"active": False}


def test_metadata_tells_which_proofs_are_understood(known: App) -> None:
    told = known.client.get("/.well-known/oauth-authorization-server").json()
    assert told["dpop_signing_alg_values_supported"] == [*ALGORITHMS]


def test_service_that_does_not_know_its_address_takes_no_proof(app: App) -> None:
    """What a request says its host is, is not what a proof is held against."""
    client = public_client(app)
    form = with_code(client, code_for(app, client))
    for address in (ISSUER, "http://testserver"):
        headers = {"DPoP": PROVER.prove("POST", address + TOKEN)}
        assert error(ask(app, form, headers=headers)) == (503, "temporarily_unavailable")
