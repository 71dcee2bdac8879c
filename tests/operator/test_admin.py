"""The operator's other commands, on the database of a running service."""

import csv
import json
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from tests.operator.parts import fail, rows, run, verify
from tests.servers import Server, serving, tokenry


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("operator") / "data") as server:
        yield server


@pytest.mark.parametrize("command", [("admin", "account", "list"), ("migrate",), ("doctor",), ("serve",)])
def test_command_is_told_of_a_wait_that_is_none(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = tokenry(*command, "--data-dir", str(tmp_path), variables={"TOKENRY_DATABASE_TIMEOUT": "soon"})
    assert done.returncode != 0
    assert "TOKENRY_DATABASE_TIMEOUT" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_user_is_made_and_gets_a_token_that_works_at_once(service: Server) -> None:
    run(service, "admin", "user", "create", "alice", "--email", "alice@example.com")
    token = run(
        service, "admin", "token", "create", "--user", "alice", "--expires", "90d", "--scopes", "linodes:read_only"
    )
    answer = verify(service, token.strip())
    assert answer.status_code == 200
    assert answer.headers["x-auth-user"] == "alice"
    assert answer.headers["x-auth-scopes"] == "linodes:read_only"


def test_user_is_spoken_to_in_the_language_that_is_named(service: Server) -> None:
    run(service, "admin", "user", "create", "gerda", "--language", "de")
    token = run(
        service, "admin", "token", "create", "--user", "gerda", "--expires", "1d", "--scopes", "account:read_only"
    )
    headers = {"Authorization": f"Bearer {token.strip()}"}
    answer = httpx2.get(f"{service.url}/v4/tokenry/profile/preferences", headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"language": "de"})


def test_created_token_is_alone_on_standard_output(service: Server) -> None:
    run(service, "admin", "user", "create", "printer")
    output = run(service, "admin", "token", "create", "--user", "printer", "--expires", "never")
    assert re.fullmatch(r"pat_[0-9A-Za-z]{50}\n", output)


def test_link_is_alone_on_standard_output_at_the_address_for_browsers(service: Server) -> None:
    where = ("--data-dir", str(service.data_dir))
    for address, shown in (
        (("--public-url", "https://tokens.example.com"), "https://tokens.example.com"),
        (("--host", "::1", "--port", "9"), "http://[::1]:9"),
        ((), "http://127.0.0.1:8470"),
    ):
        done = tokenry("admin", "user", "link", "admin", *where, *address)
        assert re.fullmatch(rf"{re.escape(shown)}/link/lnk_\w{{50}}\n", done.stdout)
        assert "within 30 minutes" in done.stderr
        assert (f"for a service at {shown}:" in done.stderr) is ("--public-url" not in address)
    link = httpx2.get(f"{service.url}/link/{done.stdout.strip().rpartition('/')[2]}")
    page = httpx2.get(f"{service.url}/link", headers={"Cookie": link.headers["set-cookie"].partition(";")[0]})
    assert "<strong>admin</strong>" in page.text


def test_link_needs_an_address_and_a_user(service: Server) -> None:
    where = ("--data-dir", str(service.data_dir))
    for address in (("--host", "0.0.0.0"), ("--port", "0")):
        done = tokenry("admin", "user", "link", "admin", *where, *address)
        assert (done.returncode, done.stdout) == (1, "")
        assert "TOKENRY_PUBLIC_URL" in done.stderr
    done = tokenry("admin", "user", "link", "nobody", *where)
    assert (done.returncode != 0, done.stdout) == (True, "")


def test_users_are_listed_with_state_and_open_tokens(service: Server) -> None:
    run(service, "admin", "user", "create", "lister", "--admin")
    run(service, "admin", "token", "create", "--user", "lister", "--expires", "1h")
    run(service, "admin", "user", "disable", "lister")
    row = next(row for row in rows(run(service, "admin", "user", "list")) if row["username"] == "lister")
    assert (row["admin"], row["state"], row["tokens"]) == ("yes", "disabled", "1")


