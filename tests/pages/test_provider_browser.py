"""Signing in by a real provider in a real browser: its forms, its policies, its cookies, and ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.openid.real import CLIENT_ID, CLIENT_SECRET, RealProvider, real_provider
from tests.pages.parts import OVERVIEW
from tests.servers import Server, free_port, serving

PEOPLE = {"ada": {"preferred_username": "ada", "email": "ada@acme.example", "email_verified": True}}


@pytest.fixture
def port() -> int:
    """Where the service will listen, which the provider is told."""
    return free_port()


@pytest.fixture
def provider(port: int) -> Iterator[RealProvider]:
    with real_provider(PEOPLE, f"http://127.0.0.1:{port}/sign-in/callback/acme") as provider:
        yield provider


@pytest.fixture
def service(tmp_path: Path, port: int, provider: RealProvider) -> Iterator[Server]:
    file = tmp_path / "providers.toml"
    file.write_text(
        f'[acme]\nlabel = "Acme"\nissuer = "{provider.url}"\nclient_id = "{CLIENT_ID}"\n'
        f'client_secret = "{CLIENT_SECRET}"\ncreate_users = true\n'
    )
    file.chmod(0o600)
    with serving(tmp_path / "data", "--port", str(port), "--providers-file", str(file)) as server:
        yield server


def test_browser_goes_to_the_provider_and_comes_back_signed_in(browser: Browser, service: Server) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{service.url}/sign-in?next=/password")
        page.get_by_role("link", name="Sign in with Acme").click()
        page.get_by_placeholder("Enter any login").fill("ada")
        page.get_by_placeholder("and password").fill("any")
        page.get_by_role("button", name="Sign-in").click()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{service.url}/password")
        assert page.get_by_text("ada").first.is_visible()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("link", name="Sign in with Acme").click()  # the provider still knows who it is
        page.wait_for_url(f"{service.url}/console")
        page.goto(f"{service.url}{OVERVIEW}")
        assert page.get_by_text("You are signed in as ada").is_visible()
    assert CLIENT_SECRET not in service.log
    assert "code=" not in service.log
