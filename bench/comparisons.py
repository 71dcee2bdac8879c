"""tokenry against itself: more tokens, changes beside it, noting of uses, two workers; and the verifier in process."""

import asyncio
import http.client
import itertools
import json
import statistics
import time
import timeit
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256

from bench.beside import InThreads
from bench.errors import BenchmarkError
from bench.load import Load, Run
from bench.machine import Cores
from bench.measures import HUGE, SMALL
from bench.report import Comparison, Result, Verdict, by_cpu, by_requests, median_ratio, medians
from bench.servers import ANSWER_SECONDS_MAX, Server, tokenry
from bench.stock import Known, Stock
from tokenry.settings import Settings
from tokenry.verification.cache import Cache
from tokenry.verification.last_used import PRECISION_SECONDS, Uses
from tokenry.verification.verifier import Verifier
from tokenry.wiring import credentials_of, open_installation

REVOCATIONS_PER_SECOND = 10
CREATIONS_PER_SECOND = 50
_NOTING_ROUNDS = 5
_TOKENS = "/v4/profile/tokens"


def compare_sizes(results: Sequence[Result]) -> list[Comparison]:
    """How much throughput is left with 10 million tokens of that with a thousand, each as a ratio to nginx."""
    ratios = {result.stored: result.ratio for result in results if result.measure.name == "verify"}
    if not {SMALL, HUGE} <= set(ratios):
        return []
    verdict = Verdict("throughput that is left", ratios[HUGE] / ratios[SMALL], at_least=0.85)
    return [Comparison(f"GET /verify, {HUGE:,} stored against {SMALL:,}", verdict, {})]


def compare_changes(
    server: Server, load: Load, stock: Stock, *, rounds: int, seconds: int, gateway: Server | None = None
) -> Comparison:
    """Throughput with and without revocations and creations beside it; every revocation must hold at once.

    With a gateway it is the gateway that is asked, also whether a revocation holds. In twice as many rounds as others:
    what it costs varies from one to the next.
    """
    quiet: list[Run] = []
    busy: list[Run] = []
    asked = gateway or server
    changes = Changes(server, asked, load.measure.path_for(stock.known[0]), stock.known, load.core)
    for _ in range(2 * rounds):
        quiet.append(load.run(asked, seconds))
        with changes:
            busy.append(load.run(asked, seconds))
    if changes.stale:
        raise BenchmarkError(f"{changes.stale} of {changes.revoked} revoked tokens were accepted afterwards")
    details = {
        "revoked": changes.revoked,
        "created": changes.created,
        "stale": changes.stale,
        "left_by_cpu": median_ratio(quiet, busy, by_cpu),
        **_rates(quiet=quiet, busy=busy),
    }
    what = (
        f"{'GET /verify' if gateway is None else f'behind {gateway.name}'} with {changes.revoked} revocations and "
        f"{changes.created} creations beside it, {changes.stale} stale answers"
    )
    left = median_ratio(busy, quiet, by_requests)
    least = 0.80 if gateway is None else 0.85
    return Comparison(what, Verdict("throughput that is left", left, at_least=least), details)


def compare_workers(stock: Stock, load: Load, cores: Cores, *, rounds: int, seconds: int) -> list[Comparison]:
    """Two workers against one, in turns: on its core, and on all cores beside the load, free to move and bound to one.

    In twice as many rounds as others: the difference is smaller than what rounds differ by.
    """
    places: dict[str, tuple[int, int | None, tuple[str, ...]]] = {
        "one": (1, cores.server, ()),
        "two on its core": (2, cores.server, ()),
        "two on all cores": (2, None, ()),
        "two, each bound to a core,": (2, None, ("--bind-workers",)),
    }
    runs: dict[str, list[Run]] = {place: [] for place in places}
    with ExitStack() as stack:
        servers = {
            place: stack.enter_context(tokenry(stock.data_dir, core, *options, workers=workers))
            for place, (workers, core, options) in places.items()
        }
        for _ in range(2 * rounds):
            for place, server in servers.items():
                runs[place].append(load.run(server, seconds))
    one = runs["one"]
    return [
        Comparison(
            f"GET /verify, {place} against one worker",
            Verdict("throughput of two workers, of one's", median_ratio(runs[place], one, by_requests), at_least=1),
            {
                **_rates(one=one, two=runs[place]),
                "load_busy_with_one": medians(one).load_busy,
                "load_busy_with_two": medians(runs[place]).load_busy,
            },
        )
        for place in list(places)[1:]
    ]