def test_first_account_and_administrator_get_an_address(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as service:
        run(service, "admin", "account", "update", "tokenry", "--email", "office@example.org", "--company", "Office")
        run(service, "admin", "user", "update", "admin", "--email", "ada@example.org")
        bearer = {"Authorization": f"Bearer {service.token}"}
        account = httpx2.get(f"{service.url}/v4/account", headers=bearer).json()
        assert (account["company"], account["email"]) == ("Office", "office@example.org")
        assert httpx2.get(f"{service.url}/v4/profile", headers=bearer).json()["email"] == "ada@example.org"


@pytest.mark.parametrize(
    "naming",
    [("user", "create"), ("user", "update", "renamed", "--rename"), ("account", "create", "Theirs", "--admin")],
)
def test_every_command_that_gives_a_name_says_how_to_give_a_reserved_one(
    service: Server, naming: tuple[str, ...]
) -> None:
    gone = f"gone-{naming[0]}-{naming[1]}"
    run(service, "admin", "user", "create", gone)
    if "renamed" in naming:
        run(service, "admin", "user", "create", "renamed")
    run(service, "admin", "user", "delete", gone, "--yes")
    told = fail(service, "admin", *naming, gone.upper())
    assert "username: Username is reserved for its former user" in told
    assert "use --reuse-name" in told
    run(service, "admin", *naming, gone.upper(), "--reuse-name")
    assert gone.upper() in {row["username"] for row in rows(run(service, "admin", "user", "list"))}


def test_deleted_user_and_its_tokens_are_gone_at_once(service: Server) -> None:
    run(service, "admin", "user", "create", "leaver")
    token = run(service, "admin", "token", "create", "--user", "leaver", "--expires", "1d").strip()
    unasked = tokenry("admin", "user", "delete", "leaver", "--data-dir", str(service.data_dir))
    assert (unasked.returncode, "--yes" in unasked.stderr) == (2, True)
    assert verify(service, token).status_code == 200
    run(service, "admin", "user", "delete", "leaver", "--yes")
    assert verify(service, token).status_code == 401
    events = rows(run(service, "admin", "audit", "list", "--limit", "2"))
    assert [event["action"] for event in events] == ["user.delete", "token.revoke"]
    assert fail(service, "admin", "user", "delete", "leaver", "--yes") == "tokenry: There is no user leaver.\n"


def test_last_administrator_is_not_deleted(service: Server) -> None:
    assert "last administrator" in fail(service, "admin", "user", "delete", "admin", "--yes")


def test_disabled_user_gets_no_token(service: Server) -> None:
    run(service, "admin", "user", "create", "idle")
    run(service, "admin", "user", "disable", "idle")
    refused = fail(service, "admin", "token", "create", "--user", "idle", "--expires", "1d")
    assert "user: User is disabled: enable it first" in refused


def test_disabled_user_is_refused_until_enabled(service: Server) -> None:
    run(service, "admin", "user", "create", "bob")
    token = run(service, "admin", "token", "create", "--user", "bob", "--expires", "1d").strip()
    run(service, "admin", "user", "disable", "bob")
    assert verify(service, token).status_code == 401
    run(service, "admin", "user", "enable", "bob")
    assert verify(service, token).status_code == 200


def test_revoked_token_is_refused(service: Server) -> None:
    run(service, "admin", "user", "create", "carol")
    token = run(service, "admin", "token", "create", "--user", "carol", "--expires", "1d").strip()
    run(service, "admin", "token", "revoke", verify(service, token).headers["x-auth-token-id"])
    assert verify(service, token).status_code == 401


def test_limit_of_a_token_is_changed(service: Server) -> None:
    run(service, "admin", "user", "create", "busy")
    token = run(service, "admin", "token", "create", "--user", "busy", "--expires", "1d").strip()
    token_id = verify(service, token).headers["x-auth-token-id"]
    update = ("admin", "token", "update", token_id, "--requests-per-minute")
    assert run(service, *update, "60") == f"Token {token_id} now has 60 requests a minute.\n"
    assert run(service, *update, "60") == f"Token {token_id} already had 60 requests a minute.\n"
    event = rows(run(service, "admin", "audit", "list", "--limit", "1"))[0]
    assert (event["action"], event["subject"]) == ("token.update", f"token:{token_id}")
    missing = ("admin", "token", "update", "999999", "--requests-per-minute", "1")
    assert "There is no token 999999." in fail(service, *missing)


def test_token_of_a_service_account_is_rotated(service: Server) -> None:
    run(service, "admin", "service-account", "create", "rotated", "--ceiling", "linodes:read_only")
    make = ("admin", "token", "create", "--expires", "1d", "--scopes", "tokenry_users:read_only")
    token = run(service, *make, "--user", "rotated").strip()
    token_id = verify(service, token).headers["x-auth-token-id"]
    newer = run(service, "admin", "token", "rotate", token_id, "--grace", "0h", "--now").strip()
    assert [verify(service, each).status_code for each in (token, newer)] == [401, 200]
    event = rows(run(service, "admin", "audit", "list", "--limit", "1"))[0]
    assert (event["action"], event["subject"]) == ("token.rotate", f"token:{token_id}")
    longer = ("admin", "token", "rotate", token_id, "--grace", "8d")
    done = tokenry(*longer, "--data-dir", str(service.data_dir))
    assert (done.returncode, done.stdout) == (2, "")


def test_token_of_a_person_is_that_ones_to_rotate(service: Server) -> None:
    run(service, "admin", "user", "create", "person")
    token = run(service, "admin", "token", "create", "--user", "person", "--expires", "1d").strip()
    token_id = verify(service, token).headers["x-auth-token-id"]
    assert "its user rotates it" in fail(service, "admin", "token", "rotate", token_id)
    assert verify(service, token).status_code == 200


def test_tokens_are_listed_by_user_and_state(service: Server) -> None:
    run(service, "admin", "user", "create", "owner")
    token, gone = (
        run(service, "admin", "token", "create", "--user", "owner", "--expires", when) for when in ("never", "1d")
    )
    token_id = verify(service, gone.strip()).headers["x-auth-token-id"]
    run(service, "admin", "token", "revoke", token_id)
    active = rows(run(service, "admin", "token", "list", "--user", "owner"))
    assert [(row["token"], row["user"], row["expires"], row["state"]) for row in active] == [
        (token[:16], "owner", "never", "active")
    ]
    assert active[0]["by"].startswith("operator:")
    revoked = rows(run(service, "admin", "token", "list", "--user", "owner", "--state", "revoked"))
    assert [(row["id"], row["state"]) for row in revoked] == [(token_id, "revoked")]
    assert {"admin", "owner"} <= {row["user"] for row in rows(run(service, "admin", "token", "list", "--state", "all"))}


def test_list_of_tokens_says_that_there_are_more(service: Server) -> None:
    run(service, "admin", "token", "create", "--user", "admin", "--expires", "1d")
    done = tokenry("admin", "token", "list", "--limit", "1", "--data-dir", str(service.data_dir))
    assert len(rows(done.stdout)) == 1
    assert "more than 1" in done.stderr


def test_list_of_users_goes_on_behind_a_name(service: Server) -> None:
    for name in ("page-1", "page-2", "page-3"):
        run(service, "admin", "user", "create", name)
    listed = ("admin", "user", "list", "--after", "page-1", "--data-dir", str(service.data_dir))
    first = tokenry(*listed, "--limit", "1")
    assert [row["username"] for row in rows(first.stdout)] == ["page-2"]
    assert first.stderr == "tokenry: there are more than 1: --after page-2 shows those that follow.\n"
    assert [row["username"] for row in rows(tokenry(*listed).stdout)][:2] == ["page-2", "page-3"]


def test_audit_says_who_what_and_when(service: Server) -> None:
    run(service, "admin", "user", "create", "dave")
    event = rows(run(service, "admin", "audit", "list", "--limit", "1"))[0]
    assert event["action"] == "user.create"
    assert event["actor"].startswith("operator:")
    assert json.loads(event["details"]) == {"username": "dave", "admin": False}
    assert abs(datetime.now(UTC) - datetime.fromisoformat(event["at"])) < timedelta(minutes=1)


def test_audit_is_narrowed_and_exported(service: Server) -> None:
    only = ("admin", "audit", "list", "--action", "account.create", "--actor", "first start")
    (row,) = csv.DictReader(run(service, *only, "--csv").splitlines())
    assert json.loads(row["details"]) == {"company": "tokenry"}
    said = "tokenry: There is no event account.creat: did you mean account.create?\n"
    assert fail(service, "admin", "audit", "list", "--action", "account.creat") == said


def test_audit_of_one_subject(service: Server) -> None:
    bearer = {"Authorization": f"Bearer {service.token}"}
    made = httpx2.post(f"{service.url}/v4/profile/tokens", headers=bearer, json={"label": "audited"}).json()
    httpx2.delete(f"{service.url}/v4/profile/tokens/{made['id']}", headers=bearer)
    events = rows(run(service, "admin", "audit", "list", "--subject", f"token:{made['id']}"))
    assert [(event["action"], event["actor"], event["token"], event["address"]) for event in events] == [
        ("token.revoke", "admin", "1", "127.0.0.1"),
        ("token.create", "admin", "1", "127.0.0.1"),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("user", "create", "admin"), "username: Username is already taken"),
        (("user", "create", "a b"), "username: Must be 1-254"),
        (("user", "create", "eve", "--email", "eve"), "email: Must be an email address"),
        (("user", "update", "admin", "--email", "x"), "email: Must be an email address"),
        (("user", "update", "nobody", "--email", "a@b"), "There is no user nobody."),
        (("account", "update", "nowhere", "--email", "a@b"), "account: There is no account of this name or euuid"),
        (("account", "update", "tokenry", "--email", "x", "--company", ""), "company: Must be 1-128"),
        (("user", "create", "ADMIN"), "username: Username is already taken"),
        (("user", "create", "fritz", "--language", "fr"), "language: Must be one of en, de"),
        (("user", "disable", "nobody"), "There is no user nobody."),
        (("token", "create", "--user", "nobody", "--expires", "1d"), "There is no user nobody."),
        (("token", "create", "--user", "admin", "--expires", "1d", "--scopes", "x:y"), "scopes: Invalid scope: x:y"),
        (("token", "create", "--user", "admin", "--expires", "2001-01-01"), "--expires: Must be in the future"),
        (("token", "revoke", "987654"), "There is no token 987654."),
        (("token", "list", "--user", "nobody"), "There is no user nobody."),
        (("webhook", "redeliver", "8", "9"), "There is no message 9 of webhook 8."),
    ],
)
def test_refusal_is_one_line(service: Server, arguments: tuple[str, ...], words: str) -> None:
    assert words in fail(service, "admin", *arguments)


