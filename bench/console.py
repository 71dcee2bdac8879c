"""The console: what its list costs beside the API's, what its pages weigh, and `/verify` while people click."""

import http.client
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.beside import Paced, time_beside
from bench.errors import BenchmarkError
from bench.load import Load, prepare_load
from bench.machine import Cores
from bench.measures import VERIFY
from bench.report import Comparison, Verdict
from bench.servers import ANSWER_SECONDS_MAX, Server, tokenry
from bench.stock import Stock, fill
from tokenry.domain.accounts import Origin
from tokenry.settings import Settings
from tokenry.wiring import open_installation

STORED = 10_000
ROUNDS = 30
LIST_TIMES_MAX = 3
PAGE_BYTES_MAX = 60_000
PEOPLE = 50
CLICK_SECONDS = 5
"""From one click of somebody's to the next: who reads a list needs longer."""
BESIDE_AT_MOST = 1.2
PATHS = ("/console", "/console?sort=label", "/console?show=expiring", "/console/sessions", "/console/applications")
"""What they look at in turns."""
_PUBLIC_URL = "https://tokens.example.com"
_API = "/v4/profile/tokens?page_size=100"
_NEWEST = {"X-Filter": '{"+order_by": "created", "+order": "desc"}'}


def compare_console(folder: Path, cores: Cores, *, rounds: int, seconds: int) -> list[Comparison]:
    """Compare the list of 100 of 10,000 tokens with the API's, weigh it, and time `/verify` beside 50 people."""
    stock = fill(folder / "data-console", STORED, tokens_per_user=STORED)
    cookies = [_begin_session(stock) for _ in range(PEOPLE)]
    load = prepare_load(folder / "console", VERIFY, stock.known, cores.load)
    with tokenry(stock.data_dir, cores.server, "--public-url", _PUBLIC_URL) as server:
        listed = _compare_list(server, stock, cookies[0])
        return [*listed, _compare_clicks(server, load, cookies, cores, rounds=rounds, seconds=seconds)]


def _begin_session(stock: Stock) -> str:
    """Sign in who has all the tokens; the cookie."""
    installation = open_installation(Settings(data_dir=stock.data_dir))
    try:
        with installation.transactions.change(Origin("benchmark")) as change:
            secret = installation.sessions.begin_session(change, 1, method="password", address=None, agent="benchmark")
        return f"__Host-tokenry={secret.reveal()}"
    finally:
        installation.database.close()


def _compare_list(server: Server, stock: Stock, cookie: str) -> list[Comparison]:
    """The page against the API's answer with the same rows, in turns on kept connections."""
    asked: Mapping[str, tuple[str, Mapping[str, str]]] = {
        "page": (PATHS[0], {"Cookie": cookie}),
        "api": (_API, {**_NEWEST, "Authorization": f"Bearer {stock.known[0].secret}"}),
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=ANSWER_SECONDS_MAX)
    took: dict[str, list[float]] = {name: [] for name in asked}
    size: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name, (path, headers) in asked.items():
            started = time.perf_counter()
            size[name] = len(_get(connection, path, headers))
            took[name].append((time.perf_counter() - started) * 1000)
    connection.close()
    page, api = (statistics.median(took[name]) for name in asked)
    details = {"page_milliseconds": page, "api_milliseconds": api}
    return [
        Comparison(
            f"the console's list of 100 of {STORED:,} tokens, against the API's",
            Verdict("times", page / api, at_most=LIST_TIMES_MAX),
            details,
        ),
        Comparison(
            "the weight of that page",
            Verdict("bytes", size["page"], at_most=PAGE_BYTES_MAX),
            {"api_bytes": size["api"]},
        ),
    ]


def _compare_clicks(
    server: Server, load: Load, cookies: list[str], cores: Cores, *, rounds: int, seconds: int
) -> Comparison:
    """The 99th percentile of `/verify` at a steady rate, beside people and without."""
    clicks = Clicks(server, cookies)
    paced = Paced(clicks.click, PEOPLE / CLICK_SECONDS, PEOPLE, cores.load)
    ratio, figures = time_beside(server, load, paced, rounds=rounds, seconds=seconds)
    if clicks.statuses.keys() != {200}:
        raise BenchmarkError(f"pages were answered {dict(clicks.statuses)}")
    details = {
        **figures,
        "pages_per_second": clicks.statuses[200] / paced.seconds,
        "page_p50_milliseconds": statistics.median(clicks.milliseconds),
    }
    what = f"p99 of GET /verify beside {PEOPLE} people who click every {CLICK_SECONDS} s"
    return Comparison(what, Verdict("times that without", ratio, at_most=BESIDE_AT_MOST), details)


@dataclass
class Clicks:
    """Pages that people ask for, and how they were answered."""

    server: Server
    cookies: list[str] = field(repr=False)
    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)

    def click(self, number: int) -> None:
        """Ask for the next page, as the next of them."""
        path, cookie = PATHS[number % len(PATHS)], self.cookies[number % PEOPLE]
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=ANSWER_SECONDS_MAX)
        started = time.perf_counter()
        try:
            connection.request("GET", path, headers={"Cookie": cookie})
            response = connection.getresponse()
            response.read()
            self.statuses[response.status] += 1
            self.milliseconds.append((time.perf_counter() - started) * 1000)
        finally:
            connection.close()


def _get(connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> bytes:
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise BenchmarkError(f"{path} was answered {response.status}")
    return body
