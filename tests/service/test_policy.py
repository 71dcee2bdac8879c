"""What the policy allows and what a change of it does, with its audit."""

import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import URL, Connection, event, func, insert, select, update

from tests.making import NOW, OPERATOR
from tests.service.parts import Bench
from tests.threads import at_work
from tokenry.cli.running import CommandError
from tokenry.domain.errors import Invalid, NotFound
from tokenry.domain.paging import PageRequest
from tokenry.domain.policy import Policy, Rules, UserKind
from tokenry.domain.policy_changes import OutlivingUser
from tokenry.domain.scopes import ALL, Scopes
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NEVER, NewToken, Token
from tokenry.operator.policy import _enforce
from tokenry.service.accounts import Accounts
from tokenry.service.installation import begin_installation
from tokenry.service.policy import Policies, Shortened
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.storage import schema
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.deadline import TIMEOUT_SECONDS, within

DAY = timedelta(days=1)
PAUSE_SECONDS = 0.01
"""Between two tokens that a process makes: SQLite gives its lock to whoever happens to ask."""
STRICT = Policy(
    DAY, expiry_required=True, tokens_per_user_max=1, scopes={UserKind.ADMIN: Scopes.parse("linodes:read_only")}
)


@pytest.fixture
def policies(bench: Bench) -> Policies:
    return Policies(bench.transactions)


def put(policies: Policies, policy: Policy, *, shorten: bool = False) -> tuple[int, int]:
    """Set it and let it hold; how many tokens have expired, and how many expire sooner."""
    policies.set_policy(OPERATOR, lambda before: policy)
    done = list(policies.enforce(OPERATOR, shorten_to=policy.lifetime_max if shorten else None))
    return sum(some.at_once for some in done), sum(some.sooner for some in done)


def fields(caught: pytest.ExceptionInfo[Invalid]) -> list[str | None]:
    return [fault.field for fault in caught.value.faults]


def test_everybody_who_makes_a_token_keeps_to_the_policy(bench: Bench, policies: Policies) -> None:
    put(policies, STRICT)
    with pytest.raises(Invalid) as caught:
        bench.tokens.create_token(bench.origin, NewToken(label=""))
    assert fields(caught) == ["label", "scopes", "expiry", None]
    with pytest.raises(Invalid) as caught:
        bench.tokens.create_token_for(OPERATOR, "admin", NewToken(label=""))
    assert fields(caught) == ["label", "scopes", "expiry", None]
    assert bench.events("token:2") == []


def test_token_without_expiry_gets_the_longest_lifetime(bench: Bench, policies: Policies) -> None:
    put(policies, Policy(DAY))
    token, _ = bench.tokens.create_token(bench.origin, NewToken())
    assert token.expiry == NOW + DAY
    assert bench.tokens.get_token(bench.actor.user_id, token.id).expiry == NOW + DAY


def test_revoking_one_makes_room_for_another(bench: Bench, policies: Policies) -> None:
    put(policies, Policy(tokens_per_user_max=2))
    token, _ = bench.tokens.create_token(bench.origin, NewToken())
    with pytest.raises(Invalid):
        bench.tokens.create_token(bench.origin, NewToken())
    bench.tokens.revoke_token(bench.origin, token.id)
    bench.tokens.create_token(bench.origin, NewToken())


def test_many_at_once_make_no_more_tokens_than_allowed(bench: Bench, policies: Policies) -> None:
    put(policies, Policy(tokens_per_user_max=3))
    other = Database(bench.database.url, timeout=TIMEOUT_SECONDS)  # as another process has it
    elsewhere = Tokens(Transactions(other, lambda: NOW), Peppers((bytes(32),)), default_catalogue())
    together = Barrier(4)

    def create(tokens: Tokens) -> bool:
        together.wait(timeout=10)
        try:
            tokens.create_token(bench.origin, NewToken())
        except Invalid:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(create, (bench.tokens, elsewhere, bench.tokens, elsewhere)))
    other.close()
    assert sum(made) == 2  # the acting token is the third


