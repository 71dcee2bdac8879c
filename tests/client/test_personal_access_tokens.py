"""The original interface: its operations, parameters and types, against the real service and what was recorded."""

import copy
import inspect
import json
import pickle
import re
import traceback
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.client.conftest import NewApi, NewClient
from tests.client.hostile import ROW, SECRET, TOKEN, http, saying
from tests.servers import Server
from tokenry.client import (
    AsyncPersonalAccessTokensApi,
    GetPersonalAccessTokens200ResponseDataInner,
    NotFound,
    PersonalAccessTokensApi,
    PostPersonalAccessTokenRequest,
    PutPersonalAccessTokenRequest,
    TokenExpiresSoon,
    Unauthorized,
    where,
)

VECTORS = [
    vector
    for vector in json.loads((Path(__file__).parents[1] / "api" / "vectors.json").read_text("utf-8"))["vectors"]
    if "body_raw" in vector.get("response", {})
]
PARAMETERS = {
    "get_personal_access_tokens": ["api_version"],
    "post_personal_access_token": ["api_version", "post_personal_access_token_request"],
    "get_personal_access_token": ["api_version", "token_id"],
    "put_personal_access_token": ["api_version", "token_id", "put_personal_access_token_request"],
    "delete_personal_access_token": ["api_version", "token_id"],
}
"""The original's operations, and the parameters of each in their order."""
NEVER = datetime(2999, 12, 12, 5, tzinfo=UTC)


@pytest.fixture(params=["v4", "v4beta"])
def version(request: pytest.FixtureRequest) -> str:
    version: str = request.param
    return version


@pytest.fixture
def api(new_api: NewApi, server: Server) -> PersonalAccessTokensApi:
    return new_api(base_url=server.url, token=server.token)


@pytest.mark.parametrize("kind", [PersonalAccessTokensApi, AsyncPersonalAccessTokensApi])
def test_operations_and_parameters_are_the_originals(kind: type[object]) -> None:
    operations = {name: value for name, value in vars(kind).items() if name.endswith(("_token", "_tokens"))}
    by_place = {
        name: [
            parameter.name
            for parameter in inspect.signature(operation).parameters.values()
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name != "self"
        ]
        for name, operation in operations.items()
    }
    assert by_place == PARAMETERS


@pytest.mark.parametrize("kind", [PersonalAccessTokensApi, AsyncPersonalAccessTokensApi])
def test_address_is_the_originals_by_default(kind: Callable[..., object]) -> None:
    assert inspect.signature(kind).parameters["base_url"].default == "https://api.linode.com"


def test_life_of_a_token(api: PersonalAccessTokensApi, version: str) -> None:
    expiry = datetime(2090, 1, 2, 3, 4, 5, tzinfo=UTC)
    new = PostPersonalAccessTokenRequest(label="old", scopes="domains:read_only linodes:read_write", expiry=expiry)
    made = api.post_personal_access_token(version, new)
    assert (made.label, made.scopes, made.expiry) == ("old", "domains:read_only linodes:read_write", expiry)
    assert len(made.token) == 54
    read = api.get_personal_access_token(version, made.id)
    assert read.token == made.token[:16]
    assert (read.id, read.label, read.scopes, read.created, read.expiry) == (
        made.id,
        "old",
        made.scopes,
        made.created,
        expiry,
    )
    changed = api.put_personal_access_token(version, made.id, PutPersonalAccessTokenRequest(label="new"))
    assert changed.label == "new"
    assert api.put_personal_access_token(version, made.id, PutPersonalAccessTokenRequest()).label == "new"
    assert api.delete_personal_access_token(version, made.id) == {}
    with pytest.raises(NotFound):
        api.get_personal_access_token(version, made.id)


def test_list_is_the_first_page_unless_another_is_asked_for(api: PersonalAccessTokensApi, shell: str) -> None:
    label = f"original by {shell}"
    for _ in range(26):
        api.post_personal_access_token("v4", PostPersonalAccessTokenRequest(label=label))
    first = api.get_personal_access_tokens("v4")
    assert (first.page, len(first.data)) == (1, min(first.results, 100))
    second = api.get_personal_access_tokens("v4beta", page=2, page_size=25, filter=where.label == label)
    assert (second.page, second.pages, second.results, len(second.data)) == (2, 2, 26, 1)
    assert second.data[0].expiry == NEVER
    assert api.get_personal_access_tokens("v4", filter={"label": "no such"}).data == []


