"""What a user does with tokens: the audit of each change, and the refusals."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import event

from tests.making import NOW, OPERATOR
from tests.service.parts import Bench, begin_before
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Invalid, NotFound, Unauthorized
from tokenry.domain.paging import PageRequest
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NewToken
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.storage import audit
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database
from tokenry.storage.deadline import TIMEOUT_SECONDS


def test_change_is_recorded_with_who_and_when_and_from_where(bench: Bench) -> None:
    token, _ = bench.tokens.create_token(bench.origin, NewToken(label="laptop"))
    with bench.database.read() as connection:
        event = audit.list_events(connection, limit=1)[0]
    assert (event.actor, event.actor_user_id, event.actor_token_id, event.address) == ("admin", 1, 1, "203.0.113.9")
    assert (event.at, event.subject) == (NOW, f"token:{token.id}")


def test_every_change_of_a_token_is_recorded(bench: Bench) -> None:
    token, _ = bench.tokens.create_token(bench.origin, NewToken(label="old", scopes="linodes:read_only"))
    bench.tokens.rename_token(bench.origin, token.id, "new")
    bench.tokens.revoke_token(bench.origin, token.id)
    made = {"label": "old", "scopes": "linodes:read_only", "expiry": "never"}
    assert bench.events(f"token:{token.id}") == [
        ("token.create", made),
        ("token.rename", {"from": "old", "to": "new"}),
        ("token.revoke", {}),
    ]


def test_audit_never_holds_the_secret(bench: Bench) -> None:
    token, secret = bench.tokens.create_token(bench.origin, NewToken())
    assert secret.reveal()[16:48] not in str(bench.events(f"token:{token.id}"))


CHANGES: dict[str, Callable[[Bench], object]] = {
    "create": lambda bench: bench.tokens.create_token(bench.origin, NewToken()),
    "rename": lambda bench: bench.tokens.rename_token(bench.origin, 2, "new"),
    "revoke": lambda bench: bench.tokens.revoke_token(bench.origin, 2),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("closing", ["revoked", "disabled"])
def test_token_closed_since_it_was_verified_changes_nothing(bench: Bench, change: str, closing: str) -> None:
    bench.tokens.create_token(bench.origin, NewToken(label="other"))
    if closing == "revoked":
        bench.tokens.revoke_any_token(OPERATOR, 1)
    else:
        bench.users.create_user(OPERATOR, username="second", admin=True)
        bench.users.disable_user(OPERATOR, "admin")
    with pytest.raises(Unauthorized):
        CHANGES[change](bench)
    labels = [
        token.label for token in bench.tokens.list_tokens(bench.actor.user_id, PageRequest()).rows if token.id > 1
    ]
    assert (labels, len(bench.events("token:2")), bench.events("token:3")) == (["other"], 1, [])


def test_everything_is_what_the_acting_token_has(bench: Bench) -> None:
    token, _ = bench.tokens.create_token(bench.origin, NewToken(scopes="*"))
    assert token.scopes == bench.actor.scopes


def test_refused_token_leaves_no_event(bench: Bench) -> None:
    with pytest.raises(Invalid):
        bench.tokens.create_token(bench.origin, NewToken(scopes="linodes:read_write"))
    assert bench.events("token:2") == []


def test_token_that_acts_may_revoke_itself(bench: Bench) -> None:
    bench.tokens.revoke_token(bench.origin, 1)
    with pytest.raises(NotFound):
        bench.tokens.get_token(bench.actor.user_id, 1)


def test_token_of_somebody_else_is_not_found(bench: Bench) -> None:
    bench.users.create_user(OPERATOR, username="ada")
    token, _ = bench.tokens.create_token_for(OPERATOR, "ada", NewToken())
    with pytest.raises(NotFound):
        bench.tokens.rename_token(bench.origin, token.id, "new")
    with pytest.raises(NotFound):
        bench.tokens.revoke_token(bench.origin, token.id)
    assert [action for action, _ in bench.events(f"token:{token.id}")] == ["token.create"]


def test_rename_to_nothing_is_no_change(bench: Bench) -> None:
    before = bench.tokens.get_token(bench.actor.user_id, 1)
    assert bench.tokens.rename_token(bench.origin, 1, None) == before
    assert [action for action, _ in bench.events("token:1")] == ["token.create"]


def test_token_for_an_unknown_user_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.tokens.create_token_for(OPERATOR, "nobody", NewToken())


def test_token_revoked_while_it_makes_another_makes_nothing_after_its_revocation(bench: Bench) -> None:
    """Another process revokes between the check of the acting token and the end of the transaction.

    Either its revocation waits for that end, or nothing may be made.
    """
    elsewhere = Database(bench.database.url, timeout=TIMEOUT_SECONDS)
    operator = Tokens(Transactions(elsewhere, lambda: NOW), Peppers((bytes(32),)), default_catalogue())
    revocation = threading.Thread(target=operator.revoke_any_token, args=(OPERATOR, 1))
    revoked: list[bool] = []  # before each statement

    def look(*_: object) -> None:
        revoked.append(revocation.ident is not None and not revocation.is_alive())

    begin_before(bench.database, "INSERT INTO tokens", revocation)
    event.listen(bench.database.engine, "before_cursor_execute", look)
    try:
        bench.tokens.create_token(bench.origin, NewToken())
        overtaken = any(revoked)
    except Unauthorized:
        overtaken = False
    revocation.join()
    elsewhere.close()
    assert not overtaken


def test_revocation_of_all_others_is_recorded_with_each(bench: Bench) -> None:
    made = [bench.tokens.create_token(bench.origin, NewToken())[0].id for _ in range(2)]
    assert bench.tokens.revoke_other_tokens(bench.origin) == 2
    assert [bench.events(f"token:{token_id}")[1:] for token_id in made] == [[("token.revoke", {})]] * 2
    assert len(bench.events("token:1")) == 1


def test_token_that_is_made_while_its_maker_is_revoked_with_all_others_is_revoked_too(bench: Bench) -> None:
    """The maker's transaction is under way, in another process: it ends before the revocation, or makes nothing."""
    maker, secret = bench.tokens.create_token(bench.origin, NewToken())
    actor = bench.actor._replace(token_id=maker.id, preview=secret.preview)
    elsewhere = Database(bench.database.url, timeout=TIMEOUT_SECONDS)
    operator = Tokens(Transactions(elsewhere, lambda: NOW), Peppers((bytes(32),)), default_catalogue())
    revocation = threading.Thread(target=operator.revoke_other_tokens, args=(bench.origin,))
    begin_before(bench.database, "INSERT INTO tokens", revocation)
    with suppress(Unauthorized):
        bench.tokens.create_token(Origin.of(actor), NewToken())
    revocation.join()
    elsewhere.close()
    assert [token.id for token in bench.tokens.list_tokens(bench.actor.user_id, PageRequest()).rows] == [1]
