"""The unmodified linode-cli of PyPI, against a running service."""

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.clients.conftest import Family
from tests.servers import LINODE_CLI, Server, environment


class Cli:
    """linode-cli with one token, in a home of its own; `group` is the word before its actions."""

    def __init__(self, server: Server, home: Path, token: str, group: str = "profile", **variables: str) -> None:
        self.server = server
        self.group = group
        self.home = home
        self.variables = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "LINODE_CLI_TOKEN": token,
            "LINODE_CLI_API_HOST": server.address,
            "LINODE_CLI_API_SCHEME": "http",
            **variables,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [LINODE_CLI, "--suppress-warnings", "--no-retry", self.group, *arguments],
            env=environment(**self.variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command that must succeed; the rows it prints."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    def row(self, *arguments: str) -> dict[str, Any]:
        (row,) = self.rows(*arguments)
        return row

    def fails(self, *arguments: str) -> str:
        """Run a command that must fail as linode-cli fails on an HTTP error; what it says."""
        done = self.run(*arguments)
        assert done.returncode == 2
        return " ".join((done.stderr + done.stdout).replace("│", " ").split())


@pytest.fixture
def cli(server: Server, tmp_path: Path) -> Cli:
    return Cli(server, tmp_path, server.token)


def make(server: Server, **body: object) -> dict[str, Any]:
    """Make a token over HTTP, which is quicker."""
    bearer = {"Authorization": f"Bearer {server.token}"}
    made: dict[str, Any] = httpx2.post(f"{server.url}/v4/profile/tokens", headers=bearer, json=body).json()
    return made


def test_create_with_everything(cli: Cli) -> None:
    row = cli.row("token-create", "--label", "cli", "--scopes", "linodes:read_only", "--expiry", "2030-01-01T13:46:32")
    assert (row["label"], row["scopes"], row["expiry"]) == ("cli", "linodes:read_only", "2030-01-01T13:46:32")
    assert len(row["token"]) == 54


def test_create_with_nothing_gets_the_acting_scopes_and_no_expiry(cli: Cli) -> None:
    row = cli.row("token-create")
    assert (row["label"], row["scopes"], row["expiry"]) == (f"token-{row['id']}", "*", "2999-12-12T05:00:00")


def test_create_with_null_expiry_never_expires(cli: Cli) -> None:
    assert cli.row("token-create", "--expiry", "null")["expiry"] == "2999-12-12T05:00:00"


def test_list_is_ordered_and_filtered(cli: Cli, server: Server) -> None:
    ids = [make(server, label="cli-twice")["id"] for _ in range(2)]
    rows = cli.rows("tokens-list", "--label", "cli-twice", "--order-by", "created", "--order", "desc")
    assert sorted(row["id"] for row in rows) == ids
    labels = [row["label"] for row in cli.rows("tokens-list", "--order-by", "label", "--order", "desc")]
    assert labels == sorted(labels, reverse=True)


def test_list_is_paged(server: Server, tmp_path: Path) -> None:
    for number in range(27):
        make(server, label=f"cli-page-{number:02}")
    cli = Cli(server, tmp_path, server.token)
    second = cli.rows("tokens-list", "--page", "2", "--page-size", "25")
    everything = cli.rows("tokens-list", "--all-rows")
    assert second
    assert len(everything) >= 27
    assert second[0] == everything[25]


def test_text_output(cli: Cli, server: Server) -> None:
    made = make(server, label="cli-text")
    done = cli.run(
        "tokens-list", "--label", "cli-text", "--text", "--no-headers", "--format", "id,label", "--delimiter", ","
    )
    assert done.stdout.splitlines() == [f"{made['id']},cli-text"]


def test_view_rename_and_delete(cli: Cli, server: Server) -> None:
    made = make(server, label="cli-before")
    token_id = str(made["id"])
    assert cli.row("token-view", token_id) == {**made, "token": made["token"][:16]}
    assert cli.row("token-update", token_id, "--label", "cli-after")["label"] == "cli-after"
    assert cli.run("token-delete", token_id).returncode == 0
    assert "404" in cli.fails("token-view", token_id)


def test_tables_as_people_read_them(cli: Cli, server: Server) -> None:
    made = make(server, label="cli-table")
    done = cli.run("token-view", str(made["id"]), "--no-truncation", "--format", "id,label,token")
    assert done.returncode == 0
    assert [made["token"][:16] in line for line in done.stdout.splitlines() if "cli-table" in line] == [True]


def test_label_of_another_type_is_refused(cli: Cli) -> None:
    said = cli.fails("token-create", "--raw-body", '{"label": 5}')
    assert "Request failed: 400" in said
    assert "label Must be a string" in said


def test_wider_scopes_than_the_acting_token_are_refused(server: Server, tmp_path: Path) -> None:
    cli = Cli(server, tmp_path, make(server, scopes="account:read_write")["token"])
    said = cli.fails("token-create", "--scopes", "linodes:read_only")
    assert "Request failed: 400" in said
    assert "You may not create a token with scopes greater than those of the token" in said
    assert "account:read_write" in said


def test_revoked_token_is_refused(server: Server, tmp_path: Path) -> None:
    made = make(server, label="cli-revoked")
    bearer = {"Authorization": f"Bearer {server.token}"}
    httpx2.delete(f"{server.url}/v4/profile/tokens/{made['id']}", headers=bearer)
    said = Cli(server, tmp_path, made["token"]).fails("tokens-list")
    assert "401" in said
    assert "Invalid Token" in said


def test_expired_token_is_refused(server: Server, tmp_path: Path) -> None:
    expiry = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    made = make(server, label="cli-expired", expiry=expiry.strftime("%Y-%m-%dT%H:%M:%S"))
    while datetime.now(UTC) < expiry:
        time.sleep(0.05)
    assert "Invalid Token" in Cli(server, tmp_path, made["token"]).fails("tokens-list")


def test_beta_version(server: Server, tmp_path: Path) -> None:
    cli = Cli(server, tmp_path, server.token, LINODE_CLI_API_VERSION="v4beta")
    assert cli.row("token-create", "--label", "cli-beta")["label"] == "cli-beta"


def test_profile_is_viewed_and_changed(cli: Cli) -> None:
    assert cli.row("update", "--timezone", "Europe/Berlin")["timezone"] == "Europe/Berlin"
    viewed = cli.row("view")
    assert (viewed["username"], viewed["timezone"], viewed["restricted"]) == ("admin", "Europe/Berlin", False)
    assert cli.rows("logins-list") == cli.rows("devices-list") == cli.rows("apps-list") == []
    assert "Not found" in cli.fails("app-delete", "1")


def configure(server: Server, home: Path, *answers: str) -> subprocess.CompletedProcess[str]:
    """Run `configure --token`, which asks; only this first time is it told where the service is."""
    return subprocess.run(
        [LINODE_CLI, "configure", "--token"],
        input="".join(f"{answer}\n" for answer in answers),
        env=environment(HOME=str(home), LINODE_CLI_API_HOST=server.address, LINODE_CLI_API_SCHEME="http"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_program_configured_once_works_from_then_on(server: Server, tmp_path: Path) -> None:
    no_default = ("", "", "", "")  # of region, type, image and user
    done = configure(server, tmp_path, server.token, *no_default, "y", server.address, "v4", "http", "n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Active user is now admin" in done.stdout
    listed = subprocess.run(
        [LINODE_CLI, "--suppress-warnings", "profile", "tokens-list", "--json"],
        env=environment(HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(listed.stdout)[0]["token"] == server.token[:16]


def test_program_is_configured_by_a_restricted_user(server: Server, tmp_path: Path, restricted_token: str) -> None:
    done = configure(server, tmp_path, restricted_token, "", "", "", "", "n", "n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Active user is now granted" in done.stdout


def test_program_is_not_configured_with_a_token_that_does_not_work(server: Server, tmp_path: Path) -> None:
    assert "That token didn't work: Invalid Token" in configure(server, tmp_path, "wrong").stderr
    assert not (tmp_path / ".config" / "linode-cli").exists()


def test_users_are_made_changed_and_deleted(server: Server, tmp_path: Path) -> None:
    users = Cli(server, tmp_path, server.token, "users")
    made = users.row("create", "--username", "cli-ada", "--email", "ada@example.org", "--restricted", "true")
    assert (made["username"], made["restricted"]) == ("cli-ada", True)
    assert users.row("update", "cli-ada", "--email", "ada@example.com")["email"] == "ada@example.com"
    assert [row["email"] for row in users.rows("list", "--username", "cli-ada")] == ["ada@example.com"]
    assert users.row("view", "cli-ada")["user_type"] == "default"
    assert users.run("delete", "cli-ada").returncode == 0
    assert "404" in users.fails("view", "cli-ada")


def test_oauth_clients_are_made_changed_reset_and_deleted(server: Server, tmp_path: Path) -> None:
    account = Cli(server, tmp_path, server.token, "account")
    made = account.row("client-create", "--label", "cli-app", "--redirect_uri", "https://app.example/callback")
    assert (made["label"], made["status"]) == ("cli-app", "active")
    one = made["id"]
    assert account.row("client-update", one, "--label", "cli-renamed")["label"] == "cli-renamed"
    assert [row["id"] for row in account.rows("clients-list", "--label", "cli-renamed")] == [one]
    assert account.row("client-reset-secret", one)["id"] == one
    assert account.row("client-view", one)["redirect_uri"] == "https://app.example/callback"
    assert account.run("client-delete", one).returncode == 0
    assert "404" in account.fails("client-view", one)


def test_account_is_viewed(server: Server, tmp_path: Path) -> None:
    assert Cli(server, tmp_path, server.token, "account").row("view")["company"] == "tokenry"


def test_child_account_is_listed_viewed_and_entered(server: Server, tmp_path: Path, family: Family) -> None:
    children = Cli(server, tmp_path, family.token, "child-account")
    assert [row["euuid"] for row in children.rows("list", "--company", "Child")] == [family.child]
    assert children.row("view", family.child)["email"] == "c@example.org"
    token = children.row("create", family.child)
    assert (token["scopes"], len(token["token"])) == ("*", 54)
    inside = Cli(server, tmp_path, token["token"])
    assert inside.row("view")["username"].startswith("Parent_")
    assert token["id"] in [row["id"] for row in inside.rows("tokens-list")]
    assert "Unauthorized" in inside.fails("token-create", "--label", "x")
    assert inside.run("token-delete", str(token["id"])).returncode == 0
    assert "Invalid Token" in inside.fails("view")


def test_account_without_children_lists_none(server: Server, tmp_path: Path) -> None:
    said = Cli(server, tmp_path, server.token, "child-account").fails("list")
    assert "403" in said
    assert "Unauthorized" in said
