"""Reading the audit whole, for a file: as long as whoever reads it may."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.making import OPERATOR
from tests.service.parts import Bench, sessions_of
from tokenry.domain.accounts import Actor
from tokenry.domain.audit import Entry
from tokenry.domain.errors import Forbidden, Unauthorized
from tokenry.domain.sessions import Session
from tokenry.domain.users import UserChange
from tokenry.service.audit import Audit

Export = Callable[[Audit, Actor], Iterator[Sequence[Entry]]]
EXPORTS = (Audit.export_events, Audit.export_own_events)


@pytest.fixture
def session(bench: Bench) -> Session:
    """What an administrator has with a browser, beside the first."""
    bench.users.create_user(OPERATOR, username="eve", admin=True)
    sessions = sessions_of(bench.database)
    with bench.transactions.change(OPERATOR) as change:
        secret = sessions.begin_session(change, 2, method="password", address=None, agent=None)
    found = sessions.find_session(secret.reveal())
    assert found is not None
    return found


@pytest.mark.parametrize("export", EXPORTS)
def test_export_ends_where_its_session_does(bench: Bench, session: Session, export: Export) -> None:
    pieces = export(Audit(bench.transactions), session.actor)
    assert next(pieces)
    sessions_of(bench.database).end_session(session.origin(None), session)
    with pytest.raises(Unauthorized):
        next(pieces)


@pytest.mark.parametrize("export", EXPORTS)
def test_export_ends_where_its_user_is_disabled(bench: Bench, session: Session, export: Export) -> None:
    pieces = export(Audit(bench.transactions), session.actor)
    assert next(pieces)
    bench.users.disable_user(OPERATOR, "eve")
    with pytest.raises(Unauthorized):
        next(pieces)


def test_export_of_the_account_ends_where_its_administrator_is_one_no_more(bench: Bench, session: Session) -> None:
    pieces = Audit(bench.transactions).export_events(session.actor)
    assert next(pieces)
    bench.users.update_user(OPERATOR, "eve", UserChange(restricted=True))
    with pytest.raises(Forbidden):
        next(pieces)
