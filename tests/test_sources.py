"""Where settings come from, which place goes before which, and what is said of those that are wrong."""

from pathlib import Path

import pytest

from tokenry.domain.errors import SetupError
from tokenry.settings import SECRETS, Settings, variable_of
from tokenry.sources import find_settings, judge, read_settings


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A TOML file with a port and an address that has a password."""
    file = tmp_path / "tokenry.toml"
    file.write_text('port = 1\ndatabase_url = "postgresql://u:sesame@toml/d"\n')
    return file


def test_flag_goes_before_the_variable_and_this_before_the_file(config: Path) -> None:
    def port(flag: str | None, environment: dict[str, str]) -> int:
        return read_settings({"port": flag, "database_url": None}, config, environment).port

    assert [port("3", {"TOKENRY_PORT": "2"}), port(None, {"TOKENRY_PORT": "2"}), port(None, {})] == [3, 2, 1]


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_is_read_from_the_file_that_a_variable_names(tmp_path: Path, config: Path, name: str) -> None:
    value = "smtps://ada:sesame@host" if name == "smtp_url" else "redis://:sesame@host/0"
    secret = tmp_path / "secret"
    secret.write_text(f"{value}\n")
    environment = {f"{variable_of(name)}_FILE": str(secret)}
    settings = read_settings({"port": None, "database_url": None, name: None}, config, environment)
    assert getattr(settings, name) == value
    assert find_settings({name: None}, None, environment)[name].origin == f"{variable_of(name)}_FILE"


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_in_two_places_at_once_is_refused(tmp_path: Path, name: str) -> None:
    variable = variable_of(name)
    with pytest.raises(SetupError, match=f"{variable} and {variable}_FILE are both set") as refusal:
        read_settings({name: None}, environment={variable: "sesame", f"{variable}_FILE": str(tmp_path)})
    assert "sesame" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read"), (b"", "is empty"), (b" \n", "is empty"), (b"\xff", "UTF-8"), (b"x" * 70_000, "bytes")],
)
def test_file_that_holds_no_secret_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SetupError, match=f"TOKENRY_DATABASE_URL_FILE {file} .*{reason}"):
        find_settings({"database_url": None}, None, {"TOKENRY_DATABASE_URL_FILE": str(file)})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read"),
        ("port = ", "is not TOML"),
        ("\0", "is not TOML"),
        (f"port = {'9' * 5000}", "has a number too long"),
        (f"port = {'[' * 30_000}", "has a number too long, or brackets too deep"),
    ],
)
def test_settings_file_that_cannot_be_read_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    file = tmp_path / "tokenry.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SetupError, match=f"{file} {reason}"):
        find_settings({}, file, {})
    with pytest.raises(SetupError, match=f"{file} {reason}"):
        find_settings({}, None, {"TOKENRY_CONFIG_FILE": str(file)})


def test_all_that_is_wrong_is_named_at_once_and_no_value_is_repeated(tmp_path: Path) -> None:
    file = tmp_path / "tokenry.toml"
    file.write_text('prot = 80\nlog_level = "sesame"\n')
    environment = {"TOKENRY_PORT": "sesame", "TOKENRY_DATABASE_TIMEOUT": "nan"}
    with pytest.raises(SetupError) as refusal:
        read_settings({"port": None, "log_level": None, "workers": "sesame"}, file, environment)
    assert set(str(refusal.value).removesuffix(".").split("; ")) == {
        f"log_level ({file}) has to be one of debug, info, warning, error",
        "TOKENRY_PORT has to be a whole number from 0 to 65535",
        "TOKENRY_DATABASE_TIMEOUT has to be a number from 0.1 to 60",
        "--workers has to be a whole number from 1 to 64",
        f"prot ({file}) is not a setting of tokenry: did you mean port?",
    }


def test_command_reads_no_setting_that_it_has_no_flag_for() -> None:
    assert read_settings({"data_dir": None}, environment={"TOKENRY_PORT": "none"}).port == 8470


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_command_reads_no_secret_that_it_has_no_flag_for(tmp_path: Path, name: str) -> None:
    environment = {f"{variable_of(name)}_FILE": str(tmp_path / "not-for-this-user")}
    assert read_settings({"data_dir": None}, environment=environment) == Settings()


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ("workers = true", "workers", "has to be a whole number from 1 to 64"),
        ("request_timeout = true", "request_timeout", "has to be a number from 0.1 to 60"),
        ('data_dir = "a\\u0000b"', "data_dir", "has to be a path"),
        ('host = "a\\u0000b"', "host", "has to be a text"),
        (
            'database_url = "sqlite:///a\\u0000b"',
            "database_url",
            "has to be sqlite:///path/to/file or postgresql://user@host/name",
        ),
    ],
)
def test_what_would_be_taken_for_something_else_is_refused(tmp_path: Path, text: str, name: str, wanted: str) -> None:
    file = tmp_path / "tokenry.toml"
    file.write_text(text)
    assert judge(find_settings({name: None}, file, {})) == (None, {name: f"{name} ({file}) {wanted}"})


def test_number_of_a_settings_file_is_a_number_and_no_text_of_one(tmp_path: Path) -> None:
    file = tmp_path / "tokenry.toml"
    file.write_text('host = 3\ndata_dir = ["x"]\nbind_workers = "often"\n')
    _, faults = judge(find_settings(dict.fromkeys(Settings.model_fields), file, {}))
    assert [faults[name].rpartition(") ")[2] for name in ("host", "data_dir", "bind_workers")] == [
        "has to be a text",
        "has to be a path",
        "has to be true or false",
    ]


def test_settings_refuse_what_is_none_of_them_and_stay_as_they_are() -> None:
    with pytest.raises(ValueError, match="prot"):
        Settings.model_validate({"prot": 1})
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1
