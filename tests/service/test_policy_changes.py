"""What administrators of the first account see of a change of the policy before it is made, and what it does then."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, event

from tests.making import NOW, OPERATOR
from tests.service.parts import Bench, at_once
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Conflict, Forbidden, Invalid
from tokenry.domain.paging import PageRequest
from tokenry.domain.policy import Concerned, Policy, UserKind
from tokenry.domain.policy_changes import Difference, Factorless, Outliving, OutlivingToken, OutlivingUser, PolicyChange
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.service.accounts import Accounts
from tokenry.service.children import Children
from tokenry.service.policy import Policies
from tokenry.service.policy_changes import PolicyChanges
from tokenry.service.shortening import TURN_SECONDS, Shortenings
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database

DAY = timedelta(days=1)
A_DAY = PolicyChange({"lifetime_max": DAY})
PAGE = PageRequest()


@pytest.fixture
def changes(bench: Bench) -> PolicyChanges:
    return PolicyChanges(bench.transactions)


def shortenings(database: Database, after: timedelta = timedelta(0)) -> Shortenings:
    """The job, as a process has it, some time after everything began."""
    transactions = Transactions(database, lambda: NOW + after)
    return Shortenings(transactions, Policies(transactions))


def other_account(bench: Bench) -> None:
    """An account beside the first, whose administrator has a token that never expires."""
    Accounts(bench.transactions).create_account(OPERATOR, company="Other", admin="eve")
    bench.tokens.create_token_for(OPERATOR, "eve", NewToken(label="theirs"))


def test_preview_counts_everybody_and_names_those_of_the_own_account(bench: Bench, changes: PolicyChanges) -> None:
    other_account(bench)
    bench.users.create_user(OPERATOR, username="ada")
    bench.tokens.create_token_for(OPERATOR, "ada", NewToken(expiry=NOW + DAY))
    wanted = PolicyChange(
        {"lifetime_max": DAY, "second_factor": Concerned.ADMINISTRATORS, "tokens_per_user_max": 1},
        {UserKind.USER: Scopes.parse("linodes:read_only")},
        {UserKind.PROXY: 5},
    )
    preview = changes.preview_change(bench.actor, wanted)
    assert (preview.before, preview.after.lifetime_max) == (Policy(), DAY)
    assert preview.outliving == Outliving(tokens=2, users=2, at_once=0, elsewhere=1)
    assert preview.outliving_users == (OutlivingUser("admin", at_once=0, sooner=1),)
    assert preview.factorless == Factorless(users=2, elsewhere=1, usernames=["admin"], oneself=True)
    assert preview.without_room == 3
    assert preview.differences == [
        Difference("lifetime_max", None, 3),
        Difference("tokens_per_user_max", None, 3),
        Difference("scopes", UserKind.USER, 1),
        Difference("requests_per_minute", UserKind.PROXY, 0),
        Difference("second_factor", None, 2),
    ]
    page = changes.list_outliving(bench.actor, DAY, PAGE)
    assert (page.results, page.rows) == (1, (OutlivingToken(1, "admin", "first token", NEVER, NOW + DAY),))
    assert Policies(bench.transactions).get_policy() == Policy()


def test_change_holds_at_once_and_tokens_that_there_are_are_shortened_by_a_job(
    bench: Bench, changes: PolicyChanges
) -> None:
    policy, under_way = changes.change_policy(bench.origin, A_DAY, shorten=True)
    assert (policy, under_way and under_way.ended) == (Policy(DAY), None)
    with pytest.raises(Invalid):
        bench.tokens.create_token(bench.origin, NewToken(expiry=NEVER))
    assert bench.tokens.get_token(bench.actor.user_id, 1).expiry == NEVER
    assert shortenings(bench.database).shorten_tokens() == 1
    assert bench.tokens.get_token(bench.actor.user_id, 1).expiry == NOW + DAY
    _, done = changes.get_policy(bench.actor)
    assert done is not None
    assert (done.at_once, done.sooner, done.ended, done.origin.name) == (0, 1, NOW, "admin")
    assert [action for action, _ in bench.events("policy")] == ["policy.set"]
    assert [action for action, _ in bench.events("token:1")][1:] == ["token.shorten"]
    assert shortenings(bench.database, 2 * timedelta(seconds=TURN_SECONDS)).shorten_tokens() == 0


def test_tokens_stay_as_they_are_unless_they_are_to_be_shortened(bench: Bench, changes: PolicyChanges) -> None:
    changes.change_policy(bench.origin, A_DAY)
    assert shortenings(bench.database).shorten_tokens() == 0
    assert changes.get_policy(bench.actor) == (Policy(DAY), None)


def test_shortening_needs_a_lifetime(bench: Bench, changes: PolicyChanges) -> None:
    with pytest.raises(Invalid, match="Must have a maximum lifetime"):
        changes.change_policy(bench.origin, PolicyChange({"expiry_required": True}), shorten=True)
    assert Policies(bench.transactions).get_policy() == Policy()


def test_shortening_goes_on_where_another_host_was_interrupted(
    bench: Bench, changes: PolicyChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokenry.service.policy.BATCH", 2)
    for _ in range(4):
        bench.tokens.create_token(bench.origin, NewToken())
    changes.change_policy(bench.origin, A_DAY, shorten=True)
    first = shortenings(bench.database)
    first._claim_turn()
    first._shorten_some(1)
    assert shortenings(bench.database).shorten_tokens() == 0  # it is not another's turn yet
    _, under_way = changes.get_policy(bench.actor)
    assert under_way is not None
    assert (under_way.sooner, under_way.ended) == (2, None)
    later = timedelta(seconds=TURN_SECONDS)
    assert shortenings(bench.database, later).shorten_tokens() == 3
    assert [len(bench.events(f"token:{id}")) for id in range(1, 6)] == [2] * 5


def test_shortening_that_was_replaced_goes_by_the_new_one(
    bench: Bench, changes: PolicyChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also within a turn: its waiting for whoever makes a token by the policy before is done anew."""
    monkeypatch.setattr("tokenry.service.policy.BATCH", 1)
    bench.tokens.create_token(bench.origin, NewToken())
    changes.change_policy(bench.origin, PolicyChange({"lifetime_max": 2 * DAY}), shorten=True)
    job = shortenings(bench.database)
    assert job._shorten_some(1)[1] == 1
    changes.change_policy(bench.origin, A_DAY, shorten=True)
    assert job._shorten_some(1)[1] == 0
    assert job.shorten_tokens() == 2
    assert [bench.tokens.get_token(bench.actor.user_id, id).expiry for id in (1, 2)] == [NOW + DAY] * 2


