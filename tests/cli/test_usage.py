"""Wrong usage is told in our words, the same for all commands, and all that is missing at once."""

from typing import Any

import pytest

from docs.commands import list_commands
from tests.servers import tokenry

REQUIRED = {
    words: [each for each in command.params if each.required]
    for words, command in list_commands()
    if any(each.required for each in command.params)
}


def told(*words: str) -> str:
    """What a command says of its usage: one line, with exit status 2, and nothing on standard output."""
    done = tokenry(*words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    return done.stderr


def name(parameter: Any) -> str:
    """An option's long name; what stands for an argument in the help."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.name).upper()


@pytest.mark.parametrize("words", REQUIRED)
def test_all_that_is_missing_is_named_at_once(words: str) -> None:
    said = told(*words.split()[1:])
    assert said.endswith(f" missing. `{words} --help` says more.\n")
    for each in REQUIRED[words]:
        assert name(each) in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("admin token list --limt 3", "There is no option --limt. Did you mean --limit?"),
        ("admin token list --limit 0", "--limit: use a whole number from 1 to 1000000000."),
        ("admin token list --state gone", "--state: use one of active, pending, disabled, expired, revoked, all."),
        ("admin token list --user", "--user needs a value."),
        ("admin token revoke one", "TOKEN_ID: use a whole number."),
        ("admin token list ada bob", "Unexpected argument: ada bob."),
        ("admin token gone", "There is no command gone."),
        ("config chek", "There is no command chek. Did you mean check? `tokenry config --help` says more."),
        ("serve --bind-workers=1", "--bind-workers takes no value."),
        ("serve --port http --workers 0", "--port has to be a whole number from 0 to 65535; --workers has to be"),
        ("token list --limit many", "--limit: use a whole number from 1 to 1000000000."),
        ("gateway apache", "GATEWAY: use one of nginx, haproxy, caddy, envoy, traefik."),
        ("admin user update ada", "--rename, --email, --ceiling or --external-id: say what to change."),
        ("admin webhook update 1", "--url, --event or --all-events: say what to change."),
        ("webhook update 1", "--url, --event or --all-events: say what to change."),
        ("token rotate 1 --grace 8d", "--grace: use a span of at most 7d."),
        ("webhook rotate-secret 1 --grace 169h", "--grace: use a span of at most 7d."),
        ("admin token rotate 1 --grace 8d", "--grace: use a span of at most 7d."),
        ("admin webhook rotate-secret 1 --grace 8d", "--grace: use a span of at most 7d."),
        ("policy set --max-lifetime 90", "--max-lifetime: use a span such as 12h, 90d or 4w, or none."),
    ],
)
def test_fault_is_told_where_it_is_and_in_our_words(words: str, said: str) -> None:
    assert told(*words.split()).startswith(f"tokenry: {said}")


@pytest.mark.parametrize(
    "words",
    [
        "migrate {}",
        "admin {}",
        "admin token revoke {}",
        "serve --database-ur={}",
        "serve --log-level {}",
        "gateway nginx --verifier {}",
        "login --url http://127.0.0.1:1 {}",
        "{}",
        "--database-url={}",
    ],
)
def test_password_of_an_address_in_the_wrong_place_is_not_repeated(words: str) -> None:
    said = told(*words.format("postgresql://u:sesame/@w@host/d").split())
    assert "sesame" not in said
    assert "@w" not in said


def test_lists_of_commands_have_whole_sentences() -> None:
    listed = " ".join(tokenry("token", "--help").stdout.split())
    assert "Disable a token: it is refused from that moment on, until you enable it." in listed
    assert "..." not in listed.partition("Commands:")[2]
