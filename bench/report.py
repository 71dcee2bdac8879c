"""Results: medians over the rounds, as a table for people and as JSON with every figure."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path

from bench.chart import Bar, Chart, draw
from bench.load import Run
from bench.measures import Measure
from bench.steady import Waits

RESULTS = Path(__file__).with_name("results")
_PAGE = """\
# Benchmark

![requests a second](latest.svg)

{date}, by `make bench`. Medians of {rounds} rounds of {seconds} s each and of their ratios, in turns: all servers on
one core, wrk on another with {connections} keep-alive connections and another token in each request.

## Behind gateways

What a user of a gateway meets: each gateway with its recipe, a service behind it, and tokenry; then with nginx in
tokenry's place, which answers a static 200. Where two figures stand, the first is with tokenry. Requests, and their
median and 99th percentile, are as fast as they go; the last three columns are at a steady rate, half of what tokenry
reached. On all cores wrk is beside the servers.

{behind}
## Questions and others

What is asked of tokenry alone: first what gateways ask; no recipe asks plain `GET /verify`. nginx (one worker) answers
the same requests with a static 200 and the headers of `/verify`. CPU is the server's, for one request. Busy is the
server's part of its core: where it is well below 100%, other processes or the load held it up, and the ratio by CPU
says more than the one by requests.

{table}
## Reached

{verdict}
Machine: {machine}.

Versions: {versions}.
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """The medians of several runs."""

    requests_per_second: float
    cpu_microseconds: float
    p50_microseconds: float
    p99_microseconds: float
    server_busy: float
    load_busy: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure and what it is to be."""

    what: str
    figure: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def reached(self) -> bool:
        """Whether it is what it is to be."""
        if self.at_least is not None and self.figure < self.at_least:
            return False
        return self.at_most is None or self.figure <= self.at_most

    def __str__(self) -> str:
        """The figure, the target, and whether it is reached, in words."""
        limits = [f"at least {self.at_least:g}"] if self.at_least is not None else []
        limits += [f"at most {self.at_most:g}"] if self.at_most is not None else []
        word = f"; {' and '.join(limits)}: {'reached' if self.reached else 'NOT reached'}" if limits else ""
        return f"{self.what} {self.figure:.3f}{word}."


@dataclass(frozen=True, slots=True)
class Comparison:
    """tokenry against itself, or in process: something that is not a ratio to nginx."""

    what: str
    verdict: Verdict
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Result:
    """One measure at one size: the runs of both servers, round by round."""

    measure: Measure
    stored: int
    tokenry: tuple[Run, ...]
    nginx: tuple[Run, ...]

    @property
    def ratio(self) -> float:
        """Requests in a second, of those of nginx."""
        return median_ratio(self.tokenry, self.nginx, by_requests)

    @property
    def cpu_ratio(self) -> float:
        """The same by processor time: what nginx spends on a request, of what tokenry spends."""
        return median_ratio(self.nginx, self.tokenry, by_cpu)

    @property
    def p99_ratio(self) -> float:
        """The 99th percentile of latency, in times of nginx's."""
        return median_ratio(self.tokenry, self.nginx, by_p99)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What was reached of what is to be reached."""
        targets = self.measure.targets
        found = (
            Verdict("requests, of nginx", self.ratio, at_least=targets.requests),
            Verdict("by CPU, of nginx", self.cpu_ratio, at_least=targets.cpu),
            Verdict("p99, times nginx's", self.p99_ratio, at_most=targets.p99),
        )
        return tuple(each for each in found if each.at_least is not None or each.at_most is not None)

    def as_json(self) -> dict[str, object]:
        """Every figure."""
        return {
            "name": self.measure.name,
            "request": self.measure.title,
            "stored_tokens": self.stored,
            "ratio": round(self.ratio, 4),
            "cpu_ratio": round(self.cpu_ratio, 4),
            "p99_ratio": round(self.p99_ratio, 4),
            "verdicts": [{**asdict(each), "reached": each.reached} for each in self.verdicts],
            "tokenry": _figures(self.tokenry),
            "nginx": _figures(self.nginx),
        }


@dataclass(frozen=True, slots=True)
class Behind:
    """One gateway with its recipe, tokenry against a static 200 in its place: all round by round.

    `waits` are those at a steady rate, which is half of the throughput with tokenry.
    """

    gateway: str
    one_core: bool
    tokenry: tuple[Run, ...]
    static: tuple[Run, ...]
    waits: tuple[Waits, ...]
    static_waits: tuple[Waits, ...]

    @property
    def title(self) -> str:
        """What it is in words."""
        return f"{self.gateway}, {'one core' if self.one_core else 'all cores'}"

    @property
    def ratio(self) -> float:
        """Requests in a second, of those with a static 200."""
        return median_ratio(self.tokenry, self.static, by_requests)

    @property
    def added_p50(self) -> float:
        """Milliseconds that the median of waits is more."""
        return statistics.median(ours.p50 - static.p50 for ours, static in self._paired)

    @property
    def added_p99(self) -> float:
        """The same of the 99th percentile."""
        return statistics.median(ours.p99 - static.p99 for ours, static in self._paired)

    @property
    def _paired(self) -> list[tuple[Waits, Waits]]:
        return list(zip(self.waits, self.static_waits, strict=True))

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What was reached; on all cores, where the load is beside the servers, nothing is asked for."""
        return (
            Verdict("requests, of a static 200's", self.ratio, at_least=0.85 if self.one_core else None),
            Verdict("median, ms more", self.added_p50, at_most=0.3 if self.one_core else None),
            Verdict("99th percentile, ms more", self.added_p99, at_most=3 if self.one_core else None),
        )

    def as_json(self) -> dict[str, object]:
        """Every figure."""
        return {
            "gateway": self.gateway,
            "one_core": self.one_core,
            "verdicts": [{**asdict(each), "reached": each.reached} for each in self.verdicts],
            "tokenry": _figures(self.tokenry),
            "static": _figures(self.static),
            "waits": [asdict(each) for each in self.waits],
            "static_waits": [asdict(each) for each in self.static_waits],
        }


