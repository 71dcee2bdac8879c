"""`python -m bench`: measure, print the table, and write it into bench/results."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import report
from bench.behind import compare_gateways
from bench.client import compare_client
from bench.comparisons import compare_changes, compare_noting, compare_sizes, compare_workers, measure_in_process
from bench.console import compare_console
from bench.errors import BenchmarkError
from bench.lists import compare_lists
from bench.load import CONNECTIONS, prepare_load
from bench.machine import Cores, choose_cores, describe_machine, describe_versions
from bench.measures import LARGE, MEASURES, SMALL, VERIFY, Measure, check_static
from bench.oauth import compare_oauth
from bench.on_postgres import compare_postgres
from bench.pages import compare_pages
from bench.peers.comparison import compare_peers, require_peers
from bench.servers import Server, nginx, tokenry
from bench.stock import Stock, fill

WARM_UP_SECONDS = 1
ROUNDS = 5
BEHIND = "behind"
"""What is named to measure behind gateways."""
OAUTH = "oauth"
"""What is named to measure what applications are given, and their tokens."""
CONSOLE = "console"
"""What is named to measure pages for people."""
SECONDS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, and for how long."""

    measures: tuple[Measure, ...]
    rounds: int = ROUNDS
    seconds: int = SECONDS
    quick: bool = False
    behind: bool = True
    """Whether to measure behind gateways."""
    oauth: bool = True
    """Whether to measure what applications are given."""
    console: bool = True
    """Whether to measure pages for people."""

    @property
    def compares(self) -> bool:
        """Whether tokenry is compared with itself: whenever plain verification is measured."""
        return VERIFY in self.measures

    @property
    def sizes(self) -> list[int]:
        """Every number of stored tokens that is needed, the smallest first."""
        sizes = {size for measure in self.measures for size in self.sizes_of(measure)}
        return sorted(sizes | ({self.behind_size} if self.behind else set()))

    @property
    def behind_size(self) -> int:
        """The number of stored tokens behind gateways."""
        return SMALL if self.quick else LARGE

    def sizes_of(self, measure: Measure) -> tuple[int, ...]:
        """The numbers of stored tokens at which to take a measure."""
        return (SMALL,) if self.quick else measure.sizes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status says whether there are figures, not what they are."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    names = [BEHIND, OAUTH, CONSOLE, *(measure.name for measure in MEASURES)]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="measure", help=f"of {', '.join(names)}; all without any")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 s with 1 thousand tokens; writes nothing")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is measured (default: 5)")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long each round takes (default: 3)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(names))
    if unknown:
        parser.error(f"no such measure: {', '.join(unknown)}; there are {', '.join(names)}")
    chosen = tuple(measure for measure in MEASURES if not options.names or measure.name in options.names)
    behind, oauth, console = (not options.names or name in options.names for name in (BEHIND, OAUTH, CONSOLE))
    plan = (
        Plan(chosen, rounds=2, seconds=1, quick=True, behind=behind, oauth=oauth, console=console)
        if options.quick
        else Plan(chosen, options.rounds, options.seconds, behind=behind, oauth=oauth, console=console)
    )
    try:
        _run(plan, complete=not options.quick and not options.names)
    except BenchmarkError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    return 0


def _run(plan: Plan, *, complete: bool) -> None:
    """Measure everything that is planned. Only a complete run is written down."""
    started = time.monotonic()
    if plan.compares or plan.oauth:
        require_peers(all_of_them=plan.compares)
    cores = choose_cores()
    results: list[report.Result] = []
    comparisons: list[report.Comparison] = []
    behind: list[report.Behind] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        about: dict[str, Mapping[str, object]] = {
            "machine": describe_machine(folder),
            "versions": describe_versions(),
            "run": {"rounds": plan.rounds, "seconds": plan.seconds, "connections": CONNECTIONS},
        }
        with nginx(folder / "nginx", cores.server) as static:
            for stored in plan.sizes:
                _say(f"storing {stored:,} tokens")
                stock = fill(folder / f"data-{stored}", stored)
                results += _measure_size(plan, stock, static, cores)
                if plan.compares and stored == plan.sizes_of(VERIFY)[min(1, len(plan.sizes_of(VERIFY)) - 1)]:
                    comparisons += _compare(plan, stock, cores)
                if plan.behind and stored == plan.behind_size:
                    _say("comparing: behind gateways")
                    behind, changes = compare_gateways(
                        stock,
                        cores,
                        folder / "behind",
                        rounds=plan.rounds,
                        seconds=plan.seconds,
                        one_core_only=plan.quick,
                        say=_say,
                    )
                    comparisons.append(changes)
                if plan.compares and stored == SMALL:
                    comparisons += _compare_peers(plan, stock, cores)
                    _say("comparing: the client")
                    comparisons += compare_client(folder, cores, rounds=plan.rounds)
                    _say("comparing: revocations beside lists")
                    comparisons.append(compare_lists(folder, cores))
                shutil.rmtree(stock.data_dir)
            if plan.compares and not plan.quick:
                _say("comparing: PostgreSQL")
                comparisons += compare_postgres(
                    folder / "postgres", static, cores, rounds=plan.rounds, seconds=plan.seconds
                )
        comparisons += _compare_faces(plan, folder, cores)
        if plan.compares and not plan.quick:
            _say("comparing: lists, pages and exports")
            comparisons += compare_pages(folder / "pages")
    comparisons += compare_sizes(results)
    tables = [report.behind_table(behind)] * bool(behind) + [report.table(results)] * bool(results)
    print("", *tables, report.verdict(behind, results, comparisons), sep="\n")
    if complete:
        report.write(behind, results, comparisons, about, datetime.now(UTC).isoformat(timespec="seconds"))
        _say("written to bench/results: latest.md, latest.svg and latest.json")
    _say(f"took {time.monotonic() - started:.0f} s")


