"""`tokenry admin verify -`, beside a running service."""

import subprocess
from collections.abc import Iterator

import httpx2
import pytest

from tests.servers import Server, serving, tokenry


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("verify") / "data") as server:
        yield server


def verify(service: Server, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return tokenry("admin", "verify", *arguments, "--data-dir", str(service.data_dir), given=token)


def create(service: Server, **body: str) -> tuple[str, str]:
    """Make a token; its path and its text."""
    bearer = {"Authorization": f"Bearer {service.token}"}
    made = httpx2.post(f"{service.url}/v4/profile/tokens", headers=bearer, json=body).json()
    return f"{service.url}/v4/profile/tokens/{made['id']}", made["token"]


def test_valid_token_is_described(service: Server) -> None:
    done = verify(service, f"{service.token}\n", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "valid\ntoken\tuser\tscopes\texpires\n1\tadmin\t*\tnever\n"


def test_revoked_token_is_explained_and_shows_in_the_exit_status(service: Server) -> None:
    path, token = create(service)
    httpx2.delete(path, headers={"Authorization": f"Bearer {service.token}"})
    done = verify(service, token, "-", "--explain")
    first, _, *steps = done.stdout.splitlines()
    assert (done.returncode, first) == (5, "not valid: no such token, or it was revoked")
    assert [step.split("\t")[:2] for step in steps] == [
        ["prefix", "passed"],
        ["shape", "passed"],
        ["checksum", "passed"],
        ["known", "passed"],
        ["revocation", "FAILED"],
    ]
    assert steps[-1].endswith(" by admin")
    assert token[:17] not in done.stdout + done.stderr


def test_scope_that_is_not_covered_is_not_valid(service: Server) -> None:
    _, token = create(service, scopes="linodes:read_only")
    assert verify(service, token, "-", "--scope", "linodes:read_only").returncode == 0
    done = verify(service, token, "-", "--scope", "domains:read_only")
    assert (done.returncode, done.stdout) == (5, "not valid: the token's scopes do not cover what is needed\n")


def test_address_decides_on_a_token_kept_to_networks(service: Server) -> None:
    path, token = create(service)
    bearer = {"Authorization": f"Bearer {service.token}"}
    httpx2.put(f"{path}/details", headers=bearer, json={"networks": ["10.0.0.0/8"]})
    assert verify(service, token, "-").returncode == 5
    assert verify(service, token, "-", "--address", "10.0.0.1").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("-", "--scope", "x:y"), 1, "scopes: Invalid scope: x:y"),
        (("-", "--address", "here"), 2, "such as 203.0.113.7"),
    ],
)
def test_wrong_question_is_no_answer_about_the_token(
    service: Server, arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = verify(service, service.token, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr


def test_token_on_the_command_line_is_refused_and_not_repeated(service: Server) -> None:
    done = verify(service, "", service.token)
    assert (done.returncode, done.stdout) == (2, "")
    assert service.token[4:] not in done.stderr


def test_nothing_on_standard_input_is_no_token(service: Server) -> None:
    assert verify(service, "", "-").returncode == 5


def test_two_lines_are_not_one_token(service: Server) -> None:
    done = verify(service, f"{service.token}\n{service.token}\n", "-")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tokenry: There is more than one line on standard input: give one token.\n"
