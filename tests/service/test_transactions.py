"""The transactions of use cases: one moment each, and events that live and die with them."""

import ast
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import event

from tokenry import service
from tokenry.domain.accounts import Origin
from tokenry.domain.events import TokenRevoked
from tokenry.domain.secrets import Peppers
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.storage.audit import list_events
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database

NOW = datetime(2025, 6, 15, 15, 6, 40, 999_999, tzinfo=UTC)
OPERATOR = Origin("operator")


@pytest.fixture
def transactions(database: Database) -> Transactions:
    """By a clock on which a second passes with each look."""
    seconds = count()
    return Transactions(database, lambda: NOW + timedelta(seconds=next(seconds)))


def test_change_has_one_moment_in_whole_seconds(transactions: Transactions) -> None:
    with transactions.change(OPERATOR) as change:
        change.record(TokenRevoked(1))
        change.record(TokenRevoked(2))
    with transactions.read() as connection:
        assert {entry.at for entry in list_events(connection, limit=9)} == {change.now}
    assert change.now == NOW.replace(microsecond=0)


def test_clock_is_not_read_within_a_change() -> None:
    blocks = [
        node
        for path in Path(service.__path__[0]).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.With) and any("transactions.change(" in ast.unparse(item) for item in node.items)
    ]
    assert blocks
    assert [ast.unparse(block) for block in blocks if "now()" in ast.unparse(block)] == []


def test_events_of_a_change_that_fails_are_not_recorded(transactions: Transactions) -> None:
    def fail() -> None:
        with transactions.change(OPERATOR) as change:
            change.record(TokenRevoked(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with transactions.read() as connection:
        assert list_events(connection, limit=9) == []


def test_many_events_are_one_statement(transactions: Transactions) -> None:
    statements: list[str] = []
    event.listen(transactions.database.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    with transactions.change(OPERATOR) as change:
        change.record(*(TokenRevoked(token_id) for token_id in range(500)))
    adding = [statement for statement in statements if statement.startswith("INSERT INTO audit_events")]
    told = [statement for statement in statements if statement.startswith("INSERT INTO outbox")]
    assert (len(adding), len(told)) == (1, 1)


def test_use_case_of_whoever_has_a_token_is_for_nobody_else(transactions: Transactions) -> None:
    tokens = Tokens(transactions, Peppers((bytes(32),)), default_catalogue())
    with pytest.raises(AssertionError):
        tokens.revoke_token(OPERATOR, 1)