def test_unknown_scope_is_told_with_where_scopes_are_named_or_with_the_one_that_may_be_meant(
    service: Server, tmp_path: Path
) -> None:
    wanted = ("admin", "token", "create", "--user", "admin", "--expires", "1d", "--scopes", "invoices:read")
    assert "TOKENRY_SCOPES_FILE names those of the service" in fail(service, *wanted)
    file = tmp_path / "scopes.toml"
    file.write_text('[invoices]\nlevels = ["read_only"]\n')
    told = fail(service, *wanted, "--scopes-file", str(file))
    assert told == "tokenry: scopes: Invalid scope: invoices:read (did you mean invoices:read_only?)\n"


def test_commands_before_the_first_start_name_the_remedy(tmp_path: Path) -> None:
    done = tokenry("admin", "user", "list", "--data-dir", str(tmp_path / "data"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "tokenry serve" in done.stderr
    assert not (tmp_path / "data").exists()


def test_wrong_value_is_a_usage_error(service: Server) -> None:
    done = tokenry("serve", "--port", "http", "--data-dir", str(service.data_dir))
    assert done.returncode == 2
    assert "--port" in done.stderr


def test_doctor_is_content_with_a_healthy_installation(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as service:
        (service.data_dir / "first-token").unlink()
        told = run(service, "doctor")
        assert "WRONG" not in told
        assert "the catalogue, the wire format's, has" in told


def test_doctor_names_the_first_token_until_it_opens_nothing_more(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as service:
        done = tokenry("doctor", "--data-dir", str(service.data_dir))
        assert (done.returncode, "first-token holds a live token" in done.stdout) == (1, True)
        assert service.token not in done.stdout
        (service.data_dir / "first-token").unlink()
        assert "note  the first token, 1 of admin, is live and may do everything" in run(service, "doctor")
        run(service, "admin", "token", "revoke", "1")
        assert "first token" not in run(service, "doctor")


def test_before_the_first_start_it_is_said_that_there_is_no_account(tmp_path: Path) -> None:
    where = ("--data-dir", str(tmp_path / "data"))
    assert tokenry("migrate", *where).returncode == 0
    done = tokenry("admin", "user", "create", "ada", *where)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "There is no account yet: `tokenry serve` makes the first" in done.stderr
    done = tokenry("doctor", *where)
    assert done.returncode == 0
    assert "note  there is no account yet: `tokenry serve`" in done.stdout


def test_start_and_migration_point_out_users_who_differ_by_case_only(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    done = tokenry("migrate", "--data-dir", str(data_dir))
    assert (done.returncode, done.stderr) == (0, "")
    with closing(sqlite3.connect(data_dir / "tokenry.db")) as database, database:
        database.execute("INSERT INTO accounts (euuid, company, created_at) VALUES ('e', 'c', 1)")
        for name, folded in (("ada", "ada"), ("Ada", None)):
            row = "INSERT INTO users (account_id, username, username_folded, email, admin, created_at)"
            database.execute(f"{row} VALUES (1, ?, ?, '', 0, 1)", (name, folded))
    words = "Usernames that differ from an older one by case only: 1. `tokenry doctor` lists them.\n"
    assert tokenry("migrate", "--data-dir", str(data_dir)).stderr == f"tokenry: {words}"
    with serving(data_dir) as service:
        assert words in service.log


def test_update_says_what_it_has_changed(service: Server) -> None:
    run(service, "admin", "user", "create", "Mia")
    said = "User Mia is now called MiaTwo.\n"
    reached = "User MiaTwo can be reached at mia@x.org.\n"
    both = run(service, "admin", "user", "update", "Mia", "--rename", "MiaTwo", "--email", "mia@x.org")
    assert both == said + reached
    assert run(service, "admin", "user", "update", "MiaTwo", "--rename", "Mia") == "User MiaTwo is now called Mia.\n"
    run(service, "admin", "account", "create", "Ours")
    assert (
        run(service, "admin", "account", "update", "Ours", "--company", "Theirs")
        == "Account Ours is now called Theirs.\n"
    )


def test_doctor_names_a_pepper_that_others_can_read(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert tokenry("migrate", "--data-dir", str(data_dir)).returncode == 0
    (data_dir / "pepper.key").chmod(stat.S_IRUSR | stat.S_IROTH)
    done = tokenry("doctor", "--data-dir", str(data_dir))
    assert done.returncode == 1
    assert f"chmod 600 {data_dir}/pepper.key" in done.stdout


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize(("mode", "exposed"), [(0o755, True), (0o711, False)])
def test_doctor_names_a_directory_that_others_can_lock(
    tmp_path: Path, mode: int, *, exposed: bool, elsewhere: bool
) -> None:
    data_dir = directory = tmp_path / "data"
    options = ["--data-dir", str(data_dir)]
    if elsewhere:
        directory = tmp_path / "database"
        directory.mkdir()
        options += ["--database-url", f"sqlite:///{directory}/tokenry.db"]
    assert tokenry("migrate", *options).returncode == 0
    directory.chmod(mode)
    done = tokenry("doctor", *options)
    assert (f"{directory} can be read by others (mode {mode:04o})" in done.stdout) is exposed
    assert done.returncode == exposed


# --- accounts --------------------------------------------------------------------------------------------------------


def test_child_account_is_made_entered_listed_and_detached(service: Server) -> None:
    run(
        service,
        "admin",
        "account",
        "create",
        "Op Child",
        "--parent",
        "tokenry",
        "--email",
        "c@d",
        "--admin",
        "op-child",
    )
    listed = rows(run(service, "admin", "account", "list"))
    child = next(row for row in listed if row["company"] == "Op Child")
    assert (child["email"], child["parent"]) == ("c@d", listed[0]["euuid"])
    bearer = {"Authorization": f"Bearer {service.token}"}
    path = f"{service.url}/v4/account/child-accounts/{child['euuid']}/token"
    token = httpx2.post(path, headers=bearer).json()["token"]
    assert verify(service, token).headers["x-auth-account-id"] == child["id"]
    run(service, "admin", "account", "detach", child["euuid"])
    assert verify(service, token).status_code == 401
    row = next(row for row in rows(run(service, "admin", "account", "list")) if row["company"] == "Op Child")
    assert row["parent"] == "-"
    assert [
        row["username"] for row in rows(run(service, "admin", "user", "list")) if row["account"] == child["id"]
    ] == ["op-child"]


def test_user_is_made_in_the_account_that_is_named(service: Server) -> None:
    run(service, "admin", "account", "create", "Op Other")
    run(service, "admin", "user", "create", "op-other", "--account", "Op Other")
    account = next(row["id"] for row in rows(run(service, "admin", "account", "list")) if row["company"] == "Op Other")
    user = next(row for row in rows(run(service, "admin", "user", "list")) if row["username"] == "op-other")
    assert user["account"] == account


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("account", "create", ""), "company: Must be 1-128 printable characters"),
        (("account", "create", "x", "--parent", "nobody"), "parent: There is no account of this name or euuid"),
        (("account", "create", "x", "--admin", "admin"), "username: Username is already taken"),
        (("account", "detach", "x"), "There is no account x."),
        (("user", "create", "eve", "--account", "nobody"), "account: There is no account of this name or euuid"),
        (("user", "disable", "admin"), "last administrator"),
    ],
)
def test_refusal_on_accounts_is_one_line(service: Server, arguments: tuple[str, ...], words: str) -> None:
    assert words in fail(service, "admin", *arguments)


def test_operator_says_who_a_user_is_to_a_provider_and_takes_it_back(service: Server, tmp_path: Path) -> None:
    file = tmp_path / "providers.toml"
    file.write_text('[acme]\nissuer = "https://acme.example"\nclient_id = "tokenry"\n')
    run(service, "admin", "user", "create", "linked")
    identity, known = ("admin", "user", "identity"), ("--providers-file", str(file))
    assert "now 00u1 at https://acme.example" in run(service, *identity, "add", "linked", "acme", "00u1", *known)
    assert "was already 00u1" in run(service, *identity, "add", "linked", "acme", "00u1", *known)
    assert "already: unlink it there" in fail(service, *identity, "add", "admin", "acme", "00u1", *known)
    for more, words in ((known, "there are acme"), ((), "--providers-file")):
        done = tokenry(*identity, "add", "linked", "other", "1", "--data-dir", str(service.data_dir), *more)
        assert (done.returncode, words in done.stderr) == (2, True)
    [row] = rows(run(service, *identity, "list", "linked"))
    assert (row["issuer"], row["subject"]) == ("https://acme.example", "00u1")
    assert "no longer 00u1" in run(service, *identity, "remove", "linked", row["id"])
    assert rows(run(service, *identity, "list", "linked")) == []
    assert "has no identity of this id" in fail(service, *identity, "remove", "linked", row["id"])


def test_ceiling_of_a_user_is_set_shown_and_lifted(service: Server) -> None:
    run(service, "admin", "user", "create", "low")

    def ceiling() -> str:
        return next(row for row in rows(run(service, "admin", "user", "list")) if row["username"] == "low")["ceiling"]

    assert ceiling() == "any"
    told = run(service, "admin", "user", "update", "low", "--ceiling", "linodes:read_only")
    assert (told, ceiling()) == ("New tokens of user low may do at most: linodes:read_only.\n", "linodes:read_only")
    wider = ("admin", "token", "create", "--user", "low", "--expires", "1d", "--scopes", "volumes:read_only")
    assert "maximum scopes: linodes:read_only" in fail(service, *wider)
    assert "Invalid scope: moon" in fail(service, "admin", "user", "update", "low", "--ceiling", "moon")
    told = fail(service, "admin", "service-account", "create", "backend", "--ceiling", "moon")
    assert told.startswith("tokenry: --ceiling: Invalid scope: moon ")
    run(service, "admin", "user", "update", "low", "--ceiling", "any")
    assert ceiling() == "any"