def median_ratio(runs: Sequence[Run], others: Sequence[Run], figure: Callable[[Run], float]) -> float:
    """The median of the rounds' own ratios: a machine that is slower for a while is so for both runs of a round."""
    return statistics.median(figure(run) / figure(other) for run, other in zip(runs, others, strict=True))


by_requests: Callable[[Run], float] = attrgetter("requests_per_second")
by_cpu: Callable[[Run], float] = attrgetter("cpu_microseconds")
by_p99: Callable[[Run], float] = attrgetter("p99")


def medians(runs: Sequence[Run]) -> Figures:
    """The median of each figure."""
    return Figures(
        requests_per_second=statistics.median(run.requests_per_second for run in runs),
        cpu_microseconds=statistics.median(run.cpu_microseconds for run in runs),
        p50_microseconds=statistics.median(run.p50 for run in runs),
        p99_microseconds=statistics.median(run.p99 for run in runs),
        server_busy=statistics.median(run.server_busy for run in runs),
        load_busy=statistics.median(run.load_busy for run in runs),
    )


def table(results: Sequence[Result]) -> str:
    """The medians as a Markdown table."""
    head = (
        "request",
        "stored tokens",
        "of nginx",
        "by CPU",
        "tokenry/s",
        "nginx/s",
        "CPU µs",
        "nginx CPU µs",
        "busy",
        "nginx busy",
        "p50 ms",
        "p99 ms",
    )
    rows = []
    for result in results:
        ours, static = medians(result.tokenry), medians(result.nginx)
        rows.append(
            (
                result.measure.title,
                f"{result.stored:,}",
                f"{result.ratio:.3f}",
                f"{result.cpu_ratio:.3f}",
                f"{ours.requests_per_second:,.0f}",
                f"{static.requests_per_second:,.0f}",
                f"{ours.cpu_microseconds:.1f}",
                f"{static.cpu_microseconds:.1f}",
                f"{ours.server_busy:.0%}",
                f"{static.server_busy:.0%}",
                f"{ours.p50_microseconds / 1000:.2f}",
                f"{ours.p99_microseconds / 1000:.2f}",
            )
        )
    return _markdown(head, rows)


