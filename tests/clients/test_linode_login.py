"""The unmodified linode_api4.LinodeLoginClient of PyPI, which web applications sign their users in with."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from linode_api4 import ApiError, LinodeClient, LinodeLoginClient, OAuthScopes

from tests.clients.parts import Person, read_query, register
from tests.servers import Server

REDIRECT_URI = "https://app.example/callback"


@pytest.fixture(scope="module")
def login(oauth_service: Server) -> Any:
    """The client as a web application has it: it knows no PKCE, and names no grant and no redirect address."""
    client = register(oauth_service, "Web Application", "--redirect-uri", REDIRECT_URI, "--no-pkce")
    return LinodeLoginClient(client.client_id, client.secret, base_url=oauth_service.url)


@pytest.fixture(scope="module")
def profile_of(oauth_service: Server) -> Any:
    """A function from a token to the username of whose it is, by LinodeClient."""
    return lambda token: LinodeClient(token, base_url=f"{oauth_service.url}/v4", retry=False).profile().username


def log_in(login: Any, person: Person, *scopes: Any) -> Any:
    """Let the application in; the token, scopes, expiry and refresh token that it gets."""
    sent_back = person.agree(login.generate_login_url(scopes=[*scopes], redirect_uri=REDIRECT_URI))
    assert sent_back.startswith(f"{REDIRECT_URI}?")
    return login.finish_oauth(read_query(sent_back)["code"])


def test_user_is_signed_in_and_the_token_opens_the_api(login: Any, person: Person, profile_of: Any) -> None:
    """Several scopes are joined by a comma."""
    asked = (OAuthScopes.Account.read_only, OAuthScopes.Linodes.read_write)
    token, scopes, expiry, refresh_token = log_in(login, person, *asked)
    assert set(scopes) == set(asked)
    assert timedelta(hours=1, minutes=59) < expiry - datetime.now() <= timedelta(hours=2)  # noqa: DTZ005 - its own form
    assert profile_of(token) == "admin"
    assert refresh_token


def test_application_asks_without_a_redirect_address(login: Any, person: Person) -> None:
    sent_back = person.agree(login.generate_login_url(scopes=[OAuthScopes.Account.read_only]))
    assert sent_back.startswith(f"{REDIRECT_URI}?")
    assert login.finish_oauth(read_query(sent_back)["code"])[1] == [OAuthScopes.Account.read_only]


def test_token_is_refreshed_and_expired(login: Any, person: Person, profile_of: Any) -> None:
    _, _, _, first = log_in(login, person, OAuthScopes.Account.read_only)
    token, scopes, _, second = login.refresh_oauth_token(first)
    assert (scopes, profile_of(token)) == ([OAuthScopes.Account.read_only], "admin")
    assert login.expire_token(token) is True
    with pytest.raises(ApiError, match="Invalid Token"):
        profile_of(token)
    with pytest.raises(ApiError, match="Refresh failed"):
        login.refresh_oauth_token(second)


def test_code_is_taken_once(login: Any, person: Person, profile_of: Any) -> None:
    sent_back = person.agree(login.generate_login_url(scopes=[OAuthScopes.Account.read_only]))
    code = read_query(sent_back)["code"]
    token, _, _, _ = login.finish_oauth(code)
    with pytest.raises(ApiError):
        login.finish_oauth(code)
    with pytest.raises(ApiError, match="Invalid Token"):
        profile_of(token)


def test_another_secret_gets_nothing(login: Any, oauth_service: Server, person: Person) -> None:
    sent_back = person.agree(login.generate_login_url(scopes=[OAuthScopes.Account.read_only]))
    stranger = LinodeLoginClient(login.client_id, f"{login.client_secret[:-6]}aaaaaa", base_url=oauth_service.url)
    with pytest.raises(ApiError):
        stranger.finish_oauth(read_query(sent_back)["code"])
