"""What a user of a gateway meets: each gateway with its recipe, tokenry against a static 200 in its place."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.comparisons import compare_changes
from bench.errors import BenchmarkError
from bench.gateways import run_gateway
from bench.load import Load, Run, prepare_load
from bench.machine import Cores
from bench.measures import VERIFY
from bench.report import Behind, Comparison, medians
from bench.servers import Server, nginx, tokenry
from bench.steady import run_steadily
from bench.stock import Known, Stock
from tokenry.operator.gateway import Gateway

BODY = "from the service"
_ASKED = replace(VERIFY, name="behind", path="/v1/things/{id}?page=2")
_POLICY = ("--resource", "account")
_WARM_UP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """A gateway twice, with one service behind both: one asks tokenry, the other nginx, which answers a static 200."""

    ours: Server
    static: Server


Start = Callable[[Gateway], AbstractContextManager[Pair]]


def compare_gateways(
    stock: Stock,
    cores: Cores,
    folder: Path,
    *,
    rounds: int,
    seconds: int,
    one_core_only: bool,
    say: Callable[[str], None],
) -> tuple[list[Behind], Comparison]:
    """Throughput and waits behind each gateway, all on one core and then on all; nginx with changes beside it."""
    folder.mkdir()
    load = prepare_load(folder / "requests", _ASKED, stock.known, cores.load)
    found: list[Behind] = []
    with _start(stock, cores.server, folder / "one") as start:
        for name in Gateway:
            found.append(_measure(name, start, load, rounds=rounds, seconds=seconds, one_core=True))
            say(f"behind {found[-1].title}: {found[-1].ratio:.3f} of a static 200")
        with start(Gateway.NGINX) as pair:
            _, server = pair.ours.others
            changes = compare_changes(server, load, stock, rounds=rounds, seconds=seconds, gateway=pair.ours)
    if one_core_only:
        return found, changes
    with _start(stock, None, folder / "all") as start:
        for name in Gateway:
            found.append(_measure(name, start, load, rounds=rounds, seconds=seconds, one_core=False))
            say(f"behind {found[-1].title}: {found[-1].ratio:.3f} of a static 200")
    return found, changes


@contextmanager
def _start(stock: Stock, core: int | None, folder: Path) -> Iterator[Start]:
    """Run the service and both verifiers, on one core or on all; what starts a gateway in front of each verifier."""
    folder.mkdir()
    with ExitStack() as stack:
        service = stack.enter_context(nginx(folder / "service", core, {}, BODY))
        static = stack.enter_context(nginx(folder / "static", core))
        server = stack.enter_context(tokenry(stock.data_dir, core, "--trusted-proxies", "127.0.0.1"))

        @contextmanager
        def start(name: Gateway) -> Iterator[Pair]:
            with ExitStack() as gateways, TemporaryDirectory(dir=folder) as inside:
                ours, theirs = (
                    gateways.enter_context(
                        run_gateway(
                            name, Path(inside) / verifier.name, core, service=service, verifier=verifier, policy=_POLICY
                        )
                    )
                    for verifier in (server, static)
                )
                _check(ours, stock.known[0])
                yield Pair(ours, theirs)

        yield start


def _check(gateway: Server, token: Known) -> None:
    """See that it asks. Raises BenchmarkError."""
    path = _ASKED.path_for(token)
    passed, refused = gateway.ask("GET", path, token.secret), gateway.ask("GET", path)
    if (passed.status, passed.body, refused.status) != (200, BODY.encode(), 401):
        raise BenchmarkError(f"{gateway.name}: {passed.status} with a token, {refused.status} without")


def _measure(name: Gateway, start: Start, load: Load, *, rounds: int, seconds: int, one_core: bool) -> Behind:
    """Throughput in turns; then waits in turns, of both at the rate that is half of our throughput."""
    ours: list[Run] = []
    static: list[Run] = []
    with start(name) as pair:
        for server in (pair.ours, pair.static):
            load.run(server, _WARM_UP_SECONDS)
        for _ in range(rounds):
            static.append(load.run(pair.static, seconds))
            ours.append(load.run(pair.ours, seconds))
        rate = medians(ours).requests_per_second / 2
        waits = [run_steadily(load, (pair.ours, pair.static), rate, seconds) for _ in range(rounds)]
    own, others = zip(*waits, strict=True)
    return Behind(name, one_core, tuple(ours), tuple(static), own, others)
