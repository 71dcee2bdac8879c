"""`tokenry config check`, on settings from every place at once."""

from pathlib import Path

import pytest

from tests.servers import tokenry


def check(*arguments: str, status: int = 0, **variables: str) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """The value and the origin of each setting, and what is said after them."""
    done = tokenry("config", "check", *arguments, variables=variables)
    assert (done.returncode, done.stderr) == (status, "")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {line[0]: (line[1], line[2]) for line in lines[1:] if len(line) == 3}, [
        line[0] for line in lines if len(line) == 1
    ]


def test_each_value_is_shown_with_where_it_comes_from_and_secrets_are_masked(tmp_path: Path) -> None:
    file, secret = tmp_path / "tokenry.toml", tmp_path / "secret"
    file.write_text("rate_limit = 5\n")
    secret.write_text("redis://:sesame@host/0")
    shown, told = check(
        "--workers",
        "2",
        "--config-file",
        str(file),
        TOKENRY_PORT="9",
        TOKENRY_DATABASE_URL="postgresql://u:sesame@host/d",
        TOKENRY_RATE_LIMIT_STORAGE_FILE=str(secret),
    )
    assert shown["workers"] == ("2", "--workers")
    assert shown["port"] == ("9", "TOKENRY_PORT")
    assert shown["rate_limit"] == ("5", str(file))
    assert shown["database_url"] == ("********", "TOKENRY_DATABASE_URL")
    assert shown["rate_limit_storage"] == ("********", "TOKENRY_RATE_LIMIT_STORAGE_FILE")
    assert shown["host"] == ("127.0.0.1", "default")
    assert told == ["ok    all settings can be used"]


def test_all_that_is_wrong_is_named_and_no_secret_is_told(tmp_path: Path) -> None:
    _, told = check("--workers", "0", status=1, TOKENRY_PORT="http")
    assert told == [
        "WRONG TOKENRY_PORT has to be a whole number from 0 to 65535",
        "WRONG --workers has to be a whole number from 1 to 64",
    ]
    _, told = check(
        "--scopes-file",
        str(tmp_path / "none"),
        "--database-timeout",
        "9",
        status=1,
        TOKENRY_DATABASE_URL="mysql://u:sesame@host/d",
        TOKENRY_RATE_LIMIT_STORAGE="memory://:sesame@host",
        TOKENRY_UDS_GROUP="no-such-group",
        TOKENRY_PROVIDERS_FILE=str(tmp_path / "none"),
        TOKENRY_SMTP_URL="smtps://u:sesame@host",
    )
    named = [
        "TOKENRY_DATABASE_TIMEOUT",
        "--scopes-file",
        "TOKENRY_PROVIDERS_FILE",
        "TOKENRY_MAIL_FROM is not set",
        "TOKENRY_DATABASE_URL",
        "TOKENRY_RATE_LIMIT_STORAGE",
        "TOKENRY_UDS_GROUP",
    ]
    assert [name in line for name, line in zip(named, told, strict=True)] == [True] * 7
    assert "sesame" not in "".join(told)


def test_settings_file_is_shown_with_where_it_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "tokenry.toml"
    file.write_text("")
    assert check()[0]["config_file"] == ("none", "default")
    assert check(TOKENRY_CONFIG_FILE=str(file))[0]["config_file"] == (str(file), "TOKENRY_CONFIG_FILE")
    assert check("--config-file", str(file))[0]["config_file"] == (str(file), "--config-file")


def test_flag_turns_off_what_a_variable_turned_on() -> None:
    shown, _ = check("--no-bind-workers", TOKENRY_BIND_WORKERS="1")
    assert shown["bind_workers"] == ("no", "--bind-workers")


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (("--data-dir", ""), {}, "--data-dir has to be a path"),
        (("--scopes-file", ""), {}, "--scopes-file has to be a path"),
        (("--log-level", "loud"), {}, "--log-level has to be one of debug, info, warning, error"),
        *(
            (flags, variables, f"{place} has to be sqlite:///path/to/file or postgresql://user@host/name")
            for flags, variables, place in (
                ((), {"TOKENRY_DATABASE_URL": ""}, "TOKENRY_DATABASE_URL"),
                (("--database-url", ""), {}, "--database-url"),
            )
        ),
    ],
)
def test_what_would_be_taken_for_something_else_is_wrong(
    arguments: tuple[str, ...], variables: dict[str, str], told: str
) -> None:
    assert check(*arguments, status=1, **variables)[1] == [f"WRONG {told}"]
    refused = tokenry("serve", *arguments, variables=variables)
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", f"tokenry: {told}.\n")


@pytest.mark.parametrize("variable", ["TOKENRY_CONFIG_FILE", "TOKENRY_DATABASE_URL_FILE"])
def test_file_that_is_not_there_is_named(tmp_path: Path, variable: str) -> None:
    missing = tmp_path / "missing"
    done = tokenry("config", "check", variables={variable: str(missing)})
    assert (done.returncode, done.stdout) == (1, "")
    assert str(missing) in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--uds", "/run/t.sock"), ["note  all requests by the unix socket count as one client"]),
        (("--uds", "/run/t.sock", "--trusted-proxies", "10.0.0.1, unix:"), []),
        (("--uds-group", "0"), ["note  no unix socket is named"]),
        (("--trusted-proxies", "unix:"), ["note  no unix socket is named"]),
    ],
)
def test_half_of_what_a_unix_socket_takes_is_noted(arguments: tuple[str, ...], told: list[str]) -> None:
    *notes, last = check(*arguments)[1]
    assert len(notes) == len(told)
    assert all(note.startswith(start) for note, start in zip(notes, told, strict=True))
    assert last == "ok    all settings can be used"
