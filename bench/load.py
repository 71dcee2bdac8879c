"""The load: one run of wrk against one server, and what it cost."""

import json
import random
import re
import resource
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchmarkError
from bench.machine import find_program
from bench.measures import Measure
from bench.servers import Server, read_end
from bench.stock import Known

CONNECTIONS = 64
TIMEOUT_SECONDS = 5
_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True, slots=True)
class Run:
    """The figures of one run. Latencies are in microseconds, as wrk saw them.

    The busy parts are of one core each, by processor time. When the server's is well below 1, something else held the
    server up: another process on its core, or the load side. Then the requests in a second say too little of it.
    Of loads that run at once, `load_busy` counts all that ended meanwhile.
    """

    requests: int
    requests_per_second: float
    cpu_microseconds: float
    p50: int
    p99: int
    server_busy: float
    load_busy: float


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked, by a file that `load.lua` reads, and from which core."""

    file: Path
    measure: Measure
    core: int
    connections: int = CONNECTIONS

    def run(self, server: Server, seconds: int) -> Run:
        """Put the load on a server. Raises BenchmarkError for any answer that is not a success."""
        before, load_before = server.cpu_seconds(), _children_cpu_seconds()
        output = self._wrk(server, seconds)
        cpu, load_cpu = server.cpu_seconds() - before, _children_cpu_seconds() - load_before
        found = re.search(r"^FIGURES (\{.*\})$", output, re.MULTILINE)
        if found is None:
            raise BenchmarkError(f"wrk gave no figures: {output}")
        figures = json.loads(found[1])
        errors = {name: number for name, number in figures["errors"].items() if number}
        if server.name == "tokenry" and self.measure.status != 200 and errors.get("status") == figures["requests"]:
            del errors["status"]  # every answer is the refusal that it is to be
        if errors or not figures["requests"]:
            raise BenchmarkError(
                f"{self.measure.name} on {server.name}: {figures['requests']} requests, errors {errors}. "
                f"{read_end(server.log_file)}"
            )
        measured = figures["microseconds"] / 1e6
        return Run(
            requests=figures["requests"],
            requests_per_second=figures["requests"] / measured,
            cpu_microseconds=cpu / figures["requests"] * 1e6,
            p50=figures["p50"],
            p99=figures["p99"],
            server_busy=cpu / measured,
            load_busy=load_cpu / measured,
        )

    def _wrk(self, server: Server, seconds: int) -> str:
        command = [find_program("taskset"), "--cpu-list", str(self.core), find_program("wrk")]
        command += ["--threads", "1", "--connections", str(self.connections), "--duration", f"{seconds}s"]
        command += ["--timeout", f"{TIMEOUT_SECONDS}s", "--latency", "--script", str(_SCRIPT), server.url]
        command += ["--", str(self.file), self.measure.method, self.measure.body]
        run = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + 30,
            start_new_session=True,
        )
        if run.returncode != 0:
            raise BenchmarkError(f"wrk failed: {run.stderr}{run.stdout}")
        return run.stdout


def _children_cpu_seconds() -> float:
    """The processor time of processes that were started here and have ended: between two calls, of wrk alone."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def prepare_load(file: Path, measure: Measure, known: Sequence[Known], core: int) -> Load:
    """Write down every request of a measure: one for each known token."""
    chance = random.Random("load")  # with the seed of the stock, what is made up could be what is stored
    lines = []
    for token in known:
        fields = "".join(f"\t{name}: {value}" for name, value in measure.headers(chance).items())
        if measure.methods:
            fields += f"\tmethod={chance.choice(measure.methods)}"
        lines.append(f"{measure.present(token, chance)} {measure.path_for(token)}{fields}\n")
    file.write_text("".join(lines), "ascii")
    return Load(file, measure, core)
