"""Applications: what their tokens cost at `/verify`, how many tokens they are given, and sign-ins beside it."""

import http.client
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from argon2 import PasswordHasher

from bench.beside import Paced, time_beside
from bench.load import Load, Run, prepare_load
from bench.machine import Cores
from bench.measures import SMALL, VERIFY
from bench.oauth_stock import Applications, let_in
from bench.peers.comparison import NODE, PROGRAMS
from bench.report import Comparison, Verdict, by_cpu, by_requests, median_ratio, medians
from bench.servers import ANSWER_SECONDS_MAX, Server, peer_server, tokenry
from bench.stock import Known, Stock, fill
from tokenry.domain.accounts import Origin
from tokenry.settings import Settings
from tokenry.storage.passwords import set_password
from tokenry.wiring import open_installation

OF_PERSONAL_AT_LEAST = 0.98
OF_PEER_AT_LEAST = 3
SIGN_INS_PER_SECOND = 20
BESIDE_AT_MOST = 1.5
CODES_PER_SECOND_MAX = 4000
"""More than any server here exchanges: each run has codes of its own."""
_PASSWORD = "correct horse battery staple"
_USER = "user-00000"
_FIELD = re.compile(r'name="form_token" value="([^"]+)"')
_THREADS = 40


def compare_oauth(folder: Path, cores: Cores, *, rounds: int, seconds: int) -> list[Comparison]:
    """Compare access tokens with personal ones, the token endpoint with a peer's, and a calm service with sign-ins."""
    stock = fill(folder / "data-oauth", SMALL)
    codes = CODES_PER_SECOND_MAX * (rounds * seconds + 1)
    applications = let_in(stock, codes=codes)
    _give_password(stock)
    personal = prepare_load(folder / "personal", VERIFY, stock.known, cores.load)
    access = prepare_load(folder / "access", VERIFY, applications.tokens, cores.load)
    with tokenry(stock.data_dir, cores.server, "--rate-limit-sign-in", "0") as server:
        return [
            _compare_tokens(
                server, (personal, stock.known), (access, applications.tokens), rounds=rounds, seconds=seconds
            ),
            *_compare_endpoints(server, applications, folder, cores, rounds=rounds, seconds=seconds),
            _compare_sign_ins(server, personal, cores, rounds=rounds, seconds=seconds),
        ]


def _compare_tokens(
    server: Server,
    personal: tuple[Load, Sequence[Known]],
    access: tuple[Load, Sequence[Known]],
    *,
    rounds: int,
    seconds: int,
) -> Comparison:
    """`/verify` with access tokens against personal ones, in turns; in twice as many rounds as others."""
    runs: dict[str, list[Run]] = {"personal": [], "access": []}
    for load, known in (personal, access):
        load.measure.check(server, tuple(known))
        load.run(server, 1)
    for _ in range(2 * rounds):
        runs["personal"].append(personal[0].run(server, seconds))
        runs["access"].append(access[0].run(server, seconds))
    left = median_ratio(runs["access"], runs["personal"], by_requests)
    details = {
        "left_by_cpu": median_ratio(runs["personal"], runs["access"], by_cpu),
        **{f"{name}_per_second": list(map(by_requests, each)) for name, each in runs.items()},
    }
    return Comparison(
        "GET /verify, access tokens against personal ones",
        Verdict("throughput that is left", left, at_least=OF_PERSONAL_AT_LEAST),
        details,
    )


def _compare_endpoints(
    server: Server, applications: Applications, folder: Path, cores: Cores, *, rounds: int, seconds: int
) -> list[Comparison]:
    """Tokens that are given in a second against oidc-provider's, which keeps all in memory; both have made codes."""
    files = [folder / f"oidc-provider.{name}" for name in ("itself", "codes")]
    command = [NODE, str(PROGRAMS / "node/oidc-provider-tokens.js"), *map(str, files), str(len(applications.codes))]
    with peer_server("oidc-provider", command, cores.server, folder / "oidc-provider.log") as peer:
        itself, codes = (file.read_text("ascii").splitlines(keepends=True) for file in files)
        kinds = {
            "client credentials": ([applications.itself], itself),
            "code exchanges": (applications.codes, codes),
        }
        return [
            _compare_endpoint(
                name,
                (server, _Requests(folder / "ours", ours, cores.load)),
                (peer, _Requests(folder / "theirs", theirs, cores.load)),
                rounds=rounds,
                seconds=seconds,
            )
            for name, (ours, theirs) in kinds.items()
        ]