def test_shortening_ends_where_the_policy_has_no_maximum_any_more(bench: Bench, changes: PolicyChanges) -> None:
    changes.change_policy(bench.origin, A_DAY, shorten=True)
    changes.change_policy(bench.origin, PolicyChange({"lifetime_max": None}))
    assert shortenings(bench.database).shorten_tokens() == 0
    assert bench.tokens.get_token(bench.actor.user_id, 1).expiry == NEVER
    _, under_way = changes.get_policy(bench.actor)
    assert under_way is not None
    assert under_way.ended == NOW


def test_policy_that_was_changed_since_the_preview_is_refused(bench: Bench, changes: PolicyChanges) -> None:
    shown = changes.preview_change(bench.actor, A_DAY).before.version
    Policies(bench.transactions).set_policy(OPERATOR, lambda policy: replace(policy, expiry_required=True))
    with pytest.raises(Conflict):
        changes.change_policy(bench.origin, A_DAY, version=shown, shorten=True)
    policy, under_way = changes.get_policy(bench.actor)
    assert (policy, under_way) == (Policy(expiry_required=True), None)
    changes.change_policy(bench.origin, A_DAY, version=policy.version)


def test_of_two_who_change_what_both_were_shown_one_is_refused(bench: Bench, changes: PolicyChanges) -> None:
    shown = changes.preview_change(bench.actor, A_DAY).before.version

    def change(database: Database, days: int) -> object:
        wanted = PolicyChange({"lifetime_max": days * DAY})
        return PolicyChanges(Transactions(database, lambda: NOW)).change_policy(bench.origin, wanted, version=shown)

    done = at_once(bench.database, partial(change, days=1), partial(change, days=2))
    assert done.count(Conflict) == 1


