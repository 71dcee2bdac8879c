"""Lists, pages and pieces of an export at a million tokens against a thousand, in process, on both engines."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, text

from bench.measures import LARGE, SMALL
from bench.postgres import make_database, postgres
from bench.report import Comparison, Verdict
from tokenry.domain.accounts import Actor
from tokenry.domain.details import Details, Selection, State
from tokenry.domain.paging import PageRequest
from tokenry.domain.scopes import EVERYTHING
from tokenry.service.installation import Installation
from tokenry.settings import Settings
from tokenry.storage.audit import list_events
from tokenry.storage.details import find_details
from tokenry.storage.inventory import list_next
from tokenry.storage.users import list_all_users
from tokenry.wiring import open_installation, prepare

ROUNDS = 15
TIMES_MAX = 3
PIECE = 200
"""Rows of a piece of an export, so that there are as many of them at a thousand tokens."""
TOKENS_PER_USER = 50
"""Beside the first user, who has half of all tokens."""
_NOW = 1_900_000_000
_MOMENT = datetime.fromtimestamp(_NOW, UTC)
_ROWS = """
    INSERT INTO accounts (id, euuid, company, created_at, parent_id)
    SELECT i, 'E' || i, 'company ' || i, {now}, CASE WHEN i > 2 THEN 1 END FROM {accounts};

    INSERT INTO users (id, account_id, username, username_folded, email, admin, created_at)
    SELECT i, CASE WHEN i < {last_user} - 1 THEN 1 ELSE 2 END, 'user-' || i, 'user-' || i, '', TRUE, {now} FROM {users};

    INSERT INTO tokens (id, user_id, label, label_folded, scopes, preview, created_at, expires_at)
    SELECT i, CASE WHEN i % 2 = 0 THEN 1 ELSE 2 + (i / 2) % ({last_user} - 1) END, 'token-' || i, 'token-' || i, '*',
        'pat_' || substr(CAST(1000000000000 + i AS TEXT), 2), {now}, {now} + 86400 + i FROM {tokens};

    INSERT INTO credentials (preview, token_id, digest, pepper_generation, expires_at)
    SELECT preview, id, :digest, 1, expires_at FROM tokens;

    INSERT INTO token_uses (token_id, used_at) SELECT id, {now} FROM tokens WHERE id % 4 < 2;

    INSERT INTO audit_events (id, at, actor, action, subject, details)
    SELECT i, {now}, 'admin', 'token.create', 'token\\:' || i, '{{}}' FROM {tokens}
"""


@dataclass(frozen=True, slots=True)
class Stock:
    """An installation with so many tokens, and a token in the middle of some users' own, by user."""

    do: Installation
    stored: int
    middles: Mapping[int, Details | None]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to ask for."""

    name: str
    ask: Callable[[Stock], object]


def compare_pages(folder: Path) -> list[Comparison]:
    """How many times as long each list, page and piece takes with a million tokens; the best of some, in turns."""
    found: list[Comparison] = []
    folder.mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(postgres(folder / "postgres"))
        addresses: Mapping[str, Callable[[int], str | None]] = {
            "SQLite": lambda _: None,
            "PostgreSQL": lambda stored: make_database(server, f"b{stored}").render_as_string(hide_password=False),
        }
        for engine, address in addresses.items():
            small, large = (
                _fill(Settings(data_dir=folder / f"{engine}-{stored}", database_url=address(stored)), stored)
                for stored in (SMALL, LARGE)
            )
            found += [_compare(engine, case, small, large) for case in CASES]
            for stock in (small, large):
                stock.do.database.close()
    return found


def _compare(engine: str, case: Case, small: Stock, large: Stock) -> Comparison:
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for stock, taken in zip((small, large), seconds, strict=True):
            started = time.perf_counter()
            case.ask(stock)
            taken.append(time.perf_counter() - started)
    few, many = map(min, seconds)
    return Comparison(
        f"{engine}, {case.name}, at {LARGE:,} tokens against {SMALL:,}",
        Verdict("times", many / few, at_most=TIMES_MAX),
        {"small_milliseconds": few * 1000, "large_milliseconds": many * 1000},
    )


def _fill(settings: Settings, stored: int) -> Stock:
    """Set up an installation with so many tokens, half of them the first user's, and as many events."""
    prepare(settings)
    installation = open_installation(settings, lambda: _NOW)
    users = _users_of(stored)
    series = {"accounts": _numbers(102), "users": _numbers(users), "tokens": _numbers(stored)}
    with installation.database.write() as connection:
        for rows in _ROWS.format(now=_NOW, last_user=users, **series).split(";"):
            connection.execute(text(rows), {"digest": bytes(32)} if ":digest" in rows else {})
    if not installation.database.is_sqlite:
        with installation.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    with installation.database.read() as connection:
        middles = {user_id: _middle(connection, user_id) for user_id in (1, 3)}
    return Stock(installation, stored, middles)


