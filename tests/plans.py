"""How each engine carries out a statement, and what is wrong with that where tables are big."""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, event

ROWS_MAX = 600
"""What a statement may read, sort and pass over: the five hundred that one of a change names, and some."""
BIG = {
    "accounts",
    "users",
    "tokens",
    "credentials",
    "token_uses",
    "token_counts",
    "account_counts",
    "asked_scopes",
    "watched_refusals",
    "revoked_uses",
    "rotations",
    "idempotency_keys",
    "username_reservations",
    "oauth_clients",
    "audit_events",
    "sessions",
    "pushed_requests",
    "passwords",
    "links",
    "page_tokens",
    "logins",
    "passkeys",
    "authenticators",
    "recovery_codes",
    "identities",
    "apps",
    "oauth_grants",
    "refresh_tokens",
    "authorization_codes",
    "device_codes",
    "seen_assertions",
    "webhooks",
    "outbox",
    "notices",
    "mailed_addresses",
    "seen_networks",
}
_READS = re.compile(r"SELECT\b|WITH\b")
# Whose tables of references to it SQLite names, and reads only where one was left dangling.
_INSERTS = re.compile(r"INSERT INTO \w+ \(.*\) VALUES")
_COUNTS = re.compile(r"SELECT (count|sum)\(")
_SOME = re.compile(r"(?s)SELECT(?!.* FOR ).*revoked_at IS (NOT )?NULL")
"""What lists some of the tokens; what locks them costs more than finding them."""
_INDEX_OF_ALL = "ix_tokens_of_all"
_numbers = itertools.count()
_SCAN = re.compile(r"SCAN (\w+)|SEARCH (tokens) USING INTEGER PRIMARY KEY \(rowid>\?\)")
"""What reads a table, or all tokens from one on. Users are walked so, a piece at a time."""
_SEARCH = re.compile(r"SEARCH (\w+) USING")


class Statement(NamedTuple):
    """A statement that was sent, by which operation, and with what."""

    operation: str
    text: str
    parameters: Any


class Capture:
    """What is sent to a database while operations are carried out: each text once."""

    def __init__(self, engine: Engine) -> None:
        self.statements: dict[str, Statement] = {}
        self._operation = ""
        event.listen(engine, "before_cursor_execute", self._note)

    def of(self, operation: str, run: Callable[[], object]) -> None:
        """Carry out an operation, and keep what it sends."""
        self._operation = operation
        run()
        self._operation = ""

    def _note(self, _c: object, _cursor: object, text: str, given: Any, _context: object, _many: bool) -> None:  # noqa: FBT001
        if self._operation and re.match(r"SELECT|WITH|UPDATE|DELETE|INSERT", text):
            self.statements.setdefault(
                text, Statement(self._operation, text, given[0] if isinstance(given, list) else given)
            )


def faults_of(connection: Connection, statement: Statement) -> Sequence[str]:
    """What is wrong with how a statement is carried out, in words; nothing that it does is kept."""
    faults = _sqlite_faults if connection.dialect.name == "sqlite" else _postgres_faults
    return [f"{statement.operation}: {fault}: {statement.text}" for fault in faults(connection, statement)]


def _sqlite_faults(connection: Connection, statement: Statement) -> Iterator[str]:
    """SQLite says what it does, and not how often: what is sorted has to have been found by a list of ids."""
    if _INSERTS.match(statement.text):
        return
    # Never the same text: the driver keeps what it has prepared, and EXPLAIN is not prepared anew for other indexes.
    explain = f"EXPLAIN QUERY PLAN /* {next(_numbers)} */ {statement.text}"
    plan = connection.exec_driver_sql(explain, statement.parameters).all()
    ends = "LIMIT" in statement.text and "WHERE" not in statement.text and not any("B-TREE" in row[3] for row in plan)
    for _, parent, _, step in plan:
        scanned, searched = _SCAN.match(step), _SEARCH.match(step)
        if scanned and (scanned[1] or scanned[2]) in {*BIG, "child"} and not ends:
            yield step
        if searched and searched[1] == "tokens" and _COUNTS.match(statement.text) and " COVERING " not in step:
            yield f"it counts rows, {step}"
        if _SOME.match(statement.text) and _INDEX_OF_ALL in step and "AND id=?" not in step:
            yield f"it passes over those it does not want, {step}"
        beside = [row[3] for row in plan if row[1] == parent and _SEARCH.match(row[3])]
        if "TEMP B-TREE" in step and not any("PRIMARY KEY" in each for each in beside[:1]):
            yield f"{step} of what it searches"


def _postgres_faults(connection: Connection, statement: Statement) -> Iterator[str]:
    """PostgreSQL says how much it did, if it may do it."""
    reads = bool(_READS.match(statement.text))
    options = "ANALYZE, TIMING OFF, FORMAT JSON" if reads else "FORMAT JSON"
    explained = connection.exec_driver_sql(f"EXPLAIN ({options}) {statement.text}", statement.parameters).scalar_one()
    plan = json.loads(explained) if isinstance(explained, str) else explained
    yield from _node_faults(plan[0]["Plan"], statement.text)


def _node_faults(node: dict[str, Any], text: str) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    within = node.get("Plans", [])
    if node.get("Alias") == "child":  # whether users' accounts have any may be looked up for all of them at once
        return
    if kind == "Seq Scan" and table in BIG:
        yield f"Seq Scan on {table}"
    read = node.get("Actual Loops", 0) * (node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0))
    if table and read > ROWS_MAX and not (_COUNTS.match(text) and kind == "Index Only Scan"):
        yield f"{kind} reads {read:.0f} rows of {table}"
    if node.get("Index Name") == _INDEX_OF_ALL and _SOME.match(text):
        yield f"{kind} passes over those it does not want in {_INDEX_OF_ALL}"
    if "Sort" in kind and within[0].get("Actual Rows", 0) > ROWS_MAX:
        yield f"{kind} of {within[0]['Actual Rows']:.0f} rows"
    for each in within:
        yield from _node_faults(each, text)
