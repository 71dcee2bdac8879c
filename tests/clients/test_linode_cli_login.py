"""The unmodified linode-cli of PyPI is configured by its web login, in Chromium, to a working configuration.

It opens an address at login.linode.com, which is written into it. That leads here in two ways (docs/operating.md).
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench.gateways import ARGUMENTS
from tests.browsers import chromium
from tests.certificates import make_certificate
from tests.clients.parts import USERNAME, Person
from tests.gateways.programs import find, free_port, stop
from tests.passwords import PASSWORD
from tests.servers import LINODE_CLI, Server, environment, is_open, tokenry, wait_until
from tokenry.operator.gateway import Gateway

BUILT_IN = "https://login.linode.com"
SECONDS_MAX = 30
NO_DEFAULTS = ("", "", "", "")
"""Of region, type, image and user."""
Lead = Callable[[str], str]


@contextmanager
def redirecting(folder: Path, service: Server) -> Iterator[int]:
    """nginx, which sends whoever asks for login.linode.com to the service; its port."""
    port, made = free_port(), make_certificate(folder, "DNS:login.linode.com")
    (folder / "tokenry.conf").write_text(f"""
        server {{
            listen 127.0.0.1:{port} ssl;
            server_name login.linode.com;
            ssl_certificate {made.file};
            ssl_certificate_key {made.key};
            return 302 {service.url}$request_uri;
        }}""")
    with (folder / "log").open("w") as log:
        nginx = subprocess.Popen(
            [find(Gateway.NGINX), *ARGUMENTS[Gateway.NGINX](folder)], env=environment(), stdout=log, stderr=log
        )
    try:
        wait_until(lambda: is_open(port), SECONDS_MAX, "nginx did not start")
        yield port
    finally:
        stop(nginx)


@pytest.fixture(scope="module")
def browser(oauth_service: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium where the name login.linode.com is that of nginx."""
    with (
        redirecting(tmp_path_factory.mktemp("nginx"), oauth_service) as port,
        chromium(f"--host-resolver-rules=MAP login.linode.com 127.0.0.1:{port}") as browser,
    ):
        yield browser


@pytest.fixture(scope="module", autouse=True)
def registered(oauth_service: Server, person: Person) -> None:
    """The client is known there, and the administrator has a password."""
    made = tokenry("admin", "client", "create", "--preset", "linode-cli", "--data-dir", str(oauth_service.data_dir))
    assert made.returncode == 0, made.stderr


@pytest.mark.parametrize("way", ["by its own name", "by the name that is written in"])
def test_program_is_configured_by_its_web_login(
    browser: Browser, oauth_service: Server, tmp_path: Path, way: str
) -> None:
    ours = oauth_service.url if way == "by its own name" else BUILT_IN
    opened = tmp_path / "opened"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf %s "{ours}${{1#{BUILT_IN}}}" > {opened}.new && mv {opened}.new {opened}\n')
    script.chmod(0o700)
    answers = ("y", "", *NO_DEFAULTS, "y", oauth_service.address, "v4", "http", "n")  # to try it, and to press Enter
    with subprocess.Popen(
        [LINODE_CLI, "configure"],
        env=environment(
            HOME=str(tmp_path),
            BROWSER=str(script),
            DISPLAY="",
            WAYLAND_DISPLAY="",
            LINODE_CLI_API_HOST=oauth_service.address,
            LINODE_CLI_API_SCHEME="http",
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write("".join(f"{answer}\n" for answer in answers))
            process.stdin.flush()
            wait_until(opened.exists, SECONDS_MAX, "no browser was opened")
            assert log_in(browser, opened.read_text()).startswith("http://localhost:")
            said, wrong = process.communicate(timeout=SECONDS_MAX)
        finally:
            process.kill()
    assert (process.returncode, wrong) == (0, "")
    assert "Active user is now admin" in said
    assert "Linode CLI @ " in list_tokens(tmp_path)


def log_in(browser: Browser, address: str) -> str:
    """Sign in and agree, as its user does; where the browser is then, without the token."""
    with browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_label("Username or email address").fill(USERNAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        assert "Linode CLI asks for access" in page.get_by_role("main").inner_text()
        page.get_by_role("button", name="Agree").click()
        page.get_by_text("Success!").wait_for()
        page.wait_for_load_state("networkidle")
        return page.url.partition("#")[0]


def list_tokens(home: Path) -> str:
    """The labels of the tokens, as the program lists them from then on."""
    listed = subprocess.run(
        [LINODE_CLI, "--suppress-warnings", "profile", "tokens-list", "--json"],
        env=environment(HOME=str(home)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return " ".join(row["label"] for row in json.loads(listed.stdout) if row["expiry"].startswith("2999"))