def _compare_faces(plan: Plan, folder: Path, cores: Cores) -> list[report.Comparison]:
    """Compare what is for applications, and what for people."""
    comparisons: list[report.Comparison] = []
    if plan.oauth:
        _say("comparing: applications and sign-ins")
        comparisons += compare_oauth(folder, cores, rounds=plan.rounds, seconds=plan.seconds)
    if plan.console:
        _say("comparing: the console")
        comparisons += compare_console(folder, cores, rounds=plan.rounds, seconds=plan.seconds)
    return comparisons


def _compare(plan: Plan, stock: Stock, cores: Cores) -> list[report.Comparison]:
    """Compare tokenry with itself, at one size."""
    load = prepare_load(stock.data_dir.with_name("requests"), VERIFY, stock.known, cores.load)
    rounds, seconds = plan.rounds, plan.seconds
    _say("comparing: in process, changes beside, noting, workers")
    found = measure_in_process(stock)
    with tokenry(stock.data_dir, cores.server) as server:
        load.run(server, WARM_UP_SECONDS)
        found.append(compare_changes(server, load, stock, rounds=rounds, seconds=seconds))
    if not plan.quick:
        found.append(compare_noting(stock, load, cores))
    found += compare_workers(stock, load, cores, rounds=rounds, seconds=seconds)
    return found


def _compare_peers(plan: Plan, stock: Stock, cores: Cores) -> list[report.Comparison]:
    """Compare tokenry with others that verify tokens."""
    folder = stock.data_dir.with_name("peers")
    folder.mkdir()
    load = prepare_load(folder / "requests", VERIFY, stock.known, cores.load)
    _say("comparing: peers")
    with tokenry(stock.data_dir, cores.server) as server:
        load.run(server, WARM_UP_SECONDS)
        return compare_peers(server, load, cores, folder, rounds=plan.rounds, seconds=plan.seconds)


def _measure_size(plan: Plan, stock: Stock, static: Server, cores: Cores) -> list[report.Result]:
    """Take every measure that is planned at one size, all on the same server."""
    with tokenry(stock.data_dir, cores.server) as server:
        check_static(static, server, stock.known[0])
        return [
            _measure(plan, measure, stock, (server, static), cores.load)
            for measure in plan.measures
            if stock.stored in plan.sizes_of(measure)
        ]


def _measure(
    plan: Plan, measure: Measure, stock: Stock, servers: tuple[Server, Server], load_core: int
) -> report.Result:
    """Measure tokenry and nginx in turns, so that whatever else the machine does falls on both."""
    server, static = servers
    measure.check(server, stock.known)
    load = prepare_load(stock.data_dir.with_name("requests"), measure, stock.known, load_core)
    for each in servers:
        load.run(each, WARM_UP_SECONDS)
    ours = []
    theirs = []
    for number in range(1, plan.rounds + 1):
        theirs.append(load.run(static, plan.seconds))
        ours.append(load.run(server, plan.seconds))
        _say(
            f"{measure.name}, {stock.stored:,} stored, round {number} of {plan.rounds}: "
            f"{ours[-1].requests_per_second:,.0f}/s, nginx {theirs[-1].requests_per_second:,.0f}/s"
        )
    measure.check(server, stock.known)
    return report.Result(measure, stock.stored, tuple(ours), tuple(theirs))


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
