"""Revocations by an administrator beside a user who searches: what one user's requests cost another one's."""

import http.client
import json
import sqlite3
import statistics
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bench.beside import InThreads
from bench.comparisons import ask
from bench.errors import BenchmarkError
from bench.machine import Cores
from bench.report import Comparison, Verdict
from bench.servers import ANSWER_SECONDS_MAX, Server, tokenry
from bench.stock import fill
from tokenry.api.filters import COST_MAX, SEARCH_COST
from tokenry.domain.accounts import Origin
from tokenry.domain.tokens import LABEL_LENGTH_MAX, NewToken
from tokenry.settings import Settings
from tokenry.wiring import open_installation

STORED = 2500
LISTS = 64
REVOCATIONS = 300
PAUSE_SECONDS = 0.02
SECONDS_MAX = 30
REVOCATIONS_MIN = 100
"""So that there is a 99th percentile."""
_TOKENS = "/v4/profile/tokens"
_SEARCHES = COST_MAX // SEARCH_COST


def compare_lists(folder: Path, cores: Cores) -> Comparison:
    """Time each `DELETE` beside 64 lists of a user with 2,500 tokens, as dear as a filter may be, and without them."""
    stock = fill(folder / "data-lists", STORED, tokens_per_user=STORED)
    with closing(sqlite3.connect(stock.data_dir / "tokenry.db", isolation_level=None)) as connection:
        # Labels that repeat themselves: where a search begins to match, and goes on, in every place.
        connection.execute("UPDATE tokens SET label = ?1, label_folded = ?1", ("a" * LABEL_LENGTH_MAX,))
    administrator = _make_administrator(stock.data_dir)
    with tokenry(stock.data_dir, cores.server) as server:
        calm = _time_revocations(server, administrator)
        with Lists(server, stock.known[0].secret, cores.load) as lists:
            beside = _time_revocations(server, administrator)
    if not lists.statuses[200] or lists.statuses.keys() - {200, 429}:  # the latter when their turn did not come
        raise BenchmarkError(f"lists were answered {dict(lists.statuses)}")
    details = {
        "revocations": len(beside),
        "calm_p99_milliseconds": _p99(calm),
        "beside_p50_milliseconds": statistics.median(beside),
        "lists": dict(lists.statuses),
        "lists_p50_milliseconds": statistics.median(lists.milliseconds),
    }
    verdict = Verdict("p99 in milliseconds", _p99(beside), at_most=100)
    return Comparison(f"DELETE beside {LISTS} lists of {STORED:,} tokens, {_SEARCHES} searches each", verdict, details)


@dataclass
class Lists(InThreads):
    """As many lists at once, each asked again when it is answered, for the length of a block."""

    server: Server
    secret: str = field(repr=False)
    core: int
    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    number_of_threads = LISTS

    def _run(self) -> None:
        needle = "a" * (LABEL_LENGTH_MAX // 2)
        conditions = [{"label": {"+contains": f"{needle}{number}"}} for number in range(_SEARCHES)]
        headers = {"X-Filter": json.dumps({"+or": conditions})}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=ANSWER_SECONDS_MAX)
        while not self._stop.is_set():
            started = time.monotonic()
            self.statuses[ask(connection, "GET", _TOKENS, self.secret, headers=headers)[0]] += 1
            self.milliseconds.append((time.monotonic() - started) * 1000)
        connection.close()


def _make_administrator(data_dir: Path) -> str:
    """Make an administrator beside the user; the text of his token."""
    installation = open_installation(Settings(data_dir=data_dir))
    try:
        installation.users.create_user(Origin("benchmark"), username="administrator", admin=True)
        _, secret = installation.tokens.create_token_for(Origin("benchmark"), "administrator", NewToken())
        return secret.reveal()
    finally:
        installation.database.close()


def _time_revocations(server: Server, secret: str) -> list[float]:
    """Make and revoke tokens, one after the other; how many milliseconds each revocation took."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=ANSWER_SECONDS_MAX)
    until = time.monotonic() + SECONDS_MAX
    took: list[float] = []
    while len(took) < REVOCATIONS and time.monotonic() < until:
        status, made = ask(connection, "POST", _TOKENS, secret, '{"label": "beside"}')
        if status != 200:
            raise BenchmarkError(f"a creation was answered {status}")
        started = time.monotonic()
        status, _ = ask(connection, "DELETE", f"{_TOKENS}/{json.loads(made)['id']}", secret)
        took.append((time.monotonic() - started) * 1000)
        if status != 200:
            raise BenchmarkError(f"a revocation was answered {status}")
        time.sleep(PAUSE_SECONDS)
    connection.close()
    if len(took) < REVOCATIONS_MIN:
        raise BenchmarkError(f"only {len(took)} revocations in {SECONDS_MAX} s")
    return took


def _p99(milliseconds: list[float]) -> float:
    return statistics.quantiles(milliseconds, n=100)[98]
