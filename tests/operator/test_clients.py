"""`tokenry admin client …`, on the database of a running service."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from tests.operator.parts import fail, rows, run
from tests.servers import TOKENRY, Server, environment, serving, tokenry
from tokenry.domain.clients import PresentedClient
from tokenry.domain.oauth import OAuthRefusal
from tokenry.settings import Settings
from tokenry.wiring import open_installation

APP = "https://app.example/callback"
CLIENT = ("admin", "client")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("clients") / "data") as server:
        yield server


def create(service: Server, *arguments: str, label: str = "Example") -> dict[str, str]:
    """Register a client; its id, and its secret if it has one."""
    told = run(service, *CLIENT, "create", "--label", label, *arguments)
    return dict(line.split("\t") for line in told.splitlines())


def view(service: Server, client_id: str) -> dict[str, object]:
    known: dict[str, object] = json.loads(run(service, *CLIENT, "view", client_id))
    return known


def proves(service: Server, client_id: str, secret: str | None) -> bool:
    installation = open_installation(Settings(data_dir=service.data_dir))
    try:
        installation.client_authentication.authenticate(PresentedClient(client_id, secret))
    except OAuthRefusal:
        return False
    finally:
        installation.database.close()
    return True


def test_client_is_made_with_a_secret_that_proves_it(service: Server) -> None:
    made = create(service, "--redirect-uri", APP)
    assert proves(service, made["client_id"], made["client_secret"])
    assert view(service, made["client_id"]) == {
        "client_id": made["client_id"],
        "public": False,
        "state": "enabled",
        "label": "Example",
        "website": "",
        "redirect_uris": [APP],
        "authentication": "client_secret_basic",
        "jwks": None,
        "verified": False,
        "grant_types": ["authorization_code", "refresh_token"],
        "scopes": "*",
        "pkce_required": True,
        "dpop_required": False,
        "par_required": False,
        "narrowing": False,
    }


def test_everything_can_be_set_and_changed(service: Server, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    several = ("--redirect-uri", APP, "--redirect-uri", "http://127.0.0.1/cb")
    made = create(
        service,
        *several,
        *("--website", "https://app.example/", "--scopes", "linodes:read_only", "--jwks-file", str(keys)),
        *("--grant-type", "authorization_code", "--grant-type", "client_credentials", "--account", "tokenry"),
        *("--no-pkce", "--dpop", "--par", "--narrowing", "--verified", "--client-id", "example.1"),
    )
    assert made == {"client_id": "example.1"}
    known = view(service, "example.1")
    assert known["redirect_uris"] == [APP, "http://127.0.0.1/cb"]
    assert (known["authentication"], known["scopes"]) == ("private_key_jwt", "linodes:read_only")
    assert known["grant_types"] == ["authorization_code", "client_credentials"]
    switches = ("pkce_required", "dpop_required", "par_required", "narrowing", "verified")
    assert [known[switch] for switch in switches] == [False, True, True, True, True]
    users = rows(run(service, "admin", "user", "list"))
    assert [user["admin"] for user in users if user["username"] == "client-example.1"] == ["no"]
    run(service, *CLIENT, "update", "example.1", "--no-verified", "--label", "Other", "--pkce")
    assert view(service, "example.1") == {**known, "verified": False, "label": "Other", "pkce_required": True}


def test_command_line_of_the_wire_format_has_a_preset(service: Server) -> None:
    made = dict(line.split("\t") for line in run(service, *CLIENT, "create", "--preset", "linode-cli").splitlines())
    assert made == {"client_id": "5823b4627e45411d18e9"}
    known = view(service, made["client_id"])
    assert (known["public"], known["grant_types"], known["redirect_uris"]) == (True, ["implicit"], ["http://localhost"])


def test_clients_are_listed(service: Server) -> None:
    made = create(service, "--redirect-uri", APP, "--public", label="Listed")
    assert list(made) == ["client_id"]
    listed = [row for row in rows(run(service, *CLIENT, "list")) if row["label"] == "Listed"]
    assert [(row["client_id"], row["public"], row["state"]) for row in listed] == [
        (made["client_id"], "yes", "enabled")
    ]


def test_secret_is_reset(service: Server) -> None:
    made = create(service, "--redirect-uri", APP)
    reset = dict(line.split("\t") for line in run(service, *CLIENT, "reset-secret", made["client_id"]).splitlines())
    assert proves(service, made["client_id"], reset["client_secret"])
    assert not proves(service, made["client_id"], made["client_secret"])


def test_disabled_client_is_refused_until_it_is_enabled(service: Server) -> None:
    made = create(service, "--redirect-uri", APP)
    one = made["client_id"]
    assert "is now disabled" in run(service, *CLIENT, "disable", one)
    assert "was already disabled" in run(service, *CLIENT, "disable", one)
    assert not proves(service, one, made["client_secret"])
    assert "is now enabled" in run(service, *CLIENT, "enable", one)
    assert proves(service, one, made["client_secret"])


def test_deleted_client_is_gone_and_its_id_is_nobody_elses(service: Server) -> None:
    create(service, "--redirect-uri", APP, "--client-id", "gone")
    assert "is deleted" in run(service, *CLIENT, "delete", "gone", "--yes")
    assert "There is no client gone." in fail(service, *CLIENT, "view", "gone")
    again = ("create", "--label", "a", "--redirect-uri", APP, "--client-id", "gone")
    assert "A client is called so, or was once" in fail(service, *CLIENT, *again)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--redirect-uri", "http://app.example"), "--redirect-uri: Must begin with https://"),
        ((), "--redirect-uri: Must be sent"),
        (("--redirect-uri", APP, "--scopes", "nothing:read_only"), "--scopes: Invalid scope"),
        (("--redirect-uri", APP, "--public", "--no-pkce"), "public client"),
        (("--redirect-uri", APP, "--client-id", "a b"), "--client-id: Must be"),
        (("--grant-type", "client_credentials"), "must be of an account"),
        (("--redirect-uri", APP, "--account", "nobody"), "no account of this name"),
    ],
)
def test_client_that_does_not_go_is_refused(service: Server, arguments: tuple[str, ...], reason: str) -> None:
    assert reason in fail(service, *CLIENT, "create", "--label", "a", *arguments)


@pytest.mark.parametrize("text", ["", "{", '{"keys": []}'])
def test_file_without_keys_is_refused(service: Server, tmp_path: Path, text: str) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(text)
    done = tokenry(*CLIENT, "create", "--label", "a", "--jwks-file", str(keys), "--data-dir", str(service.data_dir))
    assert done.returncode != 0
    assert "jwks" in done.stderr
    assert "Traceback" not in done.stderr


def test_update_of_nothing_is_refused(service: Server) -> None:
    done = tokenry(*CLIENT, "update", "x", "--data-dir", str(service.data_dir))
    assert (done.returncode, "say what to change" in done.stderr) == (2, True)


def test_secret_that_cannot_be_written_is_taken_back(service: Server) -> None:
    """As of a token: whoever runs the command finds no client that nobody can be."""
    words = ("create", "--label", "Lost", "--redirect-uri", APP, "--data-dir", str(service.data_dir))
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [TOKENRY, *CLIENT, *words], stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False
        )
    assert done.returncode != 0
    assert b"is deleted" in done.stderr
    assert "Lost" not in [row["label"] for row in rows(run(service, *CLIENT, "list"))]