def test_first_token_can_be_made_under_any_policy(database: Database) -> None:
    transactions = Transactions(database, lambda: NOW)
    put(Policies(transactions), STRICT)
    tokens = Tokens(transactions, Peppers((bytes(32),)), default_catalogue())
    assert begin_installation(transactions, Accounts(transactions), tokens, lambda secret: None) is not None


def test_actor_is_told_what_holds_for_its_user(bench: Bench, policies: Policies) -> None:
    put(policies, STRICT)
    assert policies.get_rules(bench.actor.user_id) == Rules(DAY, True, 1, Scopes.parse("linodes:read_only"), 1)  # noqa: FBT003
    put(policies, Policy())
    assert policies.get_rules(bench.actor.user_id) == Rules(scopes=ALL, live_tokens=1)


def test_change_of_the_policy_is_recorded(bench: Bench, policies: Policies) -> None:
    put(policies, STRICT)
    policies.set_policy(OPERATOR, lambda before: replace(before, lifetime_max=None, scopes={}))
    nothing: dict[str, object] = {
        "max_lifetime_seconds": None,
        "expiry_required": False,
        "max_tokens": None,
        "scopes": {},
        "second_factor": "nobody",
        "requests_per_minute": {},
    }
    strict = {
        "max_lifetime_seconds": 86400,
        "expiry_required": True,
        "max_tokens": 1,
        "scopes": {"admin": "linodes:read_only"},
        "second_factor": "nobody",
        "requests_per_minute": {},
    }
    assert bench.events("policy") == [
        ("policy.set", {"from": nothing, "to": strict}),
        ("policy.set", {"from": strict, "to": {**strict, "max_lifetime_seconds": None, "scopes": {}}}),
    ]


def test_shortened_tokens_are_counted_before_and_recorded_after(bench: Bench, policies: Policies) -> None:
    bench.tokens.create_token(bench.origin, NewToken(expiry=NOW + DAY))
    assert policies.preview_lifetime(DAY) == [OutlivingUser("admin", at_once=0, sooner=1)]
    assert put(policies, Policy(DAY), shorten=True) == (0, 1)
    assert bench.tokens.get_token(bench.actor.user_id, 1).expiry == NOW + DAY
    assert bench.events("token:1")[1:] == [("token.shorten", {"from": "never", "to": (NOW + DAY).isoformat()})]
    assert len(bench.events("token:2")) == 1
    assert policies.preview_lifetime(DAY) == []


def test_token_past_the_maximum_lifetime_expires_at_once(bench: Bench) -> None:
    policies = Policies(Transactions(bench.database, lambda: NOW + 2 * DAY))
    assert put(policies, Policy(DAY), shorten=True) == (1, 0)
    later = Tokens(Transactions(bench.database, lambda: NOW + 2 * DAY), Peppers((bytes(32),)), default_catalogue())
    with pytest.raises(NotFound):
        later.get_token(bench.actor.user_id, 1)


def test_more_tokens_than_one_batch_are_shortened(
    bench: Bench, policies: Policies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokenry.service.policy.BATCH", 2)
    for _ in range(4):
        bench.tokens.create_token(bench.origin, NewToken())
    assert put(policies, Policy(DAY), shorten=True) == (0, 5)
    assert policies.preview_lifetime(DAY) == []


def test_existing_tokens_stay_unless_they_are_to_be_shortened(bench: Bench, policies: Policies) -> None:
    assert put(policies, Policy(DAY)) == (0, 0)
    assert bench.tokens.get_token(bench.actor.user_id, 1).expiry == NEVER


def make_many(bench: Bench, count: int) -> None:
    """Tokens of the first user without an end, in few statements."""
    each = {"user_id": 1, "label": "x", "label_folded": "x", "scopes": "*", "created_at": to_seconds(NOW)}
    rows = [
        {**each, "id": id, "preview": f"pat_{id:012}", "expires_at": to_seconds(NEVER)} for id in range(2, count + 2)
    ]
    with bench.database.write() as connection:
        connection.execute(insert(schema.tokens), rows)
        opening = [
            {
                "preview": row["preview"],
                "token_id": row["id"],
                "digest": bytes(32),
                "pepper_generation": 1,
                "expires_at": row["expires_at"],
            }
            for row in rows
        ]
        connection.execute(insert(schema.credentials), opening)
        if not bench.database.is_sqlite:
            connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('tokens', 'id'), {count + 1})")


