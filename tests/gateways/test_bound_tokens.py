"""Tokens that are bound to a key, behind the real gateways: opened by a proof for the service's own address alone."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey

from tests.gateways.parts import Answer, Headers, ask, bearer
from tests.gateways.programs import Running, refused, running
from tests.oauth_making import add_client, give
from tests.servers import Server
from tests.verification.dpop_making import Prover
from tokenry.operator.gateway import Gateway
from tokenry.settings import Settings
from tokenry.wiring import open_installation

ORIGIN, OTHER = "https://api.example", "https://other.example"
PROVER = Prover()
ROOT = Path(__file__).parents[2]
CHALLENGE = 'DPoP realm="tokenry", algs="ES256 Ed25519", error="invalid_dpop_proof"'


@pytest.fixture(scope="module", params=list(Gateway))
def gateway(
    request: pytest.FixtureRequest, service: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Each gateway in turn, in front of a service at ORIGIN."""
    folder = tmp_path_factory.mktemp(request.param) / "gateway"
    with running(request.param, folder, service.port, "--resource", "linodes", "--origin", ORIGIN) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def token(service: Server) -> str:
    return give_bound(service, PROVER.jkt)


def give_bound(service: Server, jkt: str) -> str:
    installation = open_installation(Settings(data_dir=service.data_dir))
    client = add_client(installation.database)
    issued = give(installation.transactions, installation.peppers, client, jkt=jkt)
    installation.database.close()
    return issued.access.reveal()


def proof(token: str, method: str = "GET", address: str = f"{ORIGIN}/a", prover: Prover = PROVER) -> str:
    return prover.prove(method, address, token, iat=int(time.time()))


def with_proof(token: str, *proofs: str) -> Headers:
    return [("Authorization", f"DPoP {token}"), *(("DPoP", text) for text in proofs)]


def test_token_opens_with_a_proof_for_the_service_and_once(gateway: Running, token: str) -> None:
    for target, address in (("/a?b=c", "/a"), ("/a%2fb/c%20d?e", "/a%2Fb/c%20d"), ("/", "")):
        headers = with_proof(token, proof(token, address=ORIGIN + address))
        assert ask(gateway.port, "GET", target, headers).status == 200
        last = gateway.service.last
        assert (last.values("X-Auth-User"), last.values("Authorization"), last.values("DPoP")) == (["admin"], [], [])
        assert challenged(refused(gateway, headers, "GET", target))
    assert refused(gateway, with_proof(token, proof(token, "PUT")), "PUT").status == 403


def challenged(answer: Answer) -> bool:
    return answer.status == 401 and answer.values("WWW-Authenticate") == [CHALLENGE]


def test_token_without_its_proof_opens_nothing(gateway: Running, token: str) -> None:
    for proofs in (
        [],
        ["junk"],
        [proof(token, prover=Prover())],
        [proof(token, "POST")],
        [proof(token, address=f"{ORIGIN}/b")],
        [proof(token, address=f"{OTHER}/a")],
        [proof(token, address=f"http://127.0.0.1:{gateway.port}/a")],
    ):
        assert challenged(refused(gateway, with_proof(token, *proofs)))
    assert refused(gateway, bearer(token)).status == 401
    assert refused(gateway, [*bearer(token), ("DPoP", proof(token))]).status == 401


def test_client_has_no_say_in_what_its_proof_is_for(gateway: Running, token: str) -> None:
    """Whichever way its gateway tells it."""
    said = [("X-Original-URI", "/b"), ("X_Original_URI", "/b"), ("X-Forwarded-Uri", "/b"), ("X-Forwarded-Host", "b")]
    said += [("X-Original-Method", "PUT"), ("X-Forwarded-Method", "PUT"), ("X-Forwarded-Proto", "https")]
    for method, address in (("GET", f"{ORIGIN}/b"), ("PUT", f"{ORIGIN}/a"), ("GET", "https://b/a")):
        headers = [*with_proof(token, proof(token, method, address)), *said]
        assert refused(gateway, headers).status in {400, 401}
        for name in ("X-Original-URI", "X-Forwarded-Uri", "DPoP"):
            assert refused(gateway, [*headers, ("Connection", f"close, {name}")]).status in {400, 401}
    honest = ask(gateway.port, "GET", "/a", [*with_proof(token, proof(token)), *said])
    assert honest.status in {200, 400}


def test_of_two_proofs_none_counts_that_the_gateway_did_not_hand_on(gateway: Running, token: str) -> None:
    """Nginx before 1.23 hands on the first, and no other one gets past it."""
    assert refused(gateway, with_proof(token, "junk", proof(token))).status in {400, 401}
    answer = ask(gateway.port, "GET", "/a", with_proof(token, proof(token), proof(token)))
    assert answer.status in ({200, 401} if gateway.name is Gateway.NGINX else {400, 401})
    if answer.status == 200:
        assert gateway.service.last.values("DPoP") == []


def test_without_an_origin_such_a_token_is_none(running_gateway: Callable[[Gateway], Running], token: str) -> None:
    for name in Gateway:
        answer = refused(running_gateway(name), with_proof(token, proof(token)))
        assert (answer.status, answer.values("WWW-Authenticate")[0].split()[0]) == (401, "Bearer")


def test_commands_of_the_page_are_a_client_of_it(service: Server, tmp_path: Path) -> None:
    """The page on OAuth makes a key and proofs of it; here of nginx, as it is told by the page on gateways."""
    page = (ROOT / "docs" / "oauth.md").read_text("utf-8").partition("## Bind tokens to a key")[2]
    made = re.sub(r"^\$ ", "", page.partition("```console\n")[2].partition("```")[0], flags=re.MULTILINE)
    key = f"{made}\nprintf '%s' \"$X\""
    x = subprocess.run(["bash", "-euc", key], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    token = give_bound(service, OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x}).thumbprint())
    [options] = re.findall(r"tokenry gateway nginx (.*--origin.*)", (ROOT / "docs" / "gateways.md").read_text("utf-8"))
    with running(Gateway.NGINX, tmp_path / "gateway", service.port, *options.split()) as gateway:
        ask_twice = (
            f"for _ in 1 2; do curl -sS -H @sent -o answer -w '%{{http_code}} ' 127.0.0.1:{gateway.port}/a; done"
        )
        asked = f"""{made.partition(chr(10))[2]}
            for address in https://api.example.com/a https://other.example.com/a; do
                printf 'Authorization: DPoP %s\\nDPoP: %s\\n' {token} "$(prove GET $address {token})" >sent
                {ask_twice}
            done"""
        done = subprocess.run(["bash", "-euc", asked], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["200", "401", "401", "401"]
