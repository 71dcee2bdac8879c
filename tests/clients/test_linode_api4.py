"""The unmodified linode_api4 of PyPI, against a running service."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from linode_api4 import ApiError, ChildAccount, LinodeClient, OAuthClient, PersonalAccessToken, User, and_, or_
from linode_api4.objects.filtering import limit, order_by

from tests.clients.conftest import Family
from tests.servers import Server


def connect(server: Server, token: str) -> Any:
    return LinodeClient(token, base_url=f"{server.url}/v4", retry=False)


@pytest.fixture
def client(server: Server) -> Any:
    return connect(server, server.token)


def status_of(error: pytest.ExceptionInfo[ApiError]) -> int:
    status: int = error.value.status
    return status


def test_create_with_everything(client: Any) -> None:
    token = client.profile.token_create(
        label="api4",
        expiry=datetime(2030, 1, 1, 13, 46, 32),  # noqa: DTZ001 - as users write it
        scopes="linodes:read_only",
    )
    assert (token.label, token.scopes) == ("api4", "linodes:read_only")
    assert token.expiry == datetime(2030, 1, 1, 13, 46, 32)  # noqa: DTZ001 - the client's own form
    assert len(token.token) == 54


def test_create_with_nothing_gets_the_acting_scopes_and_no_expiry(client: Any) -> None:
    token = client.profile.token_create()
    assert token.scopes == "*"
    assert token.expiry.year == 2999


def test_expiry_as_text(client: Any) -> None:
    token = client.profile.token_create(label="api4", expiry="2030-01-01T13:46:32")
    assert token.expiry.isoformat() == "2030-01-01T13:46:32"


def test_list_across_pages(client: Any, server: Server) -> None:
    for number in range(27):
        client.profile.token_create(label=f"api4-page-{number:02}")
    in_pages = LinodeClient(server.token, base_url=f"{server.url}/v4", retry=False, page_size=25)
    tokens = in_pages.profile.tokens(
        PersonalAccessToken.label.contains("API4-page")  # upper case: contains does not care
    )
    assert (len(tokens), tokens.page_size) == (27, 25)
    assert [token.label for token in tokens] == [f"api4-page-{number:02}" for number in range(27)]


def test_filters_combine_and_order(client: Any) -> None:
    for label in ("api4-a", "api4-b", "api4-c"):
        client.profile.token_create(label=label)
    either = or_(PersonalAccessToken.label == "api4-a", PersonalAccessToken.label == "api4-c")
    labels = [token.label for token in client.profile.tokens(and_(either, PersonalAccessToken.id > 0))]
    assert labels == ["api4-a", "api4-c"]
    ordered = client.profile.tokens(either.order_by(PersonalAccessToken.label, desc=True))
    assert [token.label for token in ordered] == ["api4-c", "api4-a"]


def test_order_and_limit_nested_in_a_filter(client: Any) -> None:
    for label in ("api4-nested-b", "api4-nested-a", "api4-nested-c"):
        client.profile.token_create(label=label)
    those = PersonalAccessToken.label.contains("api4-nested")
    ordered = and_(those, order_by(PersonalAccessToken.label, desc=True))
    assert [token.label[-1] for token in client.profile.tokens(ordered)] == ["c", "b", "a"]
    assert [token.label[-1] for token in client.profile.tokens(and_(ordered, limit(2)))] == ["c", "b"]


def test_attribute_that_cannot_be_filtered_is_named(client: Any) -> None:
    with pytest.raises(ApiError, match="Cannot filter on token") as error:
        client.profile.tokens(PersonalAccessToken.token == "x")
    assert status_of(error) == 400


def test_rename_is_seen_by_a_lazy_load(client: Any) -> None:
    token = client.profile.token_create(label="api4-before")
    token.label = "api4-after"
    assert token.save()
    lazy = client.load(PersonalAccessToken, token.id)
    assert (lazy.label, lazy.token) == ("api4-after", token.token[:16])


def test_attribute_is_loaded_when_it_is_asked_for(client: Any) -> None:
    made = client.profile.token_create(label="api4-lazy", scopes="linodes:read_only")
    lazy = PersonalAccessToken(client, made.id)
    assert (lazy.scopes, lazy.created, lazy.expiry) == ("linodes:read_only", made.created, made.expiry)
    made.label = "api4-renamed"
    assert made.save()
    assert lazy.label == "api4-lazy"
    lazy.invalidate()
    assert lazy.label == "api4-renamed"


def test_only_the_label_is_saved(client: Any) -> None:
    token = client.profile.token_create(label="api4-kept", scopes="linodes:read_only")
    with pytest.raises(AttributeError):
        token.scopes = "*"
    assert client.put(f"/profile/tokens/{token.id}", data={"scopes": "*"})["scopes"] == "linodes:read_only"


def test_deleted_token_is_not_found(client: Any) -> None:
    token = client.profile.token_create(label="api4-deleted")
    assert token.delete()
    with pytest.raises(ApiError, match="Not found") as error:
        client.load(PersonalAccessToken, token.id)
    assert status_of(error) == 404


def test_wider_scopes_than_the_acting_token_are_refused(client: Any, server: Server) -> None:
    narrow = connect(server, client.profile.token_create(scopes="account:read_write").token)
    with pytest.raises(ApiError) as error:
        narrow.profile.token_create(scopes="linodes:read_only account:read_only")
    assert status_of(error) == 400
    assert "(maximum scopes: account:read_write)" in str(error.value)


def test_revoked_token_is_refused(client: Any, server: Server) -> None:
    token = client.profile.token_create(label="api4-revoked")
    text = token.token
    assert token.delete()
    with pytest.raises(ApiError, match="Invalid Token") as error:
        connect(server, text).profile.tokens()
    assert status_of(error) == 401


def test_expired_token_is_refused(client: Any, server: Server) -> None:
    expiry = datetime.now(UTC).replace(microsecond=0, tzinfo=None) + timedelta(seconds=2)
    text = client.profile.token_create(label="api4-expired", expiry=expiry).token
    while datetime.now(UTC).replace(tzinfo=None) < expiry:
        time.sleep(0.05)
    with pytest.raises(ApiError, match="Invalid Token"):
        connect(server, text).profile.tokens()


def test_profile_is_read_and_saved(client: Any) -> None:
    profile = client.profile()
    profile.timezone = "GMT"
    assert profile.save()
    assert (client.profile().timezone, client.profile().username) == ("GMT", "admin")


def test_grants_are_those_of_a_restricted_user(client: Any, server: Server, restricted_token: str) -> None:
    assert client.profile().grants is None
    profile = connect(server, restricted_token).profile()
    assert (profile.username, profile.restricted) == ("granted", True)
    assert profile.grants.global_grants.child_account_access is False


def test_lists_of_what_is_not_here_are_empty(client: Any) -> None:
    """But for logins, whose path this client builds without its first slash."""
    profile = client.profile
    lists = (profile.apps, profile.trusted_devices, client.regions, client.images, client.linode.types)
    assert [list(things()) for things in lists] == [[]] * len(lists)


def test_users_are_made_granted_renamed_and_deleted(client: Any) -> None:
    user = client.account.user_create("ada@example.org", "api4-ada")
    assert (user.restricted, user.user_type) == (True, "default")
    grants = user.grants
    assert grants.global_grants.child_account_access is False
    grants.global_grants.child_account_access = True
    assert grants.save()
    assert client.load(User, "api4-ada").grants.global_grants.child_account_access is True
    user.username = "api4-countess"
    assert user.save()
    (renamed,) = client.account.users(User.username == "api4-countess")
    assert renamed.delete()
    assert not client.account.users(User.username == "api4-countess")


def test_public_oauth_client_has_an_empty_secret_that_cannot_be_reset(client: Any) -> None:
    made = client.account.oauth_client_create("api4-public", "http://localhost/callback", public=True)
    assert (made.public, made.secret) == (True, "")
    with pytest.raises(ApiError, match="has none"):
        made.reset_secret()
    assert made.delete()


def test_oauth_clients_are_made_changed_reset_and_deleted(client: Any) -> None:
    made = client.account.oauth_client_create("api4-app", "https://app.example/callback")
    assert (made.label, made.status, made.public, made.thumbnail_url) == ("api4-app", "active", False, None)
    assert len(made.secret) == 54
    (found,) = client.account.oauth_clients(OAuthClient.label == "api4-app")
    assert (found.id, found.secret) == (made.id, "<REDACTED>")
    found.label = "api4-renamed"
    assert found.save()
    reset = found.reset_secret()
    assert len(reset) == 54
    assert reset != made.secret
    renamed = client.load(OAuthClient, made.id)
    assert (renamed.label, renamed.redirect_uri) == ("api4-renamed", "https://app.example/callback")
    assert renamed.delete()
    with pytest.raises(ApiError) as gone:
        client.load(OAuthClient, made.id)
    assert status_of(gone) == 404


def test_account_is_read(client: Any) -> None:
    assert (client.account().company, client.account().balance) == ("tokenry", 0.0)


def test_child_account_is_listed_loaded_and_entered(server: Server, family: Family) -> None:
    client = connect(server, family.token)
    (child,) = client.account.child_accounts(ChildAccount.company == "Child")
    assert child.euuid == family.child
    assert client.load(ChildAccount, family.child).email == "c@example.org"
    token = child.create_token()
    assert (token.scopes, token.expiry - token.created) == ("*", timedelta(minutes=15))
    inside = connect(server, token.token)
    assert inside.account().euuid == family.child
    assert inside.profile().username.startswith("Parent_")
    with pytest.raises(ApiError, match="Unauthorized") as error:
        inside.profile.token_create(label="x")
    assert status_of(error) == 403