@pytest.mark.parametrize("version", ["", "v5", "v4/../v4", "V4"])
def test_version_that_is_none_is_refused(new_api: NewApi, version: str) -> None:
    with saying(http(200, {})) as server:
        api = new_api(server.url, TOKEN)
        for call in (
            lambda: api.get_personal_access_tokens(version),
            lambda: api.post_personal_access_token(version, PostPersonalAccessTokenRequest()),
            lambda: api.get_personal_access_token(version, 1),
            lambda: api.put_personal_access_token(version, 1, PutPersonalAccessTokenRequest()),
            lambda: api.delete_personal_access_token(version, 1),
        ):
            with pytest.raises(ValueError, match="v4 and v4beta"):
                call()
        assert server.requests == []


def test_oauth_is_a_bearer_token_too(new_api: NewApi, server: Server) -> None:
    tokens = iter([server.token, "pat_" + "x" * 50])
    for oauth in (server.token, lambda: next(tokens)):
        assert new_api(server.url, oauth=oauth).get_personal_access_tokens("v4").page == 1
    with pytest.raises(Unauthorized):
        new_api(server.url, oauth=lambda: next(tokens)).get_personal_access_tokens("v4")


@pytest.mark.parametrize("authorizations", [{}, {"token": TOKEN, "oauth": TOKEN}], ids=["neither", "both"])
def test_one_authorization_is_needed(new_api: NewApi, authorizations: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="Give one of the two"):
        new_api("http://host", **authorizations)


# --- a token's text --------------------------------------------------------------------------------------------------


@pytest.fixture
def made(new_api: NewApi) -> GetPersonalAccessTokens200ResponseDataInner:
    with saying(http(200, {**ROW, "token": TOKEN})) as server:
        return new_api(server.url, TOKEN).post_personal_access_token("v4", PostPersonalAccessTokenRequest())


def test_token_is_a_string_in_every_respect(made: GetPersonalAccessTokens200ResponseDataInner, tmp_path: Path) -> None:
    token = made.token
    assert isinstance(token, str)
    assert token == TOKEN
    assert hash(token) == hash(TOKEN)
    assert token.startswith("pat_")
    assert (len(token), token[:16], token[4:], token.encode()) == (len(TOKEN), TOKEN[:16], TOKEN[4:], TOKEN.encode())
    for text in (f"Bearer {token}", "Bearer %s" % token, "Bearer {}".format(token), "Bearer " + token):  # noqa: UP031, UP032
        assert text == f"Bearer {TOKEN}"
    assert (str(token), f"{token:>60}") == (TOKEN, TOKEN.rjust(60))
    assert json.loads(json.dumps({"token": token})) == {"token": TOKEN}
    assert json.loads(json.dumps(asdict(made), default=str))["token"] == TOKEN
    for again in (pickle.loads(pickle.dumps(token)), copy.deepcopy(token)):
        assert again == TOKEN
        assert SECRET not in repr(again)
    (tmp_path / "token").write_text(token, "ascii")
    assert (tmp_path / "token").read_text("ascii") == TOKEN
    assert re.fullmatch(r"pat_\w+", token)
    assert httpx2.Request("GET", "http://host", headers={"Authorization": token}).headers["authorization"] == TOKEN


def test_token_is_whole_in_no_repr(made: GetPersonalAccessTokens200ResponseDataInner) -> None:
    shown = [repr(made.token), f"{made.token!r}", "%r" % made.token, f"{[made.token]}", f"{made}", repr(vars_of(made))]  # noqa: UP031
    with pytest.raises(LookupError) as caught:
        fail(made)
    lines = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    shown.append("".join(line for line in lines if "held = " in line))
    for text in shown:
        assert "pat_Ab12Cd34Ef56…" in text
        assert SECRET not in text


def fail(held: object) -> None:
    raise LookupError


def vars_of(token: GetPersonalAccessTokens200ResponseDataInner) -> dict[str, object]:
    return {field.name: getattr(token, field.name) for field in fields(token)}


def test_token_of_a_list_shows_its_16_characters(new_api: NewApi) -> None:
    with saying(http(200, {"data": [ROW], "page": 1, "pages": 1, "results": 1})) as server:
        (token,) = new_api(server.url, TOKEN).get_personal_access_tokens("v4").data
    assert (token.token, repr(token.token)) == ("pat_0123456789ab", "'pat_0123456789ab'")


def test_request_can_be_filled_in_bit_by_bit() -> None:
    new, change = PostPersonalAccessTokenRequest(), PutPersonalAccessTokenRequest()
    new.label = change.label = "later"
    assert new == PostPersonalAccessTokenRequest(label="later")
    assert change == PutPersonalAccessTokenRequest(label="later")


