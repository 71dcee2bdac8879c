"""The unmodified @linode/api-v4 of npm, which Linode's own web page is built on, against a running service."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.clients.conftest import Family
from tests.node import Node, need_modules
from tests.servers import Server


@dataclass
class ApiV4:
    """The package with one token."""

    node: Node
    server: Server
    token: str

    def outcome(self, function: str, *arguments: object) -> dict[str, Any]:
        """What became of a call: see calls.js."""
        return self.node.call(url=f"{self.server.url}/v4", token=self.token, call=[function, *arguments])

    def answer(self, function: str, *arguments: object) -> Any:
        """What a call returned that must succeed."""
        outcome = self.outcome(function, *arguments)
        assert "answer" in outcome, outcome
        return outcome["answer"]

    def refusal(self, function: str, *arguments: object) -> tuple[int, list[dict[str, str]]]:
        """The status and the errors of a call that the service must refuse, as the AxiosError carries them."""
        outcome = self.outcome(function, *arguments)
        assert "status" in outcome, outcome
        return outcome["status"], outcome["errors"]

    def acting_with(self, token: str) -> "ApiV4":
        """The same with another token."""
        return replace(self, token=token)

    def narrow(self, scopes: str) -> "ApiV4":
        """The same with a new token that has these scopes."""
        made = self.answer("createPersonalAccessToken", {"label": "js-narrow", "scopes": scopes})
        return self.acting_with(made["token"])


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    need_modules()
    node = Node("calls.js")
    yield node
    node.stop()


@pytest.fixture
def client(node: Node, server: Server) -> ApiV4:
    return ApiV4(node, server, server.token)


def test_create_with_everything(client: ApiV4) -> None:
    request = {"label": "js", "scopes": "linodes:read_only domains:read_write", "expiry": "2030-01-01T13:46:32"}
    token = client.answer("createPersonalAccessToken", request)
    assert {key: token[key] for key in request} == request
    assert len(token["token"]) == 54


def test_create_with_a_label_alone_gets_the_acting_scopes_and_no_expiry(client: ApiV4) -> None:
    token = client.answer("createPersonalAccessToken", {"label": "js"})
    assert (token["scopes"], token["expiry"]) == ("*", "2999-12-12T05:00:00")


def test_expiry_never_as_the_web_page_sends_it_is_kept(client: ApiV4) -> None:
    request = {"label": "js-never", "scopes": "*", "expiry": "2225-06-15T00:00:00"}
    assert client.answer("createPersonalAccessToken", request)["expiry"] == request["expiry"]


def test_created_token_is_listed_with_the_beginning_of_its_text(client: ApiV4) -> None:
    text = client.answer("createPersonalAccessToken", {"label": "js-listed"})["token"]
    (listed,) = client.answer("getPersonalAccessTokens", {}, {"label": "js-listed"})["data"]
    assert text.startswith(listed["token"])  # so the web page finds the token it acts with
    assert len(listed["token"]) == 16


@pytest.mark.parametrize("column", ["label", "created", "expiry"])
def test_list_is_ordered_by_the_columns_of_the_web_page(client: ApiV4, column: str) -> None:
    for number in (2, 1, 3):
        request = {"label": f"js-{column}-{number}", "expiry": f"2030-01-0{number}T00:00:00"}
        client.answer("createPersonalAccessToken", request)
    wanted = {"label": {"+contains": f"js-{column}-"}, "+order": "desc", "+order_by": column}
    page = client.answer("getPersonalAccessTokens", {"page": 1, "page_size": 25}, wanted)
    values = [token[column] for token in page["data"]]
    assert values == sorted(values, reverse=True)
    assert (page["page"], page["pages"], page["results"]) == (1, 1, 3)


def test_nested_filter(client: ApiV4) -> None:
    for letter in "abc":
        client.answer("createPersonalAccessToken", {"label": f"js-nested-{letter}"})
    either = {"+or": [{"label": "js-nested-a"}, {"label": "js-nested-c"}]}
    page = client.answer("getPersonalAccessTokens", {}, {"+and": [either, {"+order_by": "label", "+order": "desc"}]})
    assert [token["label"] for token in page["data"]] == ["js-nested-c", "js-nested-a"]


def test_filter_on_what_cannot_be_filtered_is_refused(client: ApiV4) -> None:
    refusal = client.refusal("getPersonalAccessTokens", {}, {"token": "x"})
    assert refusal == (400, [{"reason": "Cannot filter on token", "field": "X-Filter"}])


def test_too_small_a_page_is_refused(client: ApiV4) -> None:
    refusal = client.refusal("getPersonalAccessTokens", {"page_size": 10})
    assert refusal == (400, [{"reason": "Must be 25-500", "field": "page_size"}])


def test_view_rename_and_delete(client: ApiV4) -> None:
    made = client.answer("createPersonalAccessToken", {"label": "js-before"})
    token_id, shown = made["id"], {**made, "token": made["token"][:16]}
    assert client.answer("getPersonalAccessToken", token_id) == shown
    renamed = {**shown, "label": "js-after"}
    assert client.answer("updatePersonalAccessToken", token_id, {"label": "js-after"}) == renamed
    assert client.answer("deletePersonalAccessToken", token_id) == {}
    for function in ("getPersonalAccessToken", "deletePersonalAccessToken"):
        assert client.refusal(function, token_id) == (404, [{"reason": "Not found"}])


def test_empty_label_is_refused_by_the_client_itself(client: ApiV4) -> None:
    outcome = client.outcome("createPersonalAccessToken", {"label": ""})
    assert [error["field"] for error in outcome["errors"]] == ["label"]
    assert "status" not in outcome


def test_no_access_to_everything_is_refused(client: ApiV4) -> None:
    """What the web page sends when nothing is chosen."""
    refusal = client.refusal("createPersonalAccessToken", {"label": "js", "scopes": ""})
    assert refusal == (400, [{"reason": "Must contain at least one scope", "field": "scopes"}])


def test_wider_scopes_than_the_acting_token_are_refused(client: ApiV4) -> None:
    narrow = client.narrow("account:read_write")
    status, (error,) = narrow.refusal("createPersonalAccessToken", {"label": "js", "scopes": "linodes:read_only"})
    assert (status, error["field"]) == (400, "scopes")
    assert error["reason"].endswith("(maximum scopes: account:read_write)")


def test_scope_that_does_not_reach_is_told_from_a_bad_token(client: ApiV4) -> None:
    narrow = client.narrow("linodes:read_only")
    outcome = narrow.outcome("getPersonalAccessTokens")
    assert outcome["status"] == 401
    assert outcome["errors"] == [{"reason": "Your OAuth token is not authorized to use this endpoint."}]
    assert outcome["headers"]["x-oauth-scopes"] == "linodes:read_only"


def test_revoked_token_is_refused(client: ApiV4) -> None:
    made = client.answer("createPersonalAccessToken", {"label": "js-revoked"})
    revoked = client.acting_with(made["token"])
    assert revoked.answer("deletePersonalAccessToken", made["id"]) == {}  # it may revoke itself
    assert revoked.refusal("getPersonalAccessTokens") == (401, [{"reason": "Invalid Token"}])


def test_profile_is_read_and_changed(client: ApiV4) -> None:
    assert client.answer("updateProfile", {"timezone": "Asia/Tokyo"})["timezone"] == "Asia/Tokyo"
    profile = client.answer("getProfile")
    assert (profile["username"], profile["timezone"], profile["restricted"]) == ("admin", "Asia/Tokyo", False)


@pytest.mark.parametrize("function", ["getMyGrants", "listGrants"])
def test_unrestricted_user_has_no_grants(client: ApiV4, function: str) -> None:
    """A 204 has no body, which the client gives as an empty text."""
    assert client.answer(function) == ""


@pytest.mark.parametrize(
    "function", ["getAppTokens", "getLogins", "getTrustedDevices", "getRegions", "getLinodeTypes", "getImages"]
)
def test_list_of_what_is_not_here_is_empty(client: ApiV4, function: str) -> None:
    assert client.answer(function) == {"data": [], "page": 1, "pages": 1, "results": 0}


def test_restricted_user_has_grants(client: ApiV4, restricted_token: str) -> None:
    granted = client.acting_with(restricted_token)
    assert granted.answer("getProfile")["restricted"] is True
    grants = granted.answer("getMyGrants")
    assert grants["global"]["child_account_access"] is False
    assert grants["linode"] == []


def test_users_and_account_are_read(client: ApiV4) -> None:
    (admin,) = client.answer("getUsers", {}, {"username": "admin"})["data"]
    assert client.answer("getUser", "admin") == admin
    assert client.answer("getAccountInfo")["company"] == "tokenry"


def test_user_is_made_granted_and_deleted(client: ApiV4) -> None:
    asked = {"username": "js-ada", "email": "ada@example.org", "restricted": True}
    made = client.answer("createUser", asked)
    assert {key: made[key] for key in asked} == asked
    assert client.answer("updateUser", "js-ada", {"email": "ada@example.com"})["email"] == "ada@example.com"
    grants = client.answer("updateGrants", "js-ada", {"global": {"child_account_access": True}})
    assert grants["global"]["child_account_access"] is True
    assert client.answer("getGrants", "js-ada") == grants
    assert client.answer("deleteUser", "js-ada") == {}
    assert client.refusal("getUser", "js-ada") == (404, [{"reason": "Not found"}])


@pytest.mark.parametrize(
    ("listing", "viewing", "entering"),
    [
        ("getChildAccounts", "getChildAccount", "createChildAccountPersonalAccessToken"),
        ("getMyDelegatedChildAccounts", "getDelegatedChildAccount", "generateChildAccountToken"),
    ],
)
def test_child_account_is_listed_viewed_and_entered(
    client: ApiV4, family: Family, listing: str, viewing: str, entering: str
) -> None:
    """The client sends the bare euuid, announced as a form; on the old paths as on those that took their place."""
    parent = client.acting_with(family.token)
    (child,) = parent.answer(listing, {"filter": {"company": "Child"}})["data"]
    assert child == parent.answer(viewing, {"euuid": family.child})
    token = parent.answer(entering, {"euuid": family.child})
    inside = client.acting_with(token["token"])
    assert inside.answer("getProfile")["user_type"] == "proxy"
    (listed,) = [row for row in inside.answer("getPersonalAccessTokens")["data"] if row["id"] == token["id"]]
    assert token["token"].startswith(listed["token"])
    assert inside.answer("deletePersonalAccessToken", token["id"]) == {}
    assert inside.refusal("getProfile") == (401, [{"reason": "Invalid Token"}])


def test_account_without_children_enters_none(client: ApiV4) -> None:
    assert client.refusal("getChildAccounts", {}) == (403, [{"reason": "Unauthorized"}])