def test_nothing_is_recorded_where_nothing_changes(bench: Bench, changes: PolicyChanges) -> None:
    changes.change_policy(bench.origin, PolicyChange({"expiry_required": False}))
    assert bench.events("policy") == []


def test_token_that_is_made_while_the_policy_changes_does_not_outlive_it(bench: Bench, changes: PolicyChanges) -> None:
    """It is changed, and the job done, between the moment a creation reads the policy and the end of that."""
    elsewhere = Database(bench.database.url, timeout=4)

    def change_and_shorten() -> None:
        transactions = Transactions(elsewhere, lambda: NOW)
        PolicyChanges(transactions).change_policy(bench.origin, A_DAY, shorten=True)
        Shortenings(transactions, Policies(transactions)).shorten_tokens()

    change = threading.Thread(target=change_and_shorten)

    def interrupt(_connection: Connection) -> None:
        if change.ident is None:
            change.start()
            change.join(0.5)

    event.listen(bench.database.engine, "commit", interrupt)
    token, _ = bench.tokens.create_token(bench.origin, NewToken())
    change.join()
    elsewhere.close()
    assert bench.tokens.get_token(bench.actor.user_id, token.id).expiry == NOW + DAY


def of_eve(bench: Bench) -> Origin:
    """An administrator of another account."""
    other_account(bench)
    return _acting_as(bench, "eve")


def of_a_user(bench: Bench) -> Origin:
    """Who manages nothing."""
    bench.users.create_user(OPERATOR, username="ada")
    return _acting_as(bench, "ada")


def of_a_service_account(bench: Bench) -> Origin:
    bench.users.create_service_account(OPERATOR, username="backend", ceiling=Scopes.parse("*"))
    return _acting_as(bench, "backend")


def of_a_client(bench: Bench) -> Origin:
    """An application that an administrator let in."""
    return replace(bench.origin, actor=bench.actor._replace(client_id="calendar"))


def of_a_proxy_user(bench: Bench) -> Origin:
    """An administrator of a child account, who is of the parent."""
    accounts = Accounts(bench.transactions)
    child = accounts.create_account(OPERATOR, company="Child", parent=accounts.list_accounts()[0].euuid)
    tokens = Tokens(bench.transactions, Peppers((bytes(32),)), default_catalogue())
    token, secret = Children(bench.transactions, tokens).create_token(bench.origin, child.euuid)
    actor = bench.actor._replace(
        user_id=token.user_id, token_id=token.id, preview=secret.preview, account_id=child.id, admin=True
    )
    return replace(bench.origin, actor=actor)


def _acting_as(bench: Bench, username: str) -> Origin:
    token, secret = bench.tokens.create_token_for(OPERATOR, username, NewToken())
    actor = bench.actor._replace(user_id=token.user_id, token_id=token.id, preview=secret.preview, username=username)
    return replace(bench.origin, actor=actor)


@pytest.mark.parametrize("who", [of_eve, of_a_user, of_a_service_account, of_a_client, of_a_proxy_user])
def test_nobody_else_sees_or_changes_the_policy(
    bench: Bench, changes: PolicyChanges, who: Callable[[Bench], Origin]
) -> None:
    origin = who(bench)
    assert origin.actor is not None
    for act in (
        partial(changes.get_policy, origin.actor),
        partial(changes.preview_change, origin.actor, A_DAY),
        partial(changes.list_outliving, origin.actor, DAY, PAGE),
        partial(changes.change_policy, origin, A_DAY, shorten=True),
    ):
        with pytest.raises(Forbidden):
            act()
    assert changes.get_policy(bench.actor) == (Policy(), None)
