"""Codes: each brings its tokens to the client it was made for, once, within a minute."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.making import NOW, new_user
from tests.oauth_making import CHALLENGE, REDIRECT_URI, VERIFIER, add_client, agree
from tests.service.parts import Bench, at_once
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Authentication, Client
from tokenry.domain.codes import PresentedCode
from tokenry.domain.oauth import CODE_LIFETIME_SECONDS, GrantType, OAuthError, OAuthRefusal
from tokenry.domain.policy import Policy, UserKind
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Peppers, Secret
from tokenry.service.grants.authorization_code import REUSED, AuthorizationCodes
from tokenry.service.grants.issuing import Issued
from tokenry.service.policy import Policies
from tokenry.service.transactions import Transactions
from tokenry.storage.audit import list_events
from tokenry.storage.codes import find_code
from tokenry.storage.database import Database
from tokenry.storage.grants import find_grant, find_refresh_token
from tokenry.storage.schema import apps, credentials, oauth_clients, oauth_grants
from tokenry.wiring import credentials_of

PEPPERS = Peppers((bytes(32),))
ORIGIN = Origin("client:example")
OTHER_VERIFIER = "a" * 43


def exchange(
    bench: Bench,
    client: Client,
    code: Secret,
    *,
    redirect_uri: str | None = REDIRECT_URI,
    code_verifier: str | None = VERIFIER,
    jkt: str | None = None,
    after: timedelta = timedelta(),
) -> Issued:
    codes = AuthorizationCodes(Transactions(bench.database, lambda: NOW + after), PEPPERS)
    presented = PresentedCode(code.reveal(), redirect_uri, code_verifier, jkt)
    return codes.exchange_code(ORIGIN, client, presented)


def refused(bench: Bench, client: Client, code: Secret, **presented: object) -> OAuthRefusal:
    with pytest.raises(OAuthRefusal) as refusal:
        exchange(bench, client, code, **presented)  # type: ignore[arg-type]
    return refusal.value


def opens(database: Database, secret: Secret) -> bool:
    """Whether something is found for it by those who verify."""

    async def find() -> bool:
        found = credentials_of(database)
        try:
            return await found.find(secret.preview) is not None
        finally:
            await found.close()

    return asyncio.run(find())


def rows(database: Database) -> tuple[int, int]:
    """How many grants there are, and how many tokens that open something beside the first."""
    with database.read() as connection:
        grants = connection.execute(select(func.count()).select_from(oauth_grants)).scalar_one()
        return grants, connection.execute(select(func.count()).select_from(credentials)).scalar_one() - 1


def test_code_brings_what_the_user_agreed_to(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client, scopes="linodes:read_only", audience=("https://mcp.example",))
    issued = exchange(bench, client, code)
    assert (str(issued.grant.scopes), issued.grant.audience) == ("linodes:read_only", ("https://mcp.example",))
    assert issued.grant.client_id == client.client_id
    assert opens(bench.database, issued.access)
    assert issued.refresh is not None
    with bench.database.read() as connection:
        found = find_refresh_token(connection, issued.refresh.preview)
        kept = find_code(connection, code.preview)
    assert found is not None
    assert kept is not None
    assert (found.grant_id, kept.used, kept.grant_id) == (issued.grant.id, True, issued.grant.id)


def test_client_that_is_not_registered_for_it_gets_no_refresh_token(bench: Bench) -> None:
    client = add_client(bench.database, grant_types=str(GrantType.AUTHORIZATION_CODE))
    assert exchange(bench, client, agree(bench.transactions, PEPPERS, client)).refresh is None


def test_client_that_is_not_registered_for_codes_exchanges_none(bench: Bench) -> None:
    client = add_client(bench.database, grant_types=str(GrantType.CLIENT_CREDENTIALS))
    code = agree(bench.transactions, PEPPERS, client)
    assert refused(bench, client, code).code is OAuthError.UNAUTHORIZED_CLIENT


def test_second_use_ends_what_the_first_brought_and_is_in_the_audit(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client)
    issued = exchange(bench, client, code)
    assert refused(bench, client, code).code is OAuthError.INVALID_GRANT
    assert not opens(bench.database, issued.access)
    with bench.database.read() as connection:
        assert find_grant(connection, issued.grant.id) is None
        assert issued.refresh is not None
        assert find_refresh_token(connection, issued.refresh.preview) is None
        events = [(event.action, event.actor) for event in list_events(connection, limit=3)]
    assert events == [("token.revoke", ORIGIN.name), ("grant.end", ORIGIN.name), ("grant.begin", ORIGIN.name)]
    ended = {"app_id": issued.grant.app_id, "grant_id": issued.grant.id, "reason": REUSED}
    assert ("grant.end", ended) in bench.events("user:1")


def test_code_that_is_presented_at_once_never_leaves_two_grants(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client)
    presented = PresentedCode(code.reveal(), REDIRECT_URI, VERIFIER)

    def act(database: Database) -> Issued:
        codes = AuthorizationCodes(Transactions(database, lambda: NOW), PEPPERS)
        return codes.exchange_code(ORIGIN, client, presented)

    told = at_once(bench.database, *[act] * 4)
    assert sum(isinstance(each, Issued) for each in told) == 1
    assert rows(bench.database) == (1, 0), "and the others have ended it"


def test_late_second_use_ends_what_the_first_brought_as_well(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client)
    issued = exchange(bench, client, code)
    refused(bench, client, code, after=timedelta(hours=1))
    assert not opens(bench.database, issued.access)


def test_code_lives_a_minute(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client)
    late = refused(bench, client, code, after=timedelta(seconds=CODE_LIFETIME_SECONDS))
    assert (late.code, rows(bench.database)) == (OAuthError.INVALID_GRANT, (0, 0))
    exchange(bench, client, code, after=timedelta(seconds=CODE_LIFETIME_SECONDS - 1))


def test_other_client_learns_nothing_and_spoils_nothing(bench: Bench) -> None:
    client, thief = add_client(bench.database), add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client)
    stolen, made_up = refused(bench, thief, code), refused(bench, thief, Secret.generate())
    assert (stolen.code, stolen.description) == (made_up.code, made_up.description)
    issued = exchange(bench, client, code)
    refused(bench, thief, code)
    assert opens(bench.database, issued.access)


WRONG: list[dict[str, object]] = [
    {"code_verifier": OTHER_VERIFIER},
    {"code_verifier": None},
    {"code_verifier": ""},
    {"code_verifier": CHALLENGE},
    {"redirect_uri": f"{REDIRECT_URI}/"},
    {"redirect_uri": f"{REDIRECT_URI}?x"},
    {"redirect_uri": ""},
]


@pytest.mark.parametrize("presented", WRONG)
def test_code_with_a_wrong_proof_is_refused_and_neither_spoiled_nor_replayed(
    bench: Bench, presented: dict[str, object]
) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client)
    assert refused(bench, client, code, **presented).code is OAuthError.INVALID_GRANT
    issued = exchange(bench, client, code)
    refused(bench, client, code, **presented)
    assert opens(bench.database, issued.access)


def test_public_part_of_a_code_is_no_code(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client)
    forged = Secret.generate(kind=code.kind).reveal()
    for text in (code.preview, code.reveal()[:-1], code.preview + forged[16:], "", "é", "\0"):
        assert refused(bench, client, Secret(text)).code is OAuthError.INVALID_GRANT
    exchange(bench, client, code)


def test_verifier_without_a_challenge_is_refused(bench: Bench) -> None:
    """Else an attacker could bring a victim's client to exchange the attacker's code (RFC 9700 section 2.1.1)."""
    client = add_client(bench.database, pkce_required=False)
    code = agree(bench.transactions, PEPPERS, client, code_challenge=None)
    assert refused(bench, client, code).code is OAuthError.INVALID_GRANT
    assert refused(bench, client, code, code_verifier="").code is OAuthError.INVALID_GRANT
    exchange(bench, client, code, code_verifier=None)


def test_client_that_has_to_use_a_challenge_exchanges_nothing_without(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client, code_challenge=None)
    assert refused(bench, client, code, code_verifier=None).code is OAuthError.INVALID_GRANT


def test_client_of_the_wire_format_sends_no_redirect_address(bench: Bench) -> None:
    client = add_client(bench.database, public=False, authentication=str(Authentication.POST), pkce_required=False)
    code = agree(bench.transactions, PEPPERS, client, code_challenge=None)
    exchange(bench, client, code, code_verifier=None, redirect_uri=None)


def test_client_with_several_addresses_and_no_challenge_has_to_send_the_one_that_it_asked_with(bench: Bench) -> None:
    addresses = json.dumps([REDIRECT_URI, "https://app.example/other"])
    client = add_client(bench.database, pkce_required=False, redirect_uris=addresses)
    code = agree(bench.transactions, PEPPERS, client, code_challenge=None)
    assert refused(bench, client, code, code_verifier=None, redirect_uri=None).code is OAuthError.INVALID_GRANT
    exchange(bench, client, code, code_verifier=None)


def test_address_that_was_not_asked_with_is_refused(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client, redirect_uri=None)
    assert refused(bench, client, code).code is OAuthError.INVALID_GRANT
    exchange(bench, client, code, redirect_uri=None)


def test_code_that_is_bound_to_a_key_asks_for_its_proof(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client, jkt="k" * 43)
    for jkt in (None, "x" * 43):
        assert refused(bench, client, code, jkt=jkt).code is OAuthError.INVALID_GRANT
    assert exchange(bench, client, code, jkt="k" * 43).grant.jkt == "k" * 43


def test_client_that_has_to_bind_its_tokens_exchanges_nothing_without_a_proof(bench: Bench) -> None:
    client = add_client(bench.database, dpop_required=True)
    code = agree(bench.transactions, PEPPERS, client)
    assert refused(bench, client, code).code is OAuthError.INVALID_DPOP_PROOF
    assert exchange(bench, client, code, jkt="k" * 43).grant.jkt == "k" * 43


def test_code_of_an_app_that_ended_brings_nothing_also_if_the_client_is_let_in_again(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client)
    with bench.database.write() as connection:
        connection.execute(apps.update().values(ended_at=1))
    assert refused(bench, client, code).code is OAuthError.INVALID_GRANT
    agree(bench.transactions, PEPPERS, client)
    assert refused(bench, client, code).code is OAuthError.INVALID_GRANT


def test_code_of_a_user_who_was_disabled_brings_nothing(bench: Bench) -> None:
    user_id = new_user(bench.database, "eve")
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client, user_id=user_id)
    bench.users.disable_user(bench.origin, "eve")
    assert refused(bench, client, code).code is OAuthError.INVALID_GRANT


def test_code_of_a_client_that_was_disabled_brings_nothing(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client)
    with bench.database.write() as connection:
        connection.execute(oauth_clients.update().values(disabled_at=1))
    assert refused(bench, client, code).code is OAuthError.INVALID_CLIENT


def test_policy_that_was_set_meanwhile_narrows_what_a_code_brings(bench: Bench) -> None:
    client = add_client(bench.database)
    code = agree(bench.transactions, PEPPERS, client, scopes="linodes:read_write domains:read_only")
    policies = Policies(bench.transactions)

    def allow(scopes: str) -> None:
        limits = {UserKind.ADMIN: Scopes.parse(scopes)}
        policies.set_policy(bench.origin, lambda policy: replace(policy, scopes=limits))

    allow("images:read_only")
    assert refused(bench, client, code).code is OAuthError.INVALID_SCOPE
    allow("linodes:read_only")
    assert str(exchange(bench, client, code).grant.scopes) == "linodes:read_only"
    assert Policy() != policies.get_policy()
