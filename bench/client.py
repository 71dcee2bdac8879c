"""The client: what it costs to start, and to go through a long list."""

import http.client
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.errors import BenchmarkError
from bench.machine import Cores
from bench.report import Comparison, Verdict
from bench.servers import Server, tokenry
from bench.stock import fill
from tokenry.client import Client

LISTED = 10_000
PAGE_SIZE = 500
_STARTS = 21
_NOTHING = (sys.executable, "-c", "pass")
_HELP = (str(Path(sys.executable).with_name("tokenry")), "--help")
_IMPORT = (sys.executable, "-c", "import tokenry.client")


def compare_client(folder: Path, cores: Cores, *, rounds: int) -> list[Comparison]:
    """Starting, in times of a Python that does nothing; listing, in memory and in time. Raises BenchmarkError."""
    found = _compare_starts()
    stock = fill(folder / "listed", LISTED, tokens_per_user=LISTED)
    with tokenry(stock.data_dir, cores.server) as server:
        found += _compare_listing(server, stock.known[0].secret, rounds)
    return found


def _compare_starts() -> list[Comparison]:
    """Medians of many starts, in turns."""
    seconds: dict[Sequence[str], list[float]] = {command: [] for command in (_NOTHING, _HELP, _IMPORT)}
    for _ in range(_STARTS):
        for command, times in seconds.items():
            started = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            times.append(time.perf_counter() - started)
    nothing, help_, import_ = (statistics.median(times) for times in seconds.values())
    details = {"python_milliseconds": nothing * 1000}
    return [
        Comparison("tokenry --help, in python -c pass", Verdict("times", help_ / nothing, at_most=3), details),
        Comparison("import tokenry.client, in python -c pass", Verdict("times", import_ / nothing), details),
    ]


def _compare_listing(server: Server, secret: str, rounds: int) -> list[Comparison]:
    """Memory against that for one page; time against reading the same pages and no more."""
    with Client(server.url, secret) as client:
        one, all_ = (_peak_bytes(_first(client, number)) for number in (PAGE_SIZE, LISTED))
        ours: list[float] = []
        bare: list[float] = []
        for _ in range(rounds):
            ours.append(_seconds(_first(client, LISTED)))
            bare.append(_seconds(_read_pages(server, secret)))
    return [
        Comparison(
            f"listing {LISTED:,} tokens, memory against {PAGE_SIZE}",
            Verdict("times", all_ / one, at_most=1.5),
            {"peak_bytes": all_},
        ),
        Comparison(
            f"listing {LISTED:,} tokens, against reading the pages with http.client",
            Verdict("times", statistics.median(ours) / statistics.median(bare)),
            {"seconds": statistics.median(ours)},
        ),
    ]


def _first(client: Client, number: int) -> Iterable[object]:
    tokens = client.tokens.list(page_size=PAGE_SIZE)
    for count, token in enumerate(tokens, start=1):
        yield token
        if count == number:
            return
    raise BenchmarkError(f"{number} tokens were to be listed, and there were fewer")


def _read_pages(server: Server, secret: str) -> Iterable[object]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for page in range(1, LISTED // PAGE_SIZE + 1):
        connection.request(
            "GET",
            f"/v4/profile/tokens?page={page}&page_size={PAGE_SIZE}",
            headers={"Authorization": f"Bearer {secret}"},
        )
        yield from json.loads(connection.getresponse().read())["data"]
    connection.close()


def _seconds(rows: Iterable[object]) -> float:
    started = time.perf_counter()
    for _ in rows:
        pass
    return time.perf_counter() - started


def _peak_bytes(rows: Iterable[object]) -> int:
    tracemalloc.start()
    try:
        _seconds(rows)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
