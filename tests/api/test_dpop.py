"""Tokens that are bound to a key (RFC 9449): they open nothing without a proof of it, and each proof counts once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import App, Clock, make_app
from tests.issuing import bearer
from tests.verification.dpop_making import Prover
from tests.verification.dpop_making import bound_token as give_bound
from tokenry.application import build_app

PUBLIC_URL = "https://tokens.example"
PROFILE = "/v4/profile"
CHALLENGE = 'DPoP realm="tokenry", algs="ES256 Ed25519", error="invalid_dpop_proof"'
PROVER = Prover()


@pytest.fixture
def app(tmp_path: Path, clock: Clock, migrated_url: str | None) -> Iterator[App]:
    app = make_app(tmp_path / "data", clock, migrated_url, public_url=PUBLIC_URL)
    with app.client:
        yield app


def bound_token(app: App, jkt: str | None = PROVER.jkt, scopes: str = "account:read_write") -> str:
    return give_bound(app, jkt, scopes)


def proved(
    token: str, method: str = "GET", path: str = PROFILE, prover: Prover = PROVER, **claims: Any
) -> dict[str, str]:
    proof = prover.prove(method, PUBLIC_URL + path, token, **claims)
    return {"Authorization": f"DPoP {token}", "DPoP": proof}


def test_token_opens_with_a_proof_of_its_key(app: App) -> None:
    token = bound_token(app)
    answer = app.client.get(PROFILE, headers=proved(token))
    assert (answer.status_code, answer.json()["username"]) == (200, "admin")
    made = app.client.post("/v4/profile/tokens", json={}, headers=proved(token, "POST", "/v4/profile/tokens"))
    assert made.status_code == 200


def test_proof_counts_once(app: App) -> None:
    """Also beside another worker: the database has seen it."""
    headers = proved(bound_token(app))
    assert app.client.get(PROFILE, headers=headers).status_code == 200
    assert refused(app, headers)
    with TestClient(build_app(app.settings, app.clock)) as other:
        assert refused(replace(app, client=other), headers)


def test_token_without_its_proof_opens_nothing(app: App) -> None:
    token = bound_token(app)
    for headers in (
        {"Authorization": f"DPoP {token}"},
        {**proved(token), "DPoP": "junk"},
        proved(token, prover=Prover()),
        proved(token, "POST"),
        proved(token, path="/v4/profile/grants"),
        {**proved(bound_token(app)), "Authorization": f"DPoP {token}"},
        proved(token, iat=1),
    ):
        assert refused(app, headers)


def refused(app: App, headers: dict[str, str]) -> bool:
    answer = app.client.get(PROFILE, headers=headers)
    return answer.status_code == 401 and answer.headers.get("www-authenticate") == CHALLENGE


def test_bound_token_is_no_bearer_token_and_a_bearer_token_is_not_bound(app: App) -> None:
    token, free = bound_token(app), bound_token(app, None)
    for path in (PROFILE, "/verify"):
        assert app.client.get(path, headers={**proved(token), **bearer(token)}).status_code == 401
        assert app.client.get(path, headers=bearer(token)).status_code == 401
        assert app.client.get(path, headers=proved(free)).status_code == 401
        assert app.client.get(path, headers=bearer(free)).status_code == 200


def test_two_proofs_are_refused(app: App) -> None:
    token = bound_token(app)
    first, second = proved(token), proved(token)
    headers = [*first.items(), ("DPoP", second["DPoP"])]
    assert app.client.get(PROFILE, headers=headers).status_code == 400


def test_scope_is_judged_as_of_any_token(app: App) -> None:
    token = bound_token(app, scopes="linodes:read_only")
    answer = app.client.get("/v4/profile/tokens", headers=proved(token, path="/v4/profile/tokens"))
    assert (answer.status_code, "insufficient_scope" in answer.headers["www-authenticate"]) == (401, True)


def test_ended_bound_token_is_refused_at_once(app: App) -> None:
    token = bound_token(app)
    assert app.client.get(PROFILE, headers=proved(token)).status_code == 200
    assert app.client.delete("/v4/profile/apps/1", headers=app.bearer).status_code == 200
    assert app.client.get(PROFILE, headers=proved(token)).status_code == 401


def test_without_a_public_address_no_proof_holds(tmp_path: Path, clock: Clock) -> None:
    """What a request says its host is, is not what a proof is held against."""
    app = make_app(tmp_path / "data", clock)
    with app.client:
        token = bound_token(app)
        for address in (PUBLIC_URL, "http://testserver", ""):
            proof = PROVER.prove("GET", address + PROFILE, token)
            answer = app.client.get(PROFILE, headers={"Authorization": f"DPoP {token}", "DPoP": proof})
            assert (answer.status_code, "TOKENRY_PUBLIC_URL" in answer.text) == (503, True)
