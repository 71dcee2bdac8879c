"""`tokenry admin policy`, on the database of a running service."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.terminals import on_a_terminal
from tests.operator.parts import fail, run, verify
from tests.servers import Server, serving, tokenry

ANY = dict.fromkeys(("admin", "user", "proxy", "service"), "*")
NONE: dict[str, int | None] = dict.fromkeys(ANY)
NOTHING = {
    "max_lifetime": None,
    "expiry_required": False,
    "max_tokens": None,
    "scopes": ANY,
    "requests_per_minute": NONE,
    "second_factor": "nobody",
}


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("policy") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service for tests whose commands are all refused."""
    with serving(tmp_path_factory.mktemp("untouched") / "data") as server:
        yield server


def shown(service: Server) -> dict[str, Any]:
    (row,) = json.loads(run(service, "admin", "policy", "show", "--json"))
    return {name: value for name, value in row.items() if name != "version"}


def test_rules_are_set_one_by_one_and_lifted_again(service: Server) -> None:
    assert shown(service) == NOTHING
    run(service, "admin", "policy", "set", "--max-tokens", "5", "--expiry-required")
    run(
        service, "admin", "policy", "set", "--scopes", "user=linodes:read_only domains:read_only", "--scopes", "proxy=*"
    )
    run(service, "admin", "policy", "set", "--max-lifetime", "4w", "--requests-per-minute", "user=600")
    run(service, "admin", "policy", "set", "--second-factor", "administrators")
    assert shown(service) == {
        "max_lifetime": "28d",
        "expiry_required": True,
        "max_tokens": 5,
        "scopes": {**ANY, "user": "linodes:read_only domains:read_only"},
        "requests_per_minute": {**NONE, "user": 600},
        "second_factor": "administrators",
    }
    lifted = ("--max-tokens", "none", "--no-expiry-required", "--max-lifetime", "none", "--scopes", "user=any")
    run(service, "admin", "policy", "set", *lifted, "--second-factor", "nobody", "--requests-per-minute", "user=none")
    assert shown(service) == NOTHING


def test_operator_keeps_to_the_policy_too(service: Server) -> None:
    run(service, "admin", "policy", "set", "--max-lifetime", "90d")
    words = fail(service, "admin", "token", "create", "--user", "admin", "--expires", "91d")
    assert "(maximum lifetime: 90d)" in words
    run(service, "admin", "token", "create", "--user", "admin", "--expires", "90d")


def test_lower_lifetime_names_whom_it_concerns_and_needs_a_yes(service: Server) -> None:
    run(service, "admin", "user", "create", "ada")
    run(service, "admin", "token", "create", "--user", "ada", "--expires", "30d")
    wanted = ("--max-lifetime", "1d", "--shorten-existing")
    lower = ("admin", "policy", "set", *wanted, "--data-dir", str(service.data_dir))
    refused = tokenry(*lower)
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert "0 would expire at once, and 2 sooner" in refused.stdout
    assert "ada\t0\t1\nadmin\t0\t1\n" in refused.stdout
    assert shown(service) == NOTHING
    done = tokenry(*lower, "--yes")
    assert done.stdout.endswith("The policy is set.\n0 tokens have expired, 2 expire sooner.\n")
    assert int(verify(service, service.token).headers["x-auth-expires"]) > 0


def test_tokens_stay_as_they_are_until_they_are_to_be_shortened(service: Server) -> None:
    shorten = ("admin", "policy", "set", "--shorten-existing", "--data-dir", str(service.data_dir), "--yes")
    assert "it needs a maximum lifetime" in tokenry(*shorten).stderr
    assert run(service, "admin", "policy", "set", "--max-lifetime", "1d") == "The policy is set.\n"
    assert verify(service, service.token).headers["x-auth-expires"] == ""
    assert tokenry(*shorten).stdout.endswith("0 tokens have expired, 1 expire sooner.\n")
    assert verify(service, service.token).headers["x-auth-expires"] != ""


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1)])
def test_on_a_terminal_it_asks(service: Server, answer: str, status: int) -> None:
    lower = ("--max-lifetime", "1d", "--shorten-existing")
    command = ("admin", "policy", "set", *lower, "--data-dir", str(service.data_dir))
    seen = on_a_terminal(*command, answers=[("Go on?", answer)])
    assert (seen.status, "Go on?" in seen.screen) == (status, True)
    assert shown(service)["max_lifetime"] == ("1d" if status == 0 else None)


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1)])
def test_on_a_terminal_deleting_a_user_asks(service: Server, answer: str, status: int) -> None:
    run(service, "admin", "user", "create", "ada")
    command = ("admin", "user", "delete", "ada", "--data-dir", str(service.data_dir))
    seen = on_a_terminal(*command, answers=[("Delete user ada", answer)])
    assert (seen.status, "Delete user ada" in seen.screen) == (status, True)
    assert ("ada" in run(service, "admin", "user", "list")) is (status == 1)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--yes",),
        ("--max-lifetime", "soon"),
        ("--max-lifetime", "0d"),
        ("--max-tokens", "0"),
        ("--max-tokens", "1000001"),
        ("--max-tokens", "x"),
        ("--requests-per-minute", "600"),
        ("--requests-per-minute", "user=1000001"),
        ("--requests-per-minute", "root=1"),
        ("--scopes", "root=any"),
        ("--scopes", "user"),
    ],
)
def test_wrong_use_is_a_usage_error(untouched: Server, arguments: tuple[str, ...]) -> None:
    done = tokenry("admin", "policy", "set", *arguments, "--data-dir", str(untouched.data_dir))
    assert done.returncode == 2
    assert shown(untouched) == NOTHING


def test_unknown_scope_is_refused(untouched: Server) -> None:
    assert "scopes: Invalid scope: x:y" in fail(untouched, "admin", "policy", "set", "--scopes", "user=x:y")
