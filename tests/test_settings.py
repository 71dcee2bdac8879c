"""What can be set, and the data directory."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tokenry.domain.errors import SetupError
from tokenry.settings import (
    CLIENT_VARIABLES,
    SECRETS,
    VARIABLES,
    Settings,
    forget_variables,
    require_directory,
    unknown_variables,
)
from tokenry.sources import read_settings, take_settings
from tokenry.storage.catalogue import default_catalogue
from tokenry.wiring import prepare

NOBODY = 65534


@pytest.fixture
def without_roots_rights() -> Iterator[None]:
    """As somebody who may not write everywhere: access(2) judges by the real user."""
    if os.geteuid() == 0:
        os.setresuid(NOBODY, 0, 0)
        yield
        os.setresuid(0, 0, 0)
    else:
        yield


def test_every_setting_has_a_variable_of_its_name() -> None:
    names = {f"TOKENRY_{name.upper()}" for name in Settings.model_fields}
    assert VARIABLES - names == {"TOKENRY_CONFIG_FILE", *(f"TOKENRY_{name.upper()}_FILE" for name in SECRETS)}
    assert names <= VARIABLES


def test_variables_that_mean_nothing_are_named_in_order() -> None:
    environment = [
        "TOKENRY_PROT",
        "PATH",
        "TOKENRY_PORT",
        "TOKENRY_",
        "TOKENRY_DATABASE",
        "tokenry_port",
        "MY_TOKENRY_X",
    ]
    assert unknown_variables(environment) == ["TOKENRY_", "TOKENRY_DATABASE", "TOKENRY_PROT"]


@pytest.mark.parametrize(("database", "request_"), [(7.0, 7.0), (30.0, 7.0)])
def test_request_that_would_end_before_its_wait_for_others_is_refused(database: float, request_: float) -> None:
    with pytest.raises(SetupError) as refusal:
        Settings(database_timeout=database, request_timeout=request_).require_deadlines_in_order()
    assert "TOKENRY_DATABASE_TIMEOUT" in str(refusal.value)
    assert "TOKENRY_REQUEST_TIMEOUT (7 seconds)" in str(refusal.value)


def test_deadlines_in_order_are_taken() -> None:
    Settings().require_deadlines_in_order()
    Settings(database_timeout=30, request_timeout=60).require_deadlines_in_order()


@pytest.mark.parametrize(
    ("given", "lacking"),
    [({"smtp_url": "smtps://mail.example"}, "TOKENRY_MAIL_FROM"), ({"mail_from": "a@b.example"}, "TOKENRY_SMTP_URL")],
)
def test_half_of_what_mail_takes_is_refused_at_the_start(given: dict[str, str], lacking: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=f"^{lacking} is not set"):
        prepare(take_settings(data_dir=tmp_path, **given))
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(("text", "seconds"), [(None, 4.0), ("", 4.0), ("0.1", 0.1), ("60", 60.0), (" 2.5 ", 2.5)])
def test_commands_wait_as_long_as_the_variable_says(tmp_path: Path, text: str | None, seconds: float) -> None:
    environment = {} if text is None else {"TOKENRY_DATABASE_TIMEOUT": text}
    assert read_settings({"data_dir": tmp_path}, environment=environment).database_timeout == seconds


@pytest.mark.parametrize("text", ["soon", "0", "61", "-1", "nan", "inf"])
def test_variable_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SetupError, match=r"TOKENRY_DATABASE_TIMEOUT has to be a number from 0\.1 to 60\."):
        read_settings({}, environment={"TOKENRY_DATABASE_TIMEOUT": text})


def test_environment_of_the_process_is_the_one_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENRY_PROT", "8470")
    assert "TOKENRY_PROT" in unknown_variables()


def test_no_variable_of_ours_is_left_for_other_processes() -> None:
    environment = {"TOKENRY_PORT": "1", "TOKENRY_DATABASEURL": "sesame", "TOKENRY_TOKEN": "sesame", "HOME": "/"}
    forget_variables(environment)
    assert environment == {"HOME": "/"}


def test_known_variables_are_all_known() -> None:
    assert unknown_variables(VARIABLES | CLIENT_VARIABLES) == []


def test_catalogue_is_the_default_one_unless_a_file_is_named() -> None:
    assert Settings().catalogue() == default_catalogue()


def test_catalogue_of_the_named_file_replaces_the_default(tmp_path: Path) -> None:
    (tmp_path / "scopes.toml").write_text('[wiki]\nlevels = ["read_only"]\n')
    catalogue = Settings(scopes_file=tmp_path / "scopes.toml").catalogue()
    assert [resource.name for resource in catalogue.resources] == ["account", "wiki"]


@pytest.mark.parametrize(
    "text", ["gateway", "10.0.0.1/8", "10.0.0.0/8 ::1", "10.0.0.0/8,proxy", "*", "unix", "unix:/run/a"]
)
def test_proxy_that_would_never_be_believed_or_always_is_refused(text: str) -> None:
    with pytest.raises(SetupError, match=r"^TOKENRY_TRUSTED_PROXIES has to be addresses or networks such as"):
        read_settings({"trusted_proxies": None}, environment={"TOKENRY_TRUSTED_PROXIES": text})


@pytest.mark.parametrize("text", ["", "10.0.0.1", "10.0.0.0/8, ::1", "fd00::/8,", "unix:", "10.0.0.1, unix:"])
def test_proxies_are_addresses_and_networks(text: str) -> None:
    assert Settings(trusted_proxies=text).trusted_proxies == text


def test_service_is_for_this_machine_alone_unless_told_otherwise() -> None:
    assert (Settings().host, Settings().trusted_proxies) == ("127.0.0.1", "")


def test_data_directory_is_made_with_its_parents_for_its_owner_alone(tmp_path: Path) -> None:
    require_directory(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_data_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    require_directory(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


@pytest.mark.parametrize("place", ["file", "file/data"])
def test_data_directory_that_cannot_be_made_is_refused_by_name(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be made") as refusal:
        require_directory(tmp_path / place)
    assert str(tmp_path / place) in str(refusal.value)


@pytest.mark.usefixtures("without_roots_rights")
def test_data_directory_that_is_not_writable_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SetupError, match="is not writable"):
        require_directory(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("uds", "/" + "s" * 107, "has to be a path of at most 107 bytes"),
        ("uds", "/" + "é" * 54, "has to be a path of at most 107 bytes"),
        *(
            ("uds_mode", mode, "has to be three octal digits")
            for mode in ("", "66", "1777", "0o660", "rw-rw----", "668")
        ),
        ("uds_mode", 660, "has to be three octal digits"),  # a number of a TOML file: which one is meant?
    ],
)
def test_socket_that_cannot_be_is_refused_by_name(tmp_path: Path, name: str, value: str | int, wanted: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f"{name} = {json.dumps(value, ensure_ascii=False)}\n", "utf-8")
    with pytest.raises(SetupError, match=rf"{name} \({file}\) {wanted}"):
        read_settings({"uds": None, "uds_mode": None}, file, environment={})


def test_socket_is_taken_as_it_is_written() -> None:
    longest = "/" + "s" * 106
    environment = {"TOKENRY_UDS": longest, "TOKENRY_UDS_MODE": "600", "TOKENRY_UDS_GROUP": "12"}
    settings = read_settings(dict.fromkeys(["uds", "uds_mode", "uds_group"]), environment=environment)
    assert (str(settings.uds), settings.uds_mode, settings.uds_group) == (longest, "600", "12")
    assert (Settings().uds, Settings().uds_mode, Settings().uds_group) == (None, "0660", None)


KEYS = "https://api.github.com/meta/public_keys/secret_scanning"


@pytest.mark.parametrize("text", [KEYS, "https://keys.example:8443/?a=b", "http://127.0.0.1:80/keys", "http://[::1]/"])
def test_keys_of_leak_reports_are_at_an_address_that_can_be_believed(text: str) -> None:
    assert Settings(leak_keys_url=text).leak_keys_url == text


@pytest.mark.parametrize(
    "text", ["keys", "/keys", "http://keys.example/", "ftp://localhost/", "https:///x", "https://a:b@c/", f"{KEYS}#a"]
)
def test_keys_of_leak_reports_that_anybody_could_replace_are_refused(text: str) -> None:
    with pytest.raises(SetupError, match=r"^TOKENRY_LEAK_KEYS_URL has to be an https address, or http:// on this"):
        read_settings({"leak_keys_url": None}, environment={"TOKENRY_LEAK_KEYS_URL": text})