def _compare_endpoint(
    name: str, ours: "tuple[Server, _Requests]", theirs: "tuple[Server, _Requests]", *, rounds: int, seconds: int
) -> Comparison:
    runs: list[list[Run]] = [[], []]
    for server, requests in (ours, theirs):
        requests.run(server, 1)
    for _ in range(rounds):
        for found, (server, requests) in zip(runs, (ours, theirs), strict=True):
            found.append(requests.run(server, seconds))
    one, other = (medians(each).requests_per_second for each in runs)
    ratio = median_ratio(runs[0], runs[1], by_requests)
    return Comparison(
        f"{name} against oidc-provider in memory",
        Verdict("times its requests", ratio, at_least=OF_PEER_AT_LEAST),
        {
            "tokenry_per_second": one,
            "peer_per_second": other,
            "times_by_cpu": median_ratio(runs[1], runs[0], by_cpu),
            "tokenry_busy": medians(runs[0]).server_busy,
        },
    )


@dataclass
class _Requests:
    """Requests of a token endpoint, of which each run takes its own, unless there is one alone."""

    file: Path
    lines: Sequence[str] = field(repr=False)
    core: int
    _used: int = 0

    def run(self, server: Server, seconds: int) -> Run:
        """Put them on a server. Raises BenchmarkError where one is refused, also since it came twice."""
        wanted = CODES_PER_SECOND_MAX * seconds
        lines = self.lines if len(self.lines) == 1 else self.lines[self._used : self._used + wanted]
        self._used += wanted
        self.file.write_text("".join(lines), "ascii")
        return Load(self.file, replace(VERIFY, name="token", method="POST"), self.core).run(server, seconds)


def _compare_sign_ins(server: Server, load: Load, cores: Cores, *, rounds: int, seconds: int) -> Comparison:
    """The 99th percentile of `/verify` at a steady rate, beside sign-ins and without."""
    sign_ins = SignIns.at(server)
    paced = Paced(sign_ins.sign_in, SIGN_INS_PER_SECOND, _THREADS, cores.load)
    ratio, figures = time_beside(server, load, paced, rounds=rounds, seconds=seconds)
    details = {
        **figures,
        "signed_in_per_second": sign_ins.statuses[303] / paced.seconds,
        "statuses": dict(sign_ins.statuses),
    }
    what = f"p99 of GET /verify beside {SIGN_INS_PER_SECOND} sign-ins a second"
    return Comparison(what, Verdict("times that without", ratio, at_most=BESIDE_AT_MOST), details)


@dataclass
class SignIns:
    """Sign-ins by the form, and how they were answered: where the service has too many to compare, it says so."""

    server: Server
    form: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    statuses: Counter[int] = field(default_factory=Counter)

    @classmethod
    def at(cls, server: Server) -> Self:
        """Fill in the form of a service."""
        page = server.ask("GET", "/sign-in")
        found = _FIELD.search(page.body.decode("utf-8"))
        assert found is not None
        cookie = page.headers["set-cookie"].partition(";")[0]
        form = urlencode({"name": _USER, "password": _PASSWORD, "form_token": found[1]})
        return cls(server, form, {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"})

    def sign_in(self, _number: int) -> None:
        """Send it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=2 * ANSWER_SECONDS_MAX)
        try:
            connection.request("POST", "/sign-in", self.form, dict(self.headers))
            self.statuses[connection.getresponse().status] += 1
        finally:
            connection.close()


def _give_password(stock: Stock) -> None:
    """Give a user a password, hashed as the service does by default."""
    settings = Settings(data_dir=stock.data_dir)
    work = settings.hash_work
    hasher = PasswordHasher(time_cost=work.rounds, memory_cost=work.memory_kib, parallelism=work.lanes)
    installation = open_installation(settings)
    try:
        transactions = installation.transactions
        with transactions.change(Origin("benchmark")) as change:
            set_password(change.connection, 1, hasher.hash(_PASSWORD), change.now)
    finally:
        installation.database.close()
