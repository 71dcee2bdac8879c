"""`tokenry gateway` prints recipes; tests/gateways runs what it prints."""

import re
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from typer.testing import CliRunner

from tests.conftest import App
from tests.gateways.parts import HttpServer
from tests.servers import tokenry
from tokenry.operator.gateway import FILES, Address, Gateway, render
from tokenry.operator.gateway import app as gateway

ROOT = Path(__file__).parents[2]
EACH_FILE = [(name, file) for name in Gateway for file in FILES[name]]


def test_printing_needs_no_installation_and_leaves_none(tmp_path: Path) -> None:
    variables = {
        "TOKENRY_DATA_DIR": str(tmp_path / "data"),
        "TOKENRY_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x",
    }
    printed = tokenry("gateway", "nginx", variables=variables)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "file"), EACH_FILE)
def test_everything_that_was_asked_for_is_filled_in(name: Gateway, file: str) -> None:
    arguments = [
        "--verifier",
        "http://verifier.test:1111",
        "--upstream",
        "http://[::1]:2222/",
        "--listen",
        "10.0.0.1:3333",
    ]
    policy = ["--scope", "linodes:read_only,account:read_write", "--scope", "*", "--resource", "vpc"]
    printed = CliRunner().invoke(gateway, [name, "--file", file, *arguments, *policy]).stdout
    assert re.findall(r"__\w+__", printed) == []
    template = (ROOT / "deploy" / name / file).read_text("utf-8")
    for placeholder, value in {
        "VERIFIER": "verifier.test:1111",
        "VERIFIER_HOST": "verifier.test",
        "UPSTREAM": "[::1]:2222",
        "UPSTREAM_HOST": "::1",
        "UPSTREAM_PORT": "2222",
        "LISTEN": "10.0.0.1:3333",
        "POLICY": "scope=linodes:read_only,account:read_write&scope=*&resource=vpc",
    }.items():
        assert (f"__{placeholder}__" in template) <= (value in printed)


@pytest.mark.parametrize("name", [name for name in Gateway if name is not Gateway.TRAEFIK])
def test_socket_of_the_verifier_is_written_as_each_gateway_writes_it(name: Gateway) -> None:
    command = [name, "--verifier", "unix:/run/tokenry/a_b-1.sock", "--file"]
    printed = "".join(CliRunner().invoke(gateway, [*command, file]).stdout for file in FILES[name])
    written = {
        Gateway.NGINX: "server unix:/run/tokenry/a_b-1.sock;",
        Gateway.CADDY: "forward_auth unix//run/tokenry/a_b-1.sock {",
        Gateway.ENVOY: 'address: {pipe: {path: "/run/tokenry/a_b-1.sock"}}',
        Gateway.HAPROXY: 'DESTINATION = "unix@/run/tokenry/a_b-1.sock"',
    }
    assert written[name] in printed
    assert "8470" not in printed


def test_gateway_that_cannot_ask_by_a_socket_says_so() -> None:
    printed = CliRunner().invoke(gateway, ["traefik", "--verifier", "unix:/run/tokenry/tokenry.sock"])
    assert (printed.exit_code, printed.stdout) == (2, "")
    assert "traefik cannot ask by a unix socket" in " ".join(printed.stderr.split())


@pytest.mark.parametrize("name", Gateway)
def test_recipe_has_every_address_and_the_policy(name: Gateway) -> None:
    recipe = "".join((ROOT / "deploy" / name / file).read_text("utf-8") for file in FILES[name])
    for part in ("VERIFIER", "UPSTREAM", "LISTEN", "POLICY"):
        assert re.search(f"__{part}(_HOST|_PORT)?__", recipe)


@pytest.mark.parametrize(
    "command", re.findall(r"\$ tokenry gateway ([^>&\n]+)", (ROOT / "docs/gateways.md").read_text("utf-8"))
)
def test_command_of_the_documentation_works(command: str) -> None:
    wire = {"TOKENRY_SCOPES_FILE": str(ROOT / "src/tokenry/storage/catalogue.toml")}
    printed = CliRunner().invoke(gateway, command.split(), env=wire)
    assert (printed.exit_code, printed.stderr) == (0, "")


