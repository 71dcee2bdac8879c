"""Scopes that were taken out of the catalogue: nobody has them any more, and nobody gets them."""

import pytest
from sqlalchemy import func, select

from tests.oauth_making import REDIRECT_URI, VERIFIER, add_client, add_confidential, agree, give
from tests.service.parts import PEPPERS, Bench, decide
from tokenry.domain.accounts import Origin
from tokenry.domain.catalogue import Catalogue, Resource, level_actions
from tokenry.domain.clients import PresentedClient
from tokenry.domain.codes import PresentedCode
from tokenry.domain.grants import PresentedRefresh
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.domain.scopes import Level, Scopes
from tokenry.service.grants import withdrawal
from tokenry.service.grants.authentication import ClientAuthentication
from tokenry.service.grants.authorization_code import AuthorizationCodes
from tokenry.service.grants.device_code import DeviceCodes
from tokenry.service.grants.refresh import RefreshTokens
from tokenry.service.grants.withdrawal import WITHDRAWN, end_withdrawn
from tokenry.storage.schema import device_codes

BOTH = level_actions(*Level)
CATALOGUE = Catalogue(
    (
        Resource("account", BOTH, ""),
        Resource("linodes", level_actions(Level.READ_ONLY), ""),
        Resource("domains", BOTH, ""),
    )
)
"""In which `linodes:read_write` and all others are no more."""


@pytest.mark.parametrize("scopes", ["images:read_only", "linodes:read_write domains:read_only"])
def test_grant_ends_with_a_scope_of_it_and_all_of_its_tokens_do(bench: Bench, scopes: str) -> None:
    client = add_client(bench.database)
    issued = give(bench.transactions, PEPPERS, client, scopes=scopes)
    assert decide(bench.database, issued.access).accepted
    assert end_withdrawn(bench.transactions, CATALOGUE) == 1
    assert not decide(bench.database, issued.access).accepted
    assert issued.refresh is not None
    with pytest.raises(OAuthRefusal, match="has ended"):
        RefreshTokens(bench.transactions, PEPPERS).refresh(
            Origin("client:x"), client, PresentedRefresh(issued.refresh.reveal())
        )
    ended = {"app_id": issued.grant.app_id, "grant_id": issued.grant.id, "reason": WITHDRAWN}
    assert ("grant.end", ended) in bench.events("user:1")


@pytest.mark.parametrize("scopes", ["*", "linodes:read_only", "domains:read_write account:read_only"])
def test_grant_of_scopes_that_are_still_there_stays(bench: Bench, scopes: str) -> None:
    issued = give(bench.transactions, PEPPERS, add_client(bench.database), scopes=scopes)
    assert end_withdrawn(bench.transactions, CATALOGUE) == 0
    assert decide(bench.database, issued.access).accepted


def test_grant_of_everything_ends_with_a_scope_that_an_access_token_of_it_was_narrowed_to(bench: Bench) -> None:
    client = add_client(bench.database)
    issued = give(bench.transactions, PEPPERS, client, scopes="*")
    assert issued.refresh is not None
    narrowed = RefreshTokens(bench.transactions, PEPPERS).refresh(
        Origin("client:x"), client, PresentedRefresh(issued.refresh.reveal(), Scopes.parse("images:read_only"))
    )
    assert end_withdrawn(bench.transactions, CATALOGUE) == 1
    assert not decide(bench.database, narrowed.access).accepted


def test_grants_end_in_pieces(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withdrawal, "BATCH", 2)
    client = add_client(bench.database)
    issued = [give(bench.transactions, PEPPERS, client, scopes="images:read_only") for _ in range(5)]
    assert end_withdrawn(bench.transactions, CATALOGUE) == 5
    assert not any(decide(bench.database, each.access).accepted for each in issued)
    assert end_withdrawn(bench.transactions, CATALOGUE) == 0


def test_code_for_a_scope_that_is_gone_brings_nothing(bench: Bench) -> None:
    client = add_client(bench.database)
    gone, there = (
        agree(bench.transactions, PEPPERS, client, scopes=scopes)
        for scopes in ("images:read_only", "domains:read_only")
    )
    end_withdrawn(bench.transactions, CATALOGUE)
    codes = AuthorizationCodes(bench.transactions, PEPPERS)
    with pytest.raises(OAuthRefusal) as refusal:
        codes.exchange_code(Origin("client:x"), client, PresentedCode(gone.reveal(), REDIRECT_URI, VERIFIER))
    assert refusal.value.code is OAuthError.INVALID_GRANT
    issued = codes.exchange_code(Origin("client:x"), client, PresentedCode(there.reveal(), REDIRECT_URI, VERIFIER))
    assert str(issued.scopes) == "domains:read_only"


def test_device_that_waits_for_a_scope_that_is_gone_waits_no_longer(bench: Bench) -> None:
    client = add_client(bench.database, grant_types="urn:ietf:params:oauth:grant-type:device_code")
    for scopes in ("images:read_only", "domains:read_only"):
        DeviceCodes(bench.transactions, PEPPERS).begin(Origin("client:x"), client, Scopes.parse(scopes), ())
    end_withdrawn(bench.transactions, CATALOGUE)
    with bench.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(device_codes)).scalar_one() == 1


def test_client_that_was_registered_for_more_gets_what_there_still_is(bench: Bench) -> None:
    """As every grant takes it: a client of `/oauth` is the one that was authenticated."""
    scopes = "linodes:read_write images:read_only domains:read_only"
    client, secret = add_confidential(bench.database, PEPPERS, scopes=scopes)
    authentication = ClientAuthentication(bench.transactions, PEPPERS, CATALOGUE)
    found = authentication.authenticate(PresentedClient(client.client_id, secret.reveal()))
    assert found.rights.scopes == Scopes.parse("linodes:read_only domains:read_only")