def behind_table(behind: Sequence[Behind]) -> str:
    """The medians of those behind gateways as a Markdown table; each figure of tokenry, and of a static 200."""
    head = (
        "gateway",
        "of a static 200",
        "requests/s",
        "CPU µs",
        "p50 ms",
        "p99 ms",
        "at a rate of",
        "p50 ms",
        "p99 ms",
    )
    rows = []
    for each in behind:
        both = medians(each.tokenry), medians(each.static)
        rows.append(
            (
                each.title,
                f"{each.ratio:.3f}",
                " / ".join(f"{one.requests_per_second:,.0f}" for one in both),
                " / ".join(f"{one.cpu_microseconds:.0f}" for one in both),
                " / ".join(f"{one.p50_microseconds / 1000:.2f}" for one in both),
                " / ".join(f"{one.p99_microseconds / 1000:.2f}" for one in both),
                f"{statistics.median(waits.rate for waits in each.waits):,.0f}",
                *(
                    " / ".join(
                        f"{statistics.median(map(figure, waits)):.2f}" for waits in (each.waits, each.static_waits)
                    )
                    for figure in (attrgetter("p50"), attrgetter("p99"))
                ),
            )
        )
    return _markdown(head, rows)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, of whose columns the first has text."""
    lines = [head, ("---", *("---:" for _ in head[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def verdict(behind: Sequence[Behind], results: Sequence[Result], comparisons: Sequence[Comparison]) -> str:
    """What was reached, in words."""
    lines = [f"- behind {each.title}: {one}\n" for each in behind for one in each.verdicts]
    lines += [
        f"- {result.measure.title}, {result.stored:,} stored: {each}\n"
        for result in results
        for each in result.verdicts
    ]
    lines += [f"- {comparison.what}: {comparison.verdict}\n" for comparison in comparisons]
    return "".join(lines)


def write(
    behind: Sequence[Behind],
    results: Sequence[Result],
    comparisons: Sequence[Comparison],
    about: Mapping[str, Mapping[str, object]],
    date: str,
) -> None:
    """Write `latest.json`, `latest.md` and `latest.svg`."""
    RESULTS.mkdir(exist_ok=True)
    compared = [
        {"compared": each.what, **asdict(each.verdict), "reached": each.verdict.reached, "details": dict(each.details)}
        for each in comparisons
    ]
    document = {
        "date": date,
        **about,
        "behind_gateways": [each.as_json() for each in behind],
        "results": [result.as_json() for result in results],
        "comparisons": compared,
    }
    (RESULTS / "latest.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    machine = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in about["machine"].items())
    versions = ", ".join(f"{name} {value}" for name, value in about["versions"].items())
    text = _PAGE.format(
        date=date,
        **about["run"],
        behind=behind_table(behind),
        table=table(results),
        verdict=verdict(behind, results, comparisons),
        machine=machine,
        versions=versions,
    )
    (RESULTS / "latest.md").write_text(text, "utf-8")
    (RESULTS / "latest.svg").write_text(draw(charts(behind, results, comparisons)), "utf-8")


def charts(behind: Sequence[Behind], results: Sequence[Result], comparisons: Sequence[Comparison]) -> list[Chart]:
    """Behind gateways; requests a second of nginx, tokenry and the peers; how many times a peer's; ratios to nginx."""
    verify = next(result for result in results if result.measure.name == "verify")
    peers = [each for each in comparisons if "peer" in each.details and each.what.startswith("GET")]
    rates = [("nginx, static", medians(verify.nginx)), ("tokenry, GET /verify", medians(verify.tokenry))]
    measured = [(name, figures.requests_per_second) for name, figures in rates]
    measured += [(str(each.details["peer"]), float(str(each.details["peer_per_second"]))) for each in peers]
    ratios = [(f"{each.measure.name}, {each.stored:,}", each.ratio) for each in results]
    times = [(str(each.details["peer"]), each.verdict.figure) for each in peers]
    parts = [(each.gateway, each.ratio) for each in behind if each.one_core]
    return [
        Chart(
            "Requests behind a gateway on one core, of those with a static 200",
            [Bar(name, part, f"{part:.2f}") for name, part in parts],
        ),
        Chart("Requests a second on one core", [Bar(name, rate, f"{rate:,.0f}") for name, rate in measured]),
        Chart(
            "tokenry's requests for each of a peer's", [Bar(name, figure, f"{figure:.0f}") for name, figure in times]
        ),
        Chart(
            "Requests, of nginx, by measure and stored tokens",
            [Bar(name, part, f"{part:.2f}") for name, part in ratios],
        ),
    ]


def _figures(runs: Sequence[Run]) -> dict[str, object]:
    return {"median": asdict(medians(runs)), "rounds": [asdict(run) for run in runs]}