def compare_noting(stock: Stock, load: Load, cores: Cores) -> Comparison:
    """What it costs to note when tokens are used: the same service with the noting taken out, beside it.

    Both run at once on one core, each under a load of its own, so that both meet the same machine: between turns it
    differs by more than is to be seen. Each run begins with tokens that nobody has used for a while, so all of them are
    noted and written down in it. With half of the time after which they are noted again, half of a core each, and the
    caches of the processor shared, it shows more than it costs in the long run.
    """
    seconds = PRECISION_SECONDS // 2
    noting: list[Run] = []
    without: list[Run] = []
    for _ in range(_NOTING_ROUNDS):
        with (
            tokenry(stock.data_dir, cores.server) as usual,
            tokenry(stock.data_dir, cores.server, module="bench.unnoted") as unnoted,
            ThreadPoolExecutor(2) as pool,
        ):
            for runs, run in zip(
                (noting, without), pool.map(load.run, (usual, unnoted), (seconds, seconds)), strict=True
            ):
                runs.append(run)
    verdict = Verdict("throughput that is left", median_ratio(noting, without, by_requests), at_least=0.97)
    details = {"left_by_cpu": median_ratio(without, noting, by_cpu), **_rates(noting=noting, without=without)}
    return Comparison("GET /verify, noting when tokens are used", verdict, details)


def measure_in_process(stock: Stock) -> list[Comparison]:
    """`Verifier.verify` of remembered tokens as a function call, beside one SHA-256 of a token."""
    installation = open_installation(Settings(data_dir=stock.data_dir))
    database = installation.database
    verifier = Verifier(
        credentials_of(database), installation.peppers, cache=Cache(database.epoch.changed), uses=Uses(database)
    )
    headers = [f"Bearer {known.secret}" for known in stock.known[:1000]]
    texts = [known.secret.encode("ascii") for known in stock.known[:1000]]
    try:
        if any(asyncio.run(verifier.verify(header)).denial for header in headers[:5]):
            raise BenchmarkError("a stored token was refused in process")
        verify = _microseconds(_drive, [(verifier, header) for header in headers])
        digest = _microseconds(lambda text: sha256(text).digest(), [(text,) for text in texts])
    finally:
        database.close()
    details = {"sha256_microseconds": digest}
    return [
        Comparison("Verifier.verify in process, remembered", Verdict("microseconds", verify, at_most=3), details),
        Comparison("Verifier.verify in process, in SHA-256 of a token", Verdict("times", verify / digest), details),
    ]


def _drive(verifier: Verifier, header: str) -> None:
    """Run a verification that does not wait, as an event loop would, without the event loop."""
    try:
        verifier.verify(header).send(None)
    except StopIteration:
        return
    raise BenchmarkError("a remembered token was waited for")


def _microseconds(call: Callable[..., object], arguments: Sequence[tuple[object, ...]]) -> float:
    """The median time of one call, over all of these arguments; the loop around it counts as its own."""

    def work() -> None:
        for each in arguments:
            call(*each)

    work()
    return statistics.median(timeit.repeat(work, number=5, repeat=31)) / 5 / len(arguments) * 1e6


def _rates(**runs: Sequence[Run]) -> dict[str, object]:
    """Requests in a second, round by round."""
    return {f"{name}_per_second": list(map(by_requests, each)) for name, each in runs.items()}


@dataclass
class Changes(InThreads):
    """Revocations and creations at a steady rate for the length of a block, from a thread on the core of the load.

    Each revoked token is presented again at once, on another connection to `asked`; `stale` counts those accepted.
    """

    server: Server
    asked: Server
    path: str
    known: Sequence[Known]
    core: int
    revoked: int = 0
    created: int = 0
    stale: int = 0
    _made: list[tuple[int, str]] = field(default_factory=list)

    def _run(self) -> None:
        connections = [
            http.client.HTTPConnection("127.0.0.1", each.port, timeout=ANSWER_SECONDS_MAX)
            for each in (self.server, self.asked)
        ]
        started, turn = time.monotonic(), CREATIONS_PER_SECOND // REVOCATIONS_PER_SECOND
        for number in itertools.count(1):
            if self._stop.wait(max(0.0, started + number / CREATIONS_PER_SECOND - time.monotonic())):
                break
            self._create(connections[0])
            if number % turn == 0:
                self._revoke(*connections)
        for connection in connections:
            connection.close()

    def _create(self, connection: http.client.HTTPConnection) -> None:
        status, body = ask(connection, "POST", _TOKENS, self.known[0].secret, '{"label": "beside"}')
        if status != 200:
            raise BenchmarkError(f"a creation was answered {status}")
        made = json.loads(body)
        self._made.append((made["id"], made["token"]))
        self.created += 1

    def _revoke(self, connection: http.client.HTTPConnection, other: http.client.HTTPConnection) -> None:
        token_id, secret = self._made.pop(0)
        if ask(other, "GET", self.path, secret)[0] != 200:
            raise BenchmarkError("a new token was refused")
        if ask(connection, "DELETE", f"{_TOKENS}/{token_id}", self.known[0].secret)[0] != 200:
            raise BenchmarkError("a revocation was refused")
        self.revoked += 1
        self.stale += ask(other, "GET", self.path, secret)[0] != 401


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    secret: str,
    body: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Ask once, on a connection that is kept; the status and the body."""
    sent = {"Authorization": f"Bearer {secret}", **(headers or {})}
    connection.request(method, path, body, {**sent, "Content-Type": "application/json"} if body else sent)
    response = connection.getresponse()
    return response.status, response.read()
