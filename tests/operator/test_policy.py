"""`tokenry policy`, on the database of a running service."""

from collections.abc import Iterator

import pytest

from tests.cli.terminals import on_a_terminal
from tests.operator.parts import fail, rows, run, verify
from tests.servers import Server, serving, tokenry

NOTHING = {
    "maximum lifetime": "none",
    "expiry required": "no",
    "maximum tokens per user": "none",
    "scopes of admin": "any",
    "scopes of user": "any",
    "scopes of proxy": "any",
    "scopes of service": "any",
    **{f"requests per minute of {kind}": "none" for kind in ("admin", "user", "proxy", "service")},
    "second factor of": "nobody",
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


def shown(service: Server) -> dict[str, str]:
    return {row["rule"]: row["value"] for row in rows(run(service, "admin", "policy", "show"))}


def test_rules_are_set_one_by_one_and_lifted_again(service: Server) -> None:
    assert shown(service) == NOTHING
    run(service, "admin", "policy", "set", "--max-tokens", "5", "--expiry-required")
    run(
        service, "admin", "policy", "set", "--scopes", "user=linodes:read_only domains:read_only", "--scopes", "proxy=*"
    )
    run(service, "admin", "policy", "set", "--max-lifetime", "4w", "--yes", "--requests-per-minute", "user=600")
    run(service, "admin", "policy", "set", "--second-factor", "administrators")
    assert shown(service) == {
        "maximum lifetime": "28d",
        "expiry required": "yes",
        "maximum tokens per user": "5",
        "scopes of admin": "any",
        "scopes of user": "linodes:read_only domains:read_only",
        "scopes of proxy": "any",
        "scopes of service": "any",
        "requests per minute of admin": "none",
        "requests per minute of user": "600",
        "requests per minute of proxy": "none",
        "requests per minute of service": "none",
        "second factor of": "administrators",
    }
    lifted = ("--max-tokens", "none", "--no-expiry-required", "--max-lifetime", "none", "--scopes", "user=any")
    run(service, "admin", "policy", "set", *lifted, "--second-factor", "nobody", "--requests-per-minute", "user=none")
    assert shown(service) == NOTHING


def test_operator_keeps_to_the_policy_too(service: Server) -> None:
    run(service, "admin", "policy", "set", "--max-lifetime", "90d", "--keep-existing")
    words = fail(service, "admin", "token", "create", "--user", "admin", "--expires", "91d")
    assert "(maximum lifetime: 90d)" in words
    run(service, "admin", "token", "create", "--user", "admin", "--expires", "90d")


def test_lower_lifetime_names_whom_it_concerns_and_needs_a_yes(service: Server) -> None:
    run(service, "admin", "user", "create", "ada")
    run(service, "admin", "token", "create", "--user", "ada", "--expires", "30d")
    lower = ("admin", "policy", "set", "--max-lifetime", "1d", "--data-dir", str(service.data_dir))
    refused = tokenry(*lower)
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert "0 would expire at once, and 2 sooner" in refused.stdout
    assert "ada\t0\t1\nadmin\t0\t1\n" in refused.stdout
    assert shown(service) == NOTHING
    done = tokenry(*lower, "--yes")
    assert done.stdout.endswith("The policy is set.\n0 tokens have expired, 2 expire sooner.\n")
    assert int(verify(service, service.token).headers["x-auth-expires"]) > 0


def test_kept_tokens_stay_as_they_are(service: Server) -> None:
    assert run(service, "admin", "policy", "set", "--max-lifetime", "1d", "--keep-existing") == "The policy is set.\n"
    assert verify(service, service.token).headers["x-auth-expires"] == ""


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1)])
def test_on_a_terminal_it_asks(service: Server, answer: str, status: int) -> None:
    command = ("admin", "policy", "set", "--max-lifetime", "1d", "--data-dir", str(service.data_dir))
    seen = on_a_terminal(*command, answers=[("Go on?", answer)])
    assert (seen.status, "Go on?" in seen.screen) == (status, True)
    assert shown(service)["maximum lifetime"] == ("1d" if status == 0 else "none")


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
