"""A token of the environment or of a file, and what shells and editors leave around it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.client.hostile import SECRET, TOKEN
from tokenry.client import AsyncClient, Client
from tokenry.client.environment import FILE_BYTES_MAX, environment_token

Put = Callable[[str], None]

HELD = ["{}", "{}\n", "{}\r\n", "{}\r", "  {}\t\n\n", "\n{}", "\ufeff{}", "\ufeff{}\r\n"]
NONE_AT_ALL = [
    "\n",
    "\ufeff",
    "{}\n{}\n",
    "{} {}",
    "TOKENRY_TOKEN={}\nOTHER=1\n",
    "Bearer {}",
    "{}\u200b",
    "\u201c{}\u201d",
    "{}\x7f",
    "ü" * 40,
]


@pytest.fixture(params=["TOKENRY_TOKEN", "TOKENRY_TOKEN_FILE"])
def source(request: pytest.FixtureRequest) -> str:
    source: str = request.param
    return source


@pytest.fixture
def put(source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Put:
    """A function that puts a text where a token is looked for."""

    def into(text: str) -> None:
        file = tmp_path / "token"
        file.write_bytes(text.encode())
        monkeypatch.setenv(source, text if source == "TOKENRY_TOKEN" else str(file))

    return into


@pytest.mark.parametrize("form", HELD)
def test_what_stands_around_a_token_is_none_of_it(put: Put, form: str) -> None:
    put(form.format(TOKEN))
    token = environment_token()
    assert token is not None
    assert token.reveal() == TOKEN


@pytest.mark.parametrize("form", NONE_AT_ALL)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_anything_else_is_refused_by_the_name_of_its_place(
    put: Put, source: str, form: str, kind: Callable[[], object]
) -> None:
    put(form.format(TOKEN, TOKEN))
    with pytest.raises(ValueError, match="holds no token") as caught:
        kind()
    assert f"{source} holds" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_file_of_another_encoding_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(TOKEN.encode("utf-16"))
    monkeypatch.setenv("TOKENRY_TOKEN_FILE", str(file))
    with pytest.raises(ValueError, match="holds no token"):
        environment_token()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_device_is_refused(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setenv("TOKENRY_TOKEN_FILE", device)
    with pytest.raises(ValueError, match="holds no token: it is neither a file nor a pipe"):
        environment_token()


@pytest.mark.parametrize("rest", ["", "junk"])
def test_file_is_read_to_its_end_or_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rest: str) -> None:
    file = tmp_path / "token"
    monkeypatch.setenv("TOKENRY_TOKEN_FILE", str(file))
    file.write_text(TOKEN.ljust(FILE_BYTES_MAX - len(rest)) + rest)
    if rest:
        with pytest.raises(ValueError, match="holds no token"):
            environment_token()
    else:
        assert environment_token() is not None
    file.write_text(TOKEN.ljust(FILE_BYTES_MAX) + (rest or " "))
    with pytest.raises(ValueError, match="holds no token: it has more than 65536 bytes") as caught:
        environment_token()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("padding", [0, FILE_BYTES_MAX])
def test_pipe_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, padding: int) -> None:
    pipe = tmp_path / "token"
    os.mkfifo(pipe)
    monkeypatch.setenv("TOKENRY_TOKEN_FILE", str(pipe))
    with ThreadPoolExecutor(1) as threads:
        written = threads.submit(pipe.write_text, f"{TOKEN}\n{' ' * padding}")
        if padding:
            with pytest.raises(ValueError, match="more than 65536 bytes"):
                environment_token()
        else:
            token = environment_token()
            assert token is not None
            assert token.reveal() == TOKEN
        written.exception(10)


def test_nothing_is_no_token() -> None:
    assert environment_token() is None
