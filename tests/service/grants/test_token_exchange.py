"""Token exchange (RFC 8693): what comes of it may do no more, and ends with what it was made from."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.making import NOW, new_user
from tests.oauth_making import add_client, give
from tests.service.parts import PEPPERS, Bench, decide
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.oauth import ACCESS_LIFETIME_SECONDS, GrantType, OAuthError, OAuthRefusal
from tokenry.domain.policy import Policy, UserKind
from tokenry.domain.scopes import NOTHING_FOR_ANYBODY, Scopes
from tokenry.domain.secrets import Secret
from tokenry.domain.tokens import NewToken
from tokenry.service.grants.ending import end_app, end_apps_of, end_client, end_grant
from tokenry.service.grants.issuing import Issued
from tokenry.service.grants.revocation import ClientRevocations
from tokenry.service.grants.token_exchange import PresentedSubject, TokenExchange
from tokenry.service.leaks import Leaks
from tokenry.service.policy import Policies
from tokenry.service.revocation import revoke_these
from tokenry.service.transactions import Change, Transactions
from tokenry.storage.grants import find_access_token
from tokenry.storage.oauth_clients import claim_client
from tokenry.storage.users import claim_user

ORIGIN = Origin("client:api")
API = "https://api.example"
AUDIENCE = (f"{API}/v1", "https://other.example")


def exchanger(bench: Bench, **columns: Any) -> Client:
    """A client that stands at a verified website, and may exchange tokens."""
    columns = {
        "website": API,
        "verified": True,
        "public": False,
        "grant_types": str(GrantType.TOKEN_EXCHANGE),
    } | columns
    return add_client(bench.database, None, **columns)


def exchange(bench: Bench, client: Client, subject: Secret, after: float = 0, **asked: Any) -> Issued:
    do = TokenExchange(Transactions(bench.database, lambda: NOW + timedelta(seconds=after)), PEPPERS)
    return do.exchange_token(ORIGIN, client, PresentedSubject(subject.reveal(), **asked))


def refused(bench: Bench, client: Client, subject: Secret, **asked: Any) -> OAuthError:
    with pytest.raises(OAuthRefusal) as refusal:
        exchange(bench, client, subject, **asked)
    return refusal.value.code


def subject_of(bench: Bench, client: Client | None = None, **given: Any) -> Issued:
    """A token of an application, for the exchanger and for somebody else."""
    given = {"audience": AUDIENCE, "scopes": "linodes:read_write domains:read_only"} | given
    return give(bench.transactions, PEPPERS, client or add_client(bench.database), **given)


def opens(bench: Bench, secret: Secret) -> bool:
    """Whether something opens anything at all."""
    with bench.database.read() as connection:
        return find_access_token(connection, secret.preview, NOW) is not None


def test_token_is_for_less_and_of_who_exchanged_it(bench: Bench) -> None:
    client, subject = exchanger(bench), subject_of(bench)
    issued = exchange(bench, client, subject.access, scopes=Scopes.parse("linodes:read_only"), audience=(AUDIENCE[1],))
    actor = decide(bench.database, issued.access, needed=NOTHING_FOR_ANYBODY).actor
    assert actor is not None
    assert (actor.user_id, str(actor.scopes), actor.audience) == (1, "linodes:read_only", (AUDIENCE[1],))
    assert (actor.client_id, issued.refresh) == (client.client_id, None)
    told = {"app_id": 1, "grant_id": 1, "client_id": client.client_id, "scopes": "linodes:read_only"}
    assert bench.events("user:1")[-1] == ("grant.exchange", told)


def test_all_that_is_left_is_given_where_nothing_is_asked(bench: Bench) -> None:
    issued = exchange(bench, exchanger(bench), subject_of(bench).access)
    actor = decide(bench.database, issued.access, needed=NOTHING_FOR_ANYBODY).actor
    assert actor is not None
    assert (actor.scopes.sorted_text, actor.audience) == ("domains:read_only linodes:read_write", AUDIENCE)


@pytest.mark.parametrize("scopes", ["*", "linodes:read_write domains:read_write", "account:read_only"])
def test_scopes_are_never_more(bench: Bench, scopes: str) -> None:
    client, subject = exchanger(bench), subject_of(bench)
    assert refused(bench, client, subject.access, scopes=Scopes.parse(scopes)) is OAuthError.INVALID_SCOPE


def test_scopes_are_those_that_who_exchanges_may_have(bench: Bench) -> None:
    client = exchanger(bench, scopes="linodes:read_only")
    assert str(exchange(bench, client, subject_of(bench).access).scopes) == "linodes:read_only"
    only = Policy(scopes=dict.fromkeys(UserKind, Scopes.parse("volumes:read_only")))
    Policies(bench.transactions).set_policy(Origin("operator"), lambda _: only)
    assert refused(bench, client, subject_of(bench).access) is OAuthError.INVALID_SCOPE


def test_audience_is_never_another(bench: Bench) -> None:
    own = exchanger(bench)
    for subject, audience in (
        (subject_of(bench), ("https://evil.example",)),
        (subject_of(bench), (*AUDIENCE, "https://evil.example")),
        (subject_of(bench), ()),
        (subject_of(bench, own, audience=()), (API,)),
    ):
        assert refused(bench, own, subject.access, audience=audience) is OAuthError.INVALID_TARGET


def test_token_lives_no_longer_than_the_one_it_is_for(bench: Bench) -> None:
    client, subject = exchanger(bench), subject_of(bench)
    after = ACCESS_LIFETIME_SECONDS - 60
    assert exchange(bench, client, subject.access, after=after).expires_in == 60
    assert refused(bench, client, subject.access, after=after + 60) is OAuthError.INVALID_REQUEST


def test_token_of_another_client_has_to_be_for_who_exchanges_it(bench: Bench) -> None:
    client = exchanger(bench)
    for audience in ((), ("https://other.example",), ("https://api.example.evil",)):
        subject = subject_of(bench, audience=audience)
        assert refused(bench, client, subject.access) is OAuthError.INVALID_REQUEST
        exchange(bench, client, subject_of(bench, client, audience=audience).access)
    unverified = replace(client, verified=False)
    assert refused(bench, unverified, subject_of(bench).access) is OAuthError.INVALID_REQUEST


def test_what_is_no_free_access_token_is_refused(bench: Bench) -> None:
    client = exchanger(bench)
    _, personal = bench.tokens.create_token(bench.origin, NewToken())
    given = subject_of(bench, client)
    bound = subject_of(bench, client, jkt="k" * 43)
    assert given.refresh is not None
    for secret in (personal, given.refresh, bound.access, Secret.generate(kind=given.access.kind)):
        assert refused(bench, client, secret) is OAuthError.INVALID_REQUEST


def test_only_clients_that_are_registered_for_it_exchange(bench: Bench) -> None:
    subject = subject_of(bench)
    plain = exchanger(bench, grant_types=str(GrantType.AUTHORIZATION_CODE))
    for client in (plain, replace(exchanger(bench), public=True)):
        assert refused(bench, client, subject.access) is OAuthError.UNAUTHORIZED_CLIENT
    has_to_prove = exchanger(bench, dpop_required=True)
    assert refused(bench, has_to_prove, subject.access) is OAuthError.INVALID_DPOP_PROOF


def test_token_is_bound_to_the_key_of_who_exchanges(bench: Bench) -> None:
    issued = exchange(bench, exchanger(bench), subject_of(bench).access, jkt="k" * 43)
    assert issued.access.reveal().startswith("tbat")


# --- what ends it ----------------------------------------------------------------------------------------------------


def _end_user(change: Change, *_: object) -> None:
    claim_user(change.connection, 1)
    end_apps_of(change, 1)


def _end_exchanger(change: Change, client: Client, _: Issued) -> None:
    claim_client(change.connection, client.id)
    end_client(change, client.id)


def _end_application(change: Change, _: Client, subject: Issued) -> None:
    claim_client(change.connection, 2)
    end_client(change, 2)


def _end_subject(change: Change, _: Client, subject: Issued) -> None:
    found = find_access_token(change.connection, subject.access.preview, change.now)
    assert found is not None
    revoke_these(change, [found.token_id])


@pytest.mark.parametrize(
    "end",
    [
        _end_user,
        _end_exchanger,
        _end_application,
        _end_subject,
        lambda change, _, subject: end_grant(change, subject.grant.id),
        lambda change, _, subject: end_app(change, subject.grant.app_id),
    ],
    ids=["user", "who exchanged it", "who had it first", "the token", "the grant", "the app"],
)
def test_token_ends_with(bench: Bench, end: Callable[[Change, Client, Issued], object]) -> None:
    client = exchanger(bench)
    application = add_client(bench.database)
    assert application.id == 2
    subject = subject_of(bench, application)
    first = exchange(bench, client, subject.access)
    second = exchange(bench, client, first.access)
    with bench.transactions.change(Origin("test")) as change:
        end(change, client, subject)
    assert [opens(bench, each.access) for each in (first, second)] == [False, False]
    assert opens(bench, subject.access) is (end is _end_exchanger)


def test_token_ends_with_one_that_leaked(bench: Bench) -> None:
    client, subject = exchanger(bench), subject_of(bench)
    issued = exchange(bench, client, subject.access)
    assert Leaks(bench.transactions, PEPPERS).revoke_reported([subject.access.reveal()], None) == 1
    assert not opens(bench, issued.access)


def test_client_that_gives_it_back_ends_nothing_of_another(bench: Bench) -> None:
    client, subject = exchanger(bench, pkce_required=False), subject_of(bench)
    first = exchange(bench, client, subject.access)
    second = exchange(bench, client, first.access)
    assert ClientRevocations(bench.transactions, PEPPERS).revoke_presented(ORIGIN, client, first.access.reveal())
    assert [opens(bench, each.access) for each in (subject, first, second)] == [True, False, False]


def test_disabled_user_and_ended_client_exchange_nothing(bench: Bench) -> None:
    client, user_id = exchanger(bench), new_user(bench.database, "ada")
    subject = subject_of(bench, user_id=user_id)
    bench.users.disable_user(Origin("operator"), "ada")
    assert refused(bench, client, subject.access) is OAuthError.INVALID_REQUEST
    other = subject_of(bench)
    with bench.transactions.change(Origin("test")) as change:
        claim_client(change.connection, client.id)
        change.connection.exec_driver_sql(f"UPDATE oauth_clients SET disabled_at = 1 WHERE id = {client.id}")
    assert refused(bench, client, other.access) is OAuthError.INVALID_CLIENT
