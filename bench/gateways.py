"""The gateways, each as `tokenry gateway` configures it, with a service behind it and somebody who verifies."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchmarkError
from bench.machine import find_program
from bench.servers import Server, free_port, running, wait_until_ready
from tokenry.operator.gateway import FILES, Gateway

_TOKENRY = str(Path(sys.executable).with_name("tokenry"))


@contextmanager
def run_gateway(
    name: Gateway, folder: Path, core: int | None, *, service: Server, verifier: Server, policy: Sequence[str]
) -> Iterator[Server]:
    """Run a gateway with its recipe, on one core or on all; `policy` are options of `tokenry gateway`."""
    folder.mkdir()
    port = free_port()
    addresses = ["--listen", f"127.0.0.1:{port}", "--upstream", service.url, "--verifier", verifier.url]
    for file in FILES[name]:
        printed = subprocess.run(
            [_TOKENRY, "gateway", name, *addresses, *policy, "--file", file],
            capture_output=True,
            text=True,
            check=False,
        )
        if printed.returncode:
            raise BenchmarkError(f"tokenry gateway failed: {printed.stderr}")
        (folder / file).write_text(printed.stdout, "utf-8")
    program = Path(sys.executable).with_name(str(name))
    command = [str(program) if program.exists() else find_program(name), *ARGUMENTS[name](folder)]
    log_file = folder / "log"
    with running(command, core, log_file, folder) as process:
        server = Server(name, process, port, log_file, (service, verifier))
        wait_until_ready(server)
        yield server


def _nginx(folder: Path) -> Sequence[str]:
    """Around the recipe, which is a file for conf.d, is what every installation has."""
    temporary = "\n".join(f"{name}_temp_path {folder}/{name};" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"""
        daemon off; master_process off; pid {folder}/pid; error_log stderr notice;
        events {{ worker_connections 1024; }}
        http {{ access_log off; client_body_temp_path {folder}/body; {temporary} include {folder}/tokenry.conf; }}
        """,
        "utf-8",
    )
    return "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")


def _caddy(folder: Path) -> Sequence[str]:
    """Without the port for administration, which is the same for every Caddy of a machine."""
    main = folder / "main"
    main.write_text("{\n\tadmin off\n\tpersist_config off\n}\nimport Caddyfile\n", "utf-8")
    return "run", "--config", str(main), "--adapter", "caddyfile"


ARGUMENTS: dict[Gateway, Callable[[Path], Sequence[str]]] = {
    Gateway.NGINX: _nginx,
    Gateway.HAPROXY: lambda folder: ("-db", "-f", str(folder / "haproxy.cfg")),
    Gateway.CADDY: _caddy,
    Gateway.TRAEFIK: lambda folder: ("--configFile", str(folder / "traefik.yml")),
    Gateway.ENVOY: lambda folder: (
        *("--config-path", str(folder / "envoy.yaml")),
        *("--use-dynamic-base-id", "--disable-hot-restart", "--log-level", "warning"),
    ),
}
"""How each is started from the files of its recipe, in a folder of its own and beside others of its kind."""
