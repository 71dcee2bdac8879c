"""Where a token is while and after it is used: in no process list, and in no file but its own."""

import subprocess
from pathlib import Path

from tests.cli.conftest import Person
from tests.servers import environment

PROCESSES = """#!/bin/sh
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '
cat >/dev/null
"""
"""A program in the place of curl that shows what everybody can see of all processes."""


def files_with(directory: Path, text: str) -> list[str]:
    """The files that hold it, by name."""
    return sorted(
        path.name for path in directory.rglob("*") if path.is_file() and text in path.read_text(errors="replace")
    )


def test_token_is_in_one_file_after_a_login_and_in_none_after_a_logout(stranger: Person) -> None:
    token = stranger.server.token
    stranger.does("login", stranger.server.url, given=token)
    stranger.does("whoami")
    made = stranger.does("token", "create", "--expires", "1d", "--scopes", "linodes:read_only", "-q").strip()
    stranger.does("verify", "-", given=made)
    assert files_with(stranger.home, token) == ["contexts.json"]
    assert files_with(stranger.home, made) == []
    stranger.does("logout")
    assert files_with(stranger.home, token[16:]) == []


def test_line_for_curl_shows_the_token_in_no_process_list(person: Person, tmp_path: Path) -> None:
    program = tmp_path / "curl"
    program.write_text(PROCESSES)
    program.chmod(0o755)
    line = person.does("token", "list", "--curl").strip()
    done = subprocess.run(
        ["sh", "-c", line],
        env=environment(TOKENRY_TOKEN=person.server.token, PATH=f"{tmp_path}:/usr/bin:/bin"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--header @-" in done.stdout
    assert person.server.token[16:] not in done.stdout


def test_listings_and_refusals_show_no_more_than_the_first_sixteen_characters(person: Person) -> None:
    secret = person.server.token[16:]
    told = (
        ("token", "list", "--json"),
        ("token", "view", "1"),
        ("whoami",),
        ("profile", "tokens-list", "--no-truncation"),
        ("token", "update", "1", "--label", "first token"),
    )
    refused = (
        ("token", "create", "--expires", "1d", "--scopes", person.server.token, "--label", "x"),
        ("verify", person.server.token),
        ("verify", "-", person.server.token),
        ("login", person.server.token),
        ("token", "list", f"--token={person.server.token}"),
        ("token", "revoke", "1", person.server.token, "--yes"),
        ("admin", "verify", "-", person.server.token),
        (person.server.token,),
    )
    for command in (*told, *refused):
        done = person.run(*command)
        assert done.returncode == (0 if command in told else 2)
        assert secret not in done.stdout + done.stderr, command
