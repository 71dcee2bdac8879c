"""What a user lets a client in for is what was shown, judged again in the transaction that gives it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select, update

from tests.conftest import START, Clock
from tests.making import NOW, OPERATOR
from tests.oauth_making import CHALLENGE, REDIRECT_URI, VERIFIER, add_client, add_confidential
from tests.service.parts import Bench, at_once
from tokenry.domain.accounts import Origin
from tokenry.domain.authorization import Answer, RefusedToClient
from tokenry.domain.clients import Client
from tokenry.domain.codes import PresentedCode
from tokenry.domain.errors import Invalid, Refusal, Unauthorized
from tokenry.domain.oauth import (
    CODE_LIFETIME_SECONDS,
    PUSHED_DECISION_SECONDS,
    PUSHED_LIFETIME_SECONDS,
    OAuthError,
    OAuthRefusal,
)
from tokenry.domain.policy import Policy, UserKind
from tokenry.domain.scopes import EVERYTHING, Scopes
from tokenry.domain.secrets import PUSHED, Peppers, Secret
from tokenry.domain.sessions import Session
from tokenry.service.authorization import Authorizations, Changed, Consent, Review
from tokenry.service.documents import ClientDocuments, Documents
from tokenry.service.grants.authorization_code import AuthorizationCodes
from tokenry.service.grants.ending import end_grant
from tokenry.service.grants.issuing import Issued
from tokenry.service.policy import Policies
from tokenry.service.pushed_requests import REQUEST_URI, PushedRequests
from tokenry.service.sessions import Sessions
from tokenry.service.transactions import Transactions
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database
from tokenry.storage.schema import (
    apps,
    authorization_codes,
    credentials,
    oauth_clients,
    oauth_grants,
    pushed_requests,
)
from tokenry.verification.verifier import Verifier
from tokenry.wiring import credentials_of

PEPPERS = Peppers((bytes(32),))
IMPLICIT: dict[str, Any] = {"grant_types": "implicit", "pkce_required": False}


@dataclass
class Desk:
    """The use cases, somebody who is signed in, and a clock."""

    bench: Bench
    session: Session
    clock: list[timedelta]

    @property
    def database(self) -> Database:
        return self.bench.database

    def transactions(self, database: Database | None = None) -> Transactions:
        return Transactions(database or self.database, lambda: NOW + self.clock[-1])

    def pushed(self, database: Database | None = None) -> PushedRequests:
        return PushedRequests(self.transactions(database), PEPPERS, default_catalogue())

    def use_cases(self, database: Database | None = None) -> Authorizations:
        transactions, catalogue = self.transactions(database), default_catalogue()
        documents = ClientDocuments(transactions, PEPPERS, catalogue, Documents.OFF)
        return Authorizations(transactions, PEPPERS, catalogue, self.pushed(database), documents)

    def review(self, query: str) -> Review:
        use_cases = self.use_cases()
        return use_cases.review(self.session.user, use_cases.open_request(query))

    def allow(self, query: str, consent: Consent | None = None, database: Database | None = None) -> Answer:
        return self.use_cases(database).allow(self.session, "203.0.113.9", query, consent)

    def agree(self, query: str, scopes: str | None = None) -> Answer:
        """Agree to what is shown."""
        narrowed = None if scopes is None else Scopes.parse(scopes)
        return self.allow(query, Consent(self.review(query).fingerprint, narrowed))

    def exchange(self, client: Client, answer: Answer) -> Issued:
        presented = PresentedCode(answer.parameters["code"], answer.destination.redirect_uri, VERIFIER)
        return AuthorizationCodes(self.transactions(), PEPPERS).exchange_code(Origin("client:x"), client, presented)

    def issued(self) -> int:
        """How many codes and grants there are, and tokens beside the first."""
        counts = [select(func.count()).select_from(table) for table in (authorization_codes, oauth_grants, credentials)]
        with self.database.read() as connection:
            return sum(connection.execute(count).scalar_one() for count in counts) - 1

    def set_policy(self, policy: Policy) -> None:
        Policies(self.bench.transactions).set_policy(OPERATOR, lambda before: policy)


@pytest.fixture
def desk(bench: Bench) -> Desk:
    sessions = Sessions(bench.transactions, PEPPERS)
    with bench.transactions.change(OPERATOR) as change:
        secret = sessions.begin_session(change, 1, method="password", address=None, agent=None)
    session = sessions.find_session(secret.reveal())
    assert session is not None
    return Desk(bench, session, [timedelta()])


def query(client: Client, **changed: str | None) -> str:
    """A request; a parameter that is None is left out."""
    sent = {
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": client.redirect_uris[0],
        "scope": "linodes:read_only",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changed,
    }
    return urlencode({name: value for name, value in sent.items() if value is not None})


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(RefusedToClient) as refusal:
        act()
    return refusal.value.answer.parameters["error"]


def test_client_is_sent_a_code_for_what_was_agreed_to(desk: Desk) -> None:
    client = add_client(desk.database)
    asked = query(client, scope="linodes:read_write domains:read_only", resource="https://mcp.example")
    answer = desk.agree(asked)
    assert (answer.destination.redirect_uri, answer.destination.state) == (REDIRECT_URI, "s")
    grant = desk.exchange(client, answer).grant
    assert (str(grant.scopes), grant.audience, grant.user_id) == (
        "linodes:read_write domains:read_only",
        ("https://mcp.example",),
        1,
    )


def test_implicit_client_is_sent_a_token_of_two_hours_and_nothing_to_refresh_it(desk: Desk) -> None:
    client = add_client(desk.database, **IMPLICIT)
    answer = desk.agree(query(client, response_type="token", scope=None, scopes="*"))
    assert list(answer.parameters) == ["access_token", "token_type", "expires_in", "scope"]
    assert (answer.parameters["expires_in"], answer.parameters["scope"]) == ("7200", "*")
    assert answer.destination.in_fragment

    async def decide() -> bool:
        found = credentials_of(desk.database)
        try:
            bearer = f"Bearer {answer.parameters['access_token']}"
            return (await Verifier(found, PEPPERS, Clock(START)).verify(bearer)).accepted
        finally:
            await found.close()

    assert asyncio.run(decide())


def test_what_is_sent_is_kept_out_of_messages(desk: Desk) -> None:
    answer = desk.agree(query(add_client(desk.database)))
    assert answer.parameters["code"] not in repr(answer)


def test_whose_session_has_ended_lets_nobody_in(desk: Desk) -> None:
    asked = query(add_client(desk.database))
    consent = Consent(desk.review(asked).fingerprint)
    Sessions(desk.bench.transactions, PEPPERS).end_session(OPERATOR, desk.session)
    with pytest.raises(Unauthorized):
        desk.allow(asked, consent)
    assert desk.issued() == 0


def test_who_was_disabled_lets_nobody_in(desk: Desk) -> None:
    asked = query(add_client(desk.database))
    consent = Consent(desk.review(asked).fingerprint)
    desk.bench.users.create_user(OPERATOR, username="bob", admin=True)
    desk.bench.users.disable_user(OPERATOR, "admin")
    with pytest.raises(Unauthorized):
        desk.allow(asked, consent)
    assert desk.issued() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"label": "Another App"},
        {"website": "https://other.example"},
        {"verified": True},
        {"scopes": "linodes:read_only"},
        {"narrowing": True},
        {"grant_types": "authorization_code"},
    ],
)
def test_client_that_has_become_another_since_it_was_shown_is_shown_again(
    desk: Desk, change: dict[str, object]
) -> None:
    asked = query(add_client(desk.database), scope="linodes:read_write")
    consent = Consent(desk.review(asked).fingerprint)
    with desk.database.write() as connection:
        connection.execute(update(oauth_clients).values(change))
    with pytest.raises(Changed):
        desk.allow(asked, consent)
    assert desk.issued() == 0
    desk.agree(asked)


@pytest.mark.parametrize("change", [{"disabled_at": 1}, {"deleted_at": 1}, {"redirect_uris": "[]"}])
def test_client_that_has_ended_since_it_was_shown_is_not_let_in(desk: Desk, change: dict[str, object]) -> None:
    asked = query(add_client(desk.database))
    consent = Consent(desk.review(asked).fingerprint)
    with desk.database.write() as connection:
        connection.execute(update(oauth_clients).values(change))
    with pytest.raises(Invalid):
        desk.allow(asked, consent)
    assert desk.issued() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "linodes:read_write"},
        {"scope": "domains:read_only"},
        {"state": "other"},
        {"resource": "https://other.example"},
        {"code_challenge": "a" * 43},
        {"redirect_uri": None},
        {"dpop_jkt": "a" * 43},
    ],
)
def test_agreement_to_one_request_is_none_to_another(desk: Desk, change: dict[str, str | None]) -> None:
    client = add_client(desk.database)
    consent = Consent(desk.review(query(client)).fingerprint)
    with pytest.raises(Changed):
        desk.allow(query(client, **change), consent)
    with pytest.raises(Changed):
        desk.allow(query(add_client(desk.database)), consent)
    assert desk.issued() == 0


def test_agreement_of_somebody_else_is_none(desk: Desk) -> None:
    asked = query(add_client(desk.database))
    review = desk.review(asked)
    other = replace(review, user=replace(review.user, id=2))
    with pytest.raises(Changed):
        desk.allow(asked, Consent(other.fingerprint))


def test_user_can_give_less_where_the_client_takes_it(desk: Desk) -> None:
    client = add_client(desk.database, narrowing=True)
    asked = query(client, scope="linodes:read_write domains:read_only")
    assert str(desk.exchange(client, desk.agree(asked, "linodes:read_write")).grant.scopes) == "linodes:read_write"


@pytest.mark.parametrize(
    ("narrowing", "scopes"),
    [
        (True, "linodes:read_write images:read_only"),
        (True, "domains:read_write"),
        (True, "*"),
        (True, ""),
        (False, "linodes:read_write"),
    ],
)
def test_form_that_was_changed_gives_nothing(desk: Desk, narrowing: bool, scopes: str) -> None:  # noqa: FBT001
    asked = query(add_client(desk.database, narrowing=narrowing), scope="linodes:read_write domains:read_only")
    with pytest.raises(Invalid):
        desk.agree(asked, scopes)
    assert desk.issued() == 0


def test_client_is_offered_what_it_was_registered_for_and_the_policy_allows(desk: Desk) -> None:
    client = add_client(desk.database, scopes="linodes:read_write domains:read_only images:read_only")
    assert str(desk.review(query(client, scope="*")).offered) == str(client.rights.scopes)
    desk.set_policy(Policy(scopes={UserKind.ADMIN: Scopes.parse("linodes:read_only images:read_only")}))
    review = desk.review(query(client, scope="linodes:read_write domains:read_only"))
    assert str(review.offered) == "linodes:read_only"
    assert refused(lambda: desk.review(query(client, scope="domains:read_only"))) == OAuthError.INVALID_SCOPE


def test_client_that_names_no_scopes_asks_for_those_it_was_registered_for(desk: Desk) -> None:
    client = add_client(desk.database, scopes="domains:read_only gone:read_only")
    assert str(desk.review(query(client, scope=None)).offered) == "domains:read_only"


def test_client_that_may_have_everything_has_to_ask_for_it(desk: Desk) -> None:
    client = add_client(desk.database)
    assert refused(lambda: desk.review(query(client, scope=None))) == OAuthError.INVALID_SCOPE
    assert desk.review(query(client, scope="*")).offered == EVERYTHING


def test_lifetime_is_that_of_what_the_client_gets(desk: Desk) -> None:
    clients = [add_client(desk.database), add_client(desk.database, grant_types="authorization_code")]
    implicit = query(add_client(desk.database, **IMPLICIT), response_type="token")
    assert [desk.review(query(client)).lifetime.days for client in clients] == [365, 0]
    assert desk.review(implicit).lifetime == timedelta(hours=2)
    desk.set_policy(Policy(lifetime_max=timedelta(hours=1)))
    assert desk.review(query(clients[0])).lifetime == timedelta(hours=1)


def test_user_is_not_asked_again_for_as_much_or_less(desk: Desk) -> None:
    client = add_client(desk.database)
    asked = query(client, scope="linodes:read_write domains:read_only")
    with pytest.raises(Changed):
        desk.allow(asked)
    desk.exchange(client, desk.agree(asked))
    less = query(client, scope="linodes:read_only", state="other")
    assert desk.review(less).consented
    assert str(desk.exchange(client, desk.allow(less)).grant.scopes) == "linodes:read_only"
    for more in (
        query(client, scope="linodes:read_write domains:read_write"),
        query(client, scope="linodes:read_only", resource="https://mcp.example"),
        query(add_client(desk.database), scope="linodes:read_only"),
    ):
        assert not desk.review(more).consented
        with pytest.raises(Changed):
            desk.allow(more)


def test_agreement_for_one_audience_does_not_open_this_service(desk: Desk) -> None:
    client = add_client(desk.database)
    asked = query(client, resource="https://mcp.example")
    desk.exchange(client, desk.agree(asked))
    assert desk.review(asked).consented
    assert not desk.review(query(client)).consented


def test_user_is_asked_again_when_what_was_agreed_to_has_ended(desk: Desk) -> None:
    client = add_client(desk.database)
    grant = desk.exchange(client, desk.agree(query(client))).grant
    assert desk.review(query(client)).consented
    with desk.bench.transactions.change(OPERATOR) as change:
        assert end_grant(change, grant.id)
    assert not desk.review(query(client)).consented


def test_user_is_always_asked_where_anybody_can_pretend_to_be_the_client(desk: Desk) -> None:
    """RFC 8252 section 8.6."""
    for uri in ("http://127.0.0.1/cb", "com.example.app:/cb"):
        client = add_client(desk.database, redirect_uris=json.dumps([uri]))
        desk.exchange(client, desk.agree(query(client)))
        assert not desk.review(query(client)).consented
    client, _ = add_confidential(desk.database, PEPPERS, redirect_uris=json.dumps(["http://127.0.0.1/cb"]))
    desk.exchange(client, desk.agree(query(client)))
    assert desk.review(query(client)).consented, "one that proves who it is when it comes with its code"


def push(desk: Desk, client: Client, **changed: str) -> str:
    """Push a request; the query that a browser is sent with."""
    sent = {name: [value] for name, value in (pair.split("=") for pair in query(client).split("&"))}
    sent |= {name: [value] for name, value in changed.items()} | {"redirect_uri": [client.redirect_uris[0]]}
    uri = desk.pushed().push_request(client, {**sent, "scope": ["linodes:read_only"]})
    return urlencode({"client_id": client.client_id, "request_uri": uri})


def test_pushed_request_counts_and_nothing_beside_it(desk: Desk) -> None:
    client = add_client(desk.database, par_required=True)
    asked = push(desk, client)
    review = desk.review(f"{asked}&scope=*&state=evil&redirect_uri=https://evil.example&prompt=none")
    assert (str(review.offered), review.asked.request.destination.state) == ("linodes:read_only", "s")
    assert review.asked.request.prompts == frozenset()
    assert desk.exchange(client, desk.agree(asked)).grant.user_id == 1


def test_client_that_has_to_push_is_refused_otherwise(desk: Desk) -> None:
    client = add_client(desk.database, par_required=True)
    assert refused(lambda: desk.review(query(client))) == OAuthError.INVALID_REQUEST


def test_secrets_of_the_client_are_not_kept_with_its_request(desk: Desk) -> None:
    push(desk, add_client(desk.database), client_secret="hidden", client_assertion="hidden")
    with desk.database.read() as connection:
        assert "hidden" not in connection.execute(select(pushed_requests.c.parameters)).scalar_one()


def test_pushed_request_is_decided_once(desk: Desk) -> None:
    client = add_client(desk.database)
    asked = push(desk, client)
    consent = Consent(desk.review(asked).fingerprint)
    done = at_once(desk.database, *[lambda database: desk.allow(asked, consent, database)] * 2)
    assert sorted(map(str, (type(each) if isinstance(each, Answer) else each for each in done))) == [
        str(Answer),
        str(Invalid),
    ]
    assert desk.issued() == 1
    with pytest.raises(Invalid):
        desk.review(asked)


def test_pushed_request_that_was_refused_is_over(desk: Desk) -> None:
    asked = push(desk, add_client(desk.database))
    opened = desk.use_cases().open_request(asked)
    answer = desk.use_cases().refuse(opened, OAuthRefusal(OAuthError.ACCESS_DENIED, "No."))
    assert answer.parameters == {"error": "access_denied", "error_description": "No."}
    for act in (lambda: desk.review(asked), lambda: desk.use_cases().refuse(opened, OAuthRefusal("x", ""))):  # type: ignore[arg-type]
        with pytest.raises(Invalid):
            act()


def test_browser_comes_within_a_minute_and_its_user_has_more_time(desk: Desk) -> None:
    late, asked = (push(desk, add_client(desk.database)) for _ in range(2))
    desk.clock.append(timedelta(seconds=PUSHED_LIFETIME_SECONDS - 1))
    desk.review(asked)
    desk.clock.append(timedelta(seconds=PUSHED_LIFETIME_SECONDS))
    with pytest.raises(Invalid):
        desk.review(late)
    desk.clock.append(timedelta(seconds=PUSHED_DECISION_SECONDS - 1))
    desk.review(asked)
    desk.clock.append(timedelta(seconds=PUSHED_DECISION_SECONDS))
    with pytest.raises(Invalid):
        desk.review(asked)
    assert CODE_LIFETIME_SECONDS < PUSHED_DECISION_SECONDS


def test_pushed_request_is_the_clients_that_pushed_it(desk: Desk) -> None:
    client, other = (add_client(desk.database) for _ in range(2))
    with pytest.raises(Invalid):
        desk.review(push(desk, client).replace(client.client_id, other.client_id))


@pytest.mark.parametrize(
    "request_uri",
    [
        "https://evil.example/request.jwt",
        REQUEST_URI,
        f"{REQUEST_URI}opr_0123456789ab",
        Secret.generate(bytes, PUSHED).reveal(),
        f"{REQUEST_URI}{Secret.generate(bytes, PUSHED).reveal()}",
        f"{REQUEST_URI}{Secret.generate(bytes).reveal()}",
        "\0",
    ],
)
def test_request_uri_that_was_not_given_out_here_is_told_by_a_page(desk: Desk, request_uri: str) -> None:
    client = add_client(desk.database)
    with pytest.raises(Invalid):
        desk.review(query(client, request_uri=request_uri))


def test_what_is_pushed_is_judged_as_if_a_browser_had_come_with_it(desk: Desk) -> None:
    client = add_client(desk.database)
    for changed in ({"response_type": "token"}, {"prompt": "x"}, {"request": "e.e."}, {"request_uri": "urn:x"}):
        with pytest.raises(OAuthRefusal):
            push(desk, client, **changed)
    with pytest.raises(Refusal):
        desk.pushed().push_request(client, {"redirect_uri": ["https://evil.example"]})
    with desk.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(pushed_requests)).scalar_one() == 0


def test_letting_in_is_one_app_and_its_first_time_an_event(desk: Desk) -> None:
    client = add_client(desk.database)
    for _ in range(2):
        desk.agree(query(client))
    with desk.database.read() as connection:
        assert connection.execute(select(apps.c.scopes)).scalars().all() == ["linodes:read_only"]
    assert [action for action, _ in desk.bench.events("user:1")].count("app.allow") == 1