READS: dict[str, Callable[[PersonalAccessTokensApi], object]] = {
    "token": lambda api: api.get_personal_access_token("v4", 7),
    "list": lambda api: api.get_personal_access_tokens("v4"),
    "update": lambda api: api.put_personal_access_token("v4", 7, PutPersonalAccessTokenRequest(label="x")),
}


@pytest.mark.parametrize("read", READS)
def test_own_token_that_expires_soon_is_warned_of_when_it_is_read(new_api: NewApi, read: str) -> None:
    row = {**ROW, "token": TOKEN[:16], "expiry": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")}
    body = {"data": [row], "page": 1, "pages": 1, "results": 1} if read == "list" else row
    with saying(http(200, body)) as server:
        api = new_api(server.url, TOKEN)
        with pytest.warns(TokenExpiresSoon):
            READS[read](api)


# --- what was recorded -----------------------------------------------------------------------------------------------


def recorded(name: str) -> dict[str, Any]:
    (vector,) = [vector for vector in VECTORS if vector["id"] == name]
    response: dict[str, Any] = vector["response"]
    return response


def answered(name: str) -> list[bytes]:
    """A recorded reply, byte for byte but for the headers of its connection."""
    response = recorded(name)
    skipped = {"Connection", "Content-Length", "Transfer-Encoding"}
    headers = [
        f"{name}: {value}" for name, values in response["headers"].items() if name not in skipped for value in values
    ]
    return list(http(response["status"], response["body_raw"].encode(), *headers))


WHOLE = ["TestToken_GetFound.0", "TestToken_GetNoExpiry.0", "TestTokens_List.0", "TestAccountChild_basic.2"]
SHORT = ["TestToken_GetFound.1", "TestToken_GetNoExpiry.1"]


def written(token: GetPersonalAccessTokens200ResponseDataInner) -> dict[str, object]:
    """A token as it was on the wire."""
    return {
        "id": token.id,
        "scopes": token.scopes,
        "created": f"{token.created:%Y-%m-%dT%H:%M:%S}",
        "label": token.label,
        "token": token.token,
        "expiry": f"{token.expiry:%Y-%m-%dT%H:%M:%S}",
    }


@pytest.mark.parametrize("name", WHOLE + SHORT)
def test_recorded_token_is_read(new_api: NewApi, name: str) -> None:
    with saying(answered(name)) as server:
        api = new_api(server.url, TOKEN)
        if name in WHOLE:
            token = api.post_personal_access_token("v4beta", PostPersonalAccessTokenRequest())
        else:
            token = api.get_personal_access_token("v4beta", 7)
    assert written(token) == json.loads(recorded(name)["body_raw"])


@pytest.mark.parametrize("name", WHOLE + SHORT)
def test_recorded_token_is_read_by_the_other_client_too(new_client: NewClient, name: str) -> None:
    body = json.loads(recorded(name)["body_raw"])
    with saying(answered(name)) as server:
        token = new_client(server.url, TOKEN).tokens.get(7)
    assert (token.id, token.label, token.scopes) == (body["id"], body["label"], tuple(body["scopes"].split()))
    assert token.preview == body["token"][:16]
    assert (token.secret is not None) == (name in WHOLE)
    assert (token.expiry is None) == (body["expiry"] == "2999-12-12T05:00:00")


def test_recorded_list_is_read(new_api: NewApi) -> None:
    with saying(answered("TestTokens_List.1")) as server:
        page = new_api(server.url, TOKEN).get_personal_access_tokens("v4beta")
    assert {
        "data": [written(token) for token in page.data],
        "page": page.page,
        "pages": page.pages,
        "results": page.results,
    } == json.loads(recorded("TestTokens_List.1")["body_raw"])


@pytest.mark.parametrize("name", ["TestToken_GetFound.2", "TestToken_GetNoExpiry.2", "TestTokens_List.2"])
def test_recorded_revocation_is_read(new_api: NewApi, name: str) -> None:
    with saying(answered(name)) as server:
        assert new_api(server.url, TOKEN).delete_personal_access_token("v4beta", 7) == {}


def test_recorded_profile_is_read(new_client: NewClient) -> None:
    with saying(answered("TestProfile_Get.0")) as server:
        identity = new_client(server.url, TOKEN).whoami()
    assert (identity.user, identity.user_id, identity.restricted) == ("exampleusr", 6368933, False)
    assert identity.scopes == ("*",)


def test_recorded_refusal_is_read(new_api: NewApi) -> None:
    with saying(answered("TestToken_GetMissing.0")) as server:
        api = new_api(server.url, TOKEN)
        with pytest.raises(NotFound) as caught:
            api.get_personal_access_token("v4beta", 123)
    assert (caught.value.reason, caught.value.field, caught.value.retry_after) == ("Not found", None, None)
