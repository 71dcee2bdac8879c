"""Sessions: what opens one, until when, and whose it is; on both engines."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.making import NOW, OPERATOR, new_user
from tests.service.parts import Bench, at_once, sessions_of
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Forbidden, NotFound, Unauthorized
from tokenry.domain.paging import PageRequest
from tokenry.domain.secrets import SESSION, Secret
from tokenry.domain.sessions import STANDARD_LIMITS, Session, SessionLimits
from tokenry.service.sessions import end_sessions_of
from tokenry.storage.schema import users

AGENT = "x" * 600


def begin(bench: Bench, user_id: int = 1) -> Secret:
    with bench.transactions.change(Origin("test")) as change:
        return sessions_of(bench.database).begin_session(
            change, user_id, method="password", address="192.0.2.1", agent=AGENT
        )


def find(bench: Bench, secret: Secret) -> Session:
    session = sessions_of(bench.database).find_session(secret.reveal())
    assert session is not None
    return session


def is_open(
    bench: Bench, secret: Secret, after: timedelta = timedelta(0), limits: SessionLimits = STANDARD_LIMITS
) -> bool:
    return sessions_of(bench.database, after, limits).find_session(secret.reveal()) is not None


def test_secret_alone_opens_a_session(bench: Bench) -> None:
    secret = begin(bench)
    session = find(bench, secret)
    assert (session.user.username, session.method, session.address, session.agent) == (
        "admin",
        "password",
        "192.0.2.1",
        AGENT[:500],
    )
    other = Secret.generate(kind=SESSION).reveal()
    for text in (secret.reveal()[:16] + other[16:], other, "", "ses_", secret.reveal()[:-1]):
        assert sessions_of(bench.database).find_session(text) is None
    assert bench.events("user:1")[-1] == ("session.begin", {"session_id": session.id, "method": "password"})


def test_session_ends_by_itself_when_it_is_not_used_and_after_its_days(bench: Bench) -> None:
    idle, lifetime = STANDARD_LIMITS.idle, STANDARD_LIMITS.lifetime
    unused, used = begin(bench), begin(bench)
    at = timedelta(0)
    while at + idle < lifetime:
        at += idle - timedelta(seconds=1)
        assert is_open(bench, used, at)
    assert not is_open(bench, unused, idle)
    assert not is_open(bench, used, lifetime)


def test_limits_that_are_narrower_by_now_hold_for_sessions_of_before(bench: Bench) -> None:
    secret, narrow = begin(bench), SessionLimits(timedelta(minutes=5), timedelta(minutes=10))
    assert is_open(bench, secret, timedelta(minutes=4), narrow)
    assert not is_open(bench, secret, timedelta(minutes=10), narrow)


def test_session_that_is_proved_anew_has_another_secret_and_that_moment(bench: Bench) -> None:
    before, later = begin(bench), timedelta(hours=1)
    session = find(bench, before)
    assert not session.is_recent(NOW + later)
    after = sessions_of(bench.database, later).authenticate_again(session.origin(None), session)
    assert not is_open(bench, before, later)
    renewed = sessions_of(bench.database, later).find_session(after.reveal())
    assert renewed is not None
    assert (renewed.id, renewed.created, renewed.is_recent(NOW + later)) == (session.id, session.created, True)


def test_session_that_has_ended_is_not_proved_anew(bench: Bench) -> None:
    session = find(bench, begin(bench))
    use_cases = sessions_of(bench.database)
    assert [use_cases.end_session(session.origin(None), session) for _ in range(2)] == [True, False]
    for act in (use_cases.authenticate_again, lambda origin, own: use_cases.delete_session(origin, own.id)):
        with pytest.raises(Unauthorized):
            act(session.origin(None), session)


def test_session_that_is_ended_while_it_is_proved_anew_stays_ended(bench: Bench) -> None:
    session = find(bench, begin(bench))
    at_once(
        bench.database,
        lambda database: sessions_of(database).authenticate_again(session.origin(None), session),
        lambda database: sessions_of(database).end_session(session.origin(None), session),
    )
    assert not sessions_of(bench.database).list_sessions(session.actor, PageRequest()).rows


def test_sessions_of_others_are_not_there(bench: Bench) -> None:
    mine, theirs = find(bench, begin(bench)), find(bench, begin(bench, new_user(bench.database, "eve")))
    use_cases = sessions_of(bench.database)
    assert [each.id for each in use_cases.list_sessions(bench.actor, PageRequest()).rows] == [mine.id]
    for act in (
        lambda: use_cases.get_session(bench.actor, theirs.id),
        lambda: use_cases.delete_session(bench.origin, theirs.id),
        lambda: use_cases.delete_session(mine.origin(None), theirs.id),
    ):
        with pytest.raises(NotFound):
            act()
    assert use_cases.get_session(bench.actor, mine.id) == mine
    use_cases.delete_session(bench.origin, mine.id)
    assert not use_cases.list_sessions(mine.actor, PageRequest()).rows


def test_all_sessions_of_a_user_end_but_one_and_each_is_recorded(bench: Bench) -> None:
    kept, *others = [find(bench, begin(bench)) for _ in range(3)]
    theirs = begin(bench, new_user(bench.database, "eve"))
    with bench.transactions.change(OPERATOR) as change:
        assert end_sessions_of(change, 1, kept=kept.id) == 2
    assert list(sessions_of(bench.database).list_sessions(kept.actor, PageRequest()).rows) == [kept]
    assert is_open(bench, theirs)
    ended = [details["session_id"] for action, details in bench.events("user:1") if action == "session.end"]
    assert ended == [session.id for session in others]


def test_user_that_is_a_client_never_has_a_session(bench: Bench) -> None:
    user_id = new_user(bench.database, "robot")
    with bench.database.write() as connection:
        connection.execute(update(users).where(users.c.id == user_id).values(service=True))
    with pytest.raises(Forbidden):
        begin(bench, user_id)