@pytest.mark.parametrize("name", list(Gateway))
def test_every_gateway_is_in_the_documentation(name: Gateway) -> None:
    assert f"$ tokenry gateway {name} --resource" in (ROOT / "docs/gateways.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--verifier", "https://127.0.0.1:8470"], "--verifier"),
        (["--verifier", "http://127.0.0.1"], "--verifier"),
        (["--verifier", "http://127.0.0.1:8470/verify"], "--verifier"),
        (["--verifier", "unix:tokenry.sock"], "--verifier"),
        (["--verifier", "unix:/run/a;b"], "--verifier"),
        (["--verifier", "unix:/run/a b"], "--verifier"),
        (["--verifier", "unix:/run/a:b"], "--verifier"),
        (["--verifier", "unix:/run/{a}"], "--verifier"),
        (["--verifier", "unix:/run/"], "--verifier"),
        (["--verifier", "unix:/" + "a" * 107], "--verifier"),
        (["--upstream", "unix:/run/a"], "--upstream"),
        (["--upstream", "127.0.0.1:8000"], "--upstream"),
        (["--listen", "8080"], "--listen"),
        (["--listen", ":8080"], "--listen"),
        (["--listen", "127.0.0.1:65536"], "--listen"),
        (["--listen", "127.0.0.1:80;}"], "--listen"),
        (["--listen", "a b:80"], "--listen"),
        (["--listen", "[::1%;}]:80"], "--listen"),
        (["--listen", "[x]:80"], "--listen"),
        (["--scope", ""], "--scope"),
        (["--scope", "linodes"], "--scope"),
        (["--scope", 'linodes:read_only"; }'], "--scope"),
        (["--resource", "linodes:read_only"], "--resource"),
        (["--resource", "a&scope=b"], "--resource"),
        (["--file", "../nginx/tokenry.conf"], "--file"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_by_name(arguments: list[str], option: str) -> None:
    printed = CliRunner().invoke(gateway, ["nginx", *arguments])
    assert (printed.exit_code, printed.stdout) == (2, "")
    assert option in printed.stderr
    assert "such as" in printed.stderr or "nginx has" in printed.stderr


def test_unknown_gateway_is_refused_with_those_there_are() -> None:
    printed = CliRunner().invoke(gateway, ["apache"])
    assert printed.exit_code == 2
    assert all(name in printed.stderr for name in Gateway)


def test_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        render(Gateway.NGINX, FILES[Gateway.NGINX][0], {})


@pytest.mark.parametrize("text", ["127.0.0.1:80", "[::1]:80", "a-b.example:8470"])
def test_address_reads_back_what_it_writes(text: str) -> None:
    assert str(Address.parse(text)) == text
    assert Address.parse_url(f"http://{text}/") == Address.parse(text)


def test_installed_package_has_the_recipes(tmp_path: Path) -> None:
    """From the repository, and from the source package that is made of it."""
    (archive,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path / "sdist"), versions=["standard"])
    with tarfile.open(archive) as files:
        files.extractall(tmp_path, filter="data")
    (unpacked,) = (path for path in tmp_path.iterdir() if path.name != "sdist")
    for number, root in enumerate((ROOT, unpacked)):
        (wheel,) = WheelBuilder(str(root)).build(directory=str(tmp_path / str(number)), versions=["standard"])
        names = zipfile.ZipFile(wheel).namelist()
        assert [name for name in names if name.startswith("tokenry/deploy/")] == sorted(
            f"tokenry/deploy/{name}/{file}" for name, file in EACH_FILE
        )


def test_what_the_service_has_not_is_refused_with_what_may_be_meant(app: App) -> None:
    catalogue = app.client.get("/v4/tokenry/scopes").content
    with HttpServer(200, [("Content-Type", "application/json")], catalogue).running() as server:
        verifier = ("nginx", "--verifier", f"http://127.0.0.1:{server.port}")
        refused = tokenry("gateway", *verifier, "--scope", "linode:read_only", "--resource", "vpcs")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "linode:read_only (did you mean linodes:read_only?)" in refused.stderr
        assert "Unknown resource: vpcs (did you mean vpc?)" in refused.stderr
        assert "linodes:read_only" in tokenry("gateway", *verifier, "--scope", "linodes:read_only").stdout
        assert [request.target for request in server.requests] == ["/v4/tokenry/scopes"] * 2


def test_scopes_file_is_looked_at_in_place_of_the_service(tmp_path: Path) -> None:
    path = tmp_path / "scopes.toml"
    path.write_text('[messages]\ninstances = true\nactions = ["read", "send"]\n', "utf-8")
    for arguments, variables in ((("--scopes-file", str(path)), {}), ((), {"TOKENRY_SCOPES_FILE": str(path)})):
        asked = ("gateway", "nginx", *arguments, "--scope")
        printed = tokenry(*asked, "messages:read@team-7", variables=variables)
        assert (printed.returncode, printed.stderr) == (0, "")
        assert "scope=messages:read@team-7" in printed.stdout
        refused = tokenry(*asked, "messages:sent@team-7", variables=variables)
        assert refused.returncode == 2
        assert "did you mean messages:send@team-7?" in refused.stderr
    broken = tokenry("gateway", "nginx", "--scopes-file", str(tmp_path / "none"), "--scope", "a:b")
    assert broken.returncode == 1
    assert "cannot be read" in broken.stderr


@pytest.mark.parametrize("verifier", ["http://127.0.0.1:1", "unix:/nowhere.sock"])
def test_service_that_does_not_answer_is_no_reason_not_to_print(verifier: str) -> None:
    printed = CliRunner().invoke(gateway, ["nginx", "--verifier", verifier, "--scope", "any:thing"])
    assert (printed.exit_code, "scope=any:thing" in printed.stdout) == (0, True)
    assert "was not checked" in printed.stderr