def _users_of(stored: int) -> int:
    return stored // 2 // TOKENS_PER_USER


def _numbers(last: int) -> str:
    series = f"SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < {last}"
    return f"(WITH RECURSIVE series(i) AS ({series}) SELECT i FROM series) AS numbers"


def _actor(user_id: int) -> Actor:
    return Actor(user_id, EVERYTHING, _NOW + 86400, user_id, f"user-{user_id}", 1, "E1", "")


def _list(stock: Stock, *, user_id: int) -> object:
    return stock.do.tokens.list_tokens(user_id, PageRequest(size=25))


def _last_page(stock: Stock) -> object:
    return stock.do.tokens.list_tokens(1, PageRequest(stock.stored // 2 // 25, 25))


def _details(stock: Stock, *, user_id: int, state: State | None = State.ACTIVE) -> object:
    return stock.do.details.list_details(user_id, PageRequest(size=25), selection=Selection(state))


def _inventory(stock: Stock, *, state: State | None = State.ACTIVE, username: str | None = None) -> object:
    return stock.do.inventory.list_tokens(
        _actor(1), PageRequest(size=25), selection=Selection(state), username=username
    )


def _small_account(stock: Stock) -> object:
    last = _actor(_users_of(stock.stored))._replace(account_id=2)
    return stock.do.inventory.list_tokens(last, PageRequest(size=25))


def _piece(stock: Stock, *, behind: int | None) -> object:
    """A piece of an export: the first, or the one that begins behind the middle of a user's tokens."""
    with stock.do.database.read() as connection:
        after = None if behind is None else stock.middles[behind]
        return list_next(connection, account_id=1, now=_MOMENT, after=after, limit=PIECE)


def _middle(connection: Connection, user_id: int) -> Details | None:
    own = connection.execute(text(f"SELECT min(id), max(id) FROM tokens WHERE user_id = {user_id}")).one()
    near = text(f"SELECT min(id) FROM tokens WHERE user_id = {user_id} AND id >= {sum(own) // 2}")
    return find_details(connection, connection.execute(near).scalar_one(), user_id=user_id, now=_MOMENT)


def _users(stock: Stock) -> object:
    return stock.do.account_users.list_users(_actor(1), PageRequest(size=25))


def _all_users(stock: Stock) -> object:
    with stock.do.database.read() as connection:
        return list_all_users(connection, _MOMENT, after="user-3", limit=5)


def _children(stock: Stock) -> object:
    return stock.do.children.list_children(_actor(1), PageRequest(size=25))


def _events(stock: Stock, *, subject: str | None) -> object:
    with stock.do.database.read() as connection:
        return list_events(connection, limit=100, subject=subject)


CASES = (
    Case("a user's list", partial(_list, user_id=3)),
    Case("a user's list with details", partial(_details, user_id=3)),
    Case("a user's list of all states", partial(_details, user_id=3, state=None)),
    Case("a user's list in the account's", partial(_inventory, username="user-3")),
    Case("a small account's list", _small_account),
    Case("the account's list of revoked tokens, of which there are none", partial(_inventory, state=State.REVOKED)),
    Case("the first piece of an export", partial(_piece, behind=None)),
    Case("a piece within the tokens of the user who has half", partial(_piece, behind=1)),
    Case("a piece among many users", partial(_piece, behind=3)),
    Case("an account's users", _users),
    Case("users for the operator, with their tokens counted", _all_users),
    Case("an account's children", _children),
    Case("the newest events", partial(_events, subject=None)),
    Case("the events of a token", partial(_events, subject="token:500")),
    Case("the list of the user who has half", partial(_list, user_id=1)),
    Case("the last page of it", _last_page),
    Case("the same with details", partial(_details, user_id=1)),
    Case("the list of the account that has all", _inventory),
)