def outliving(bench: Bench, lifetime: timedelta) -> int:
    """How many live tokens outlive a maximum lifetime, and how many secrets open one for longer than it lives."""
    longest = schema.tokens.c.created_at + int(lifetime.total_seconds())
    tokens = select(func.count()).where(schema.tokens.c.revoked_at.is_(None), schema.tokens.c.expires_at > longest)
    opening = select(func.count()).where(
        schema.credentials.c.token_id == schema.tokens.c.id, schema.credentials.c.expires_at > longest
    )
    with bench.database.read() as connection:
        return int(connection.execute(tokens).scalar_one() + connection.execute(opening).scalar_one())


def begin_shortening(bench: Bench, policies: Policies, monkeypatch: pytest.MonkeyPatch) -> Generator[Shortened]:
    """Shorten two of five tokens to a day; the rest is for whoever goes on."""
    monkeypatch.setattr("tokenry.service.policy.BATCH", 2)
    make_many(bench, 4)
    policies.set_policy(OPERATOR, lambda before: Policy(DAY))
    begun = policies.enforce(OPERATOR, shorten_to=DAY)
    assert next(begun).sooner == 2
    return begun


def test_shortening_that_was_broken_off_is_finished_by_doing_it_again(
    bench: Bench, policies: Policies, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = begin_shortening(bench, policies, monkeypatch)
    begun.close()
    assert policies.preview_lifetime(DAY) == [OutlivingUser("admin", at_once=0, sooner=3)]
    assert put(policies, Policy(DAY), shorten=True) == (0, 3)
    assert outliving(bench, DAY) == 0
    actions = [[action for action, _ in bench.events(f"token:{id}")] for id in range(1, 6)]
    assert actions == [["token.create", "token.shorten"], *([["token.shorten"]] * 4)]


def test_shortening_ends_where_the_policy_has_no_maximum_any_more(
    bench: Bench, policies: Policies, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = begin_shortening(bench, policies, monkeypatch)
    policies.set_policy(OPERATOR, lambda before: Policy())
    assert list(begun) == []


def test_shortening_goes_no_further_than_was_asked_for_when_the_policy_is_set_again(
    bench: Bench, policies: Policies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sets a lower one and keeps the tokens that there are must not lose them to a command that still runs."""
    begun = begin_shortening(bench, policies, monkeypatch)
    policies.set_policy(OPERATOR, lambda before: Policy(DAY / 2))
    assert sum(done.at_once for done in begun) == 0
    assert outliving(bench, DAY) == 0
    assert outliving(bench, DAY / 2) == 5 * len(("token", "credential"))


def test_tokens_are_made_while_many_are_shortened(
    bench: Bench, policies: Policies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokenry.service.policy.BATCH", 50)
    make_many(bench, 1000)
    elsewhere = Database(bench.database.url, timeout=TIMEOUT_SECONDS)
    shortening = threading.Thread(
        target=put, args=(Policies(Transactions(elsewhere, lambda: NOW)), Policy(DAY)), kwargs={"shorten": True}
    )
    shortening.start()
    made = 0
    while shortening.is_alive():
        with within(TIMEOUT_SECONDS):
            bench.tokens.create_token(bench.origin, NewToken())
        made += 1
        time.sleep(PAUSE_SECONDS)
    elsewhere.close()
    assert made > 5
    assert outliving(bench, DAY) == 0


def test_creation_does_not_wait_for_a_transaction_that_shortens(bench: Bench, policies: Policies) -> None:
    """On PostgreSQL; SQLite has one writer, which is why each transaction shortens few tokens."""
    if bench.database.is_sqlite:
        return
    put(policies, Policy(DAY))
    make_many(bench, 1)
    elsewhere = Database(bench.database.url, timeout=TIMEOUT_SECONDS)
    made: list[Token] = []

    def create(*_: object) -> None:
        with within(TIMEOUT_SECONDS):
            made.append(bench.tokens.create_token(bench.origin, NewToken())[0])

    event.listen(elsewhere.engine, "commit", create)
    assert next(Policies(Transactions(elsewhere, lambda: NOW)).enforce(OPERATOR, shorten_to=DAY)).sooner == 2
    elsewhere.close()
    assert [token.expiry for token in made] == [NOW + DAY]


@pytest.mark.parametrize("moment", ["before the token is stored", "before it is committed"])
def test_token_made_while_the_policy_changes_does_not_outlive_it(bench: Bench, moment: str) -> None:
    """Another process sets it between the moment a creation reads it and the end of that transaction.

    Either the creation sees that, and begins anew, or the change waits for that end, and then finds the token.
    """
    elsewhere = Database(bench.database.url, timeout=TIMEOUT_SECONDS)
    change = threading.Thread(
        target=put, args=(Policies(Transactions(elsewhere, lambda: NOW)), Policy(DAY)), kwargs={"shorten": True}
    )

    def interrupt(connection: Connection, *statement: object) -> None:
        storing = len(statement) > 1 and "INSERT INTO tokens" in str(statement[1])
        if change.ident is None and (storing or not statement):
            change.start()
            change.join(0.5)

    event.listen(bench.database.engine, "before_cursor_execute" if "stored" in moment else "commit", interrupt)
    token, _ = bench.tokens.create_token(bench.origin, NewToken())
    change.join()
    elsewhere.close()
    assert bench.tokens.get_token(bench.actor.user_id, token.id).expiry == NOW + DAY
    assert outliving(bench, DAY) == 0


def test_no_token_outlives_a_policy_whoever_makes_tokens_meanwhile(bench: Bench, policies: Policies) -> None:
    """As several processes do; looked at in the moment when each policy holds, and at the end."""
    sources = [Database(bench.database.url, timeout=TIMEOUT_SECONDS) for _ in range(2)]
    failures: list[Exception] = []
    made = threading.Semaphore(0)

    def create(stop: threading.Event, source: Database) -> None:
        tokens = Tokens(Transactions(source, lambda: NOW), Peppers((bytes(32),)), default_catalogue())
        while not stop.wait(PAUSE_SECONDS):
            try:
                tokens.create_token(bench.origin, NewToken())
                made.release()
            except Exception as failure:  # noqa: BLE001 - told below
                failures.append(failure)
                return

    outlived = []
    with at_work([partial(create, source=source) for source in sources], TIMEOUT_SECONDS):
        for days in range(30, 20, -1):
            put(policies, Policy(days * DAY), shorten=True)
            outlived.append(outliving(bench, days * DAY))
            assert made.acquire(timeout=TIMEOUT_SECONDS), "a token for each policy, however fast those are set"
    for source in sources:
        source.close()
    assert failures == []
    assert outlived == [0] * 10
    assert outliving(bench, 21 * DAY) == 0
    assert bench.tokens.list_tokens(bench.actor.user_id, PageRequest()).results > 10


def test_enforcing_does_not_wait_for_ever(migrated_postgres_database: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenry.service.policy.WAIT_SECONDS_MAX", 0.1)
    database = Database(migrated_postgres_database.set(drivername="postgresql+psycopg"), timeout=TIMEOUT_SECONDS)
    policies = Policies(Transactions(database, lambda: NOW))
    with database.write() as connection:
        connection.execute(update(schema.tokens).values(label="x"))
        with pytest.raises(
            CommandError, match=r"^The policy is set, and at least 0 tokens are shortened, but .*: repeat"
        ):
            _enforce(policies, 0, shorten_to=DAY)
    _enforce(policies, 0, shorten_to=DAY)
    database.close()
