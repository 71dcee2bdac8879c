"""Authorization requests: what is read of one, and by which channel each fault is told."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.making import NOW
from tokenry.domain.audiences import AUDIENCE_LENGTH_MAX, AUDIENCE_MAX
from tokenry.domain.authorization import (
    STATE_LENGTH_MAX,
    Answer,
    AuthorizationRequest,
    Destination,
    Prompt,
    RefusedToClient,
    ResponseType,
    read_client_id,
    read_destination,
    read_parameters,
    read_request,
)
from tokenry.domain.catalogue import Catalogue, Resource, level_actions
from tokenry.domain.clients import Authentication, Client, ClientRights
from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.oauth import DESCRIPTION_LENGTH_MAX, GrantType, OAuthError
from tokenry.domain.public_url import api_addresses
from tokenry.domain.scopes import EVERYTHING, Level, Scopes

ISSUER = "https://tokens.example"
OWN = api_addresses(ISSUER)
CALLBACK = "https://app.example/callback"
DIGEST = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
CATALOGUE = Catalogue(
    (Resource("linodes", level_actions(*Level), "Instances"), Resource("vpc", level_actions(Level.READ_WRITE), "Nets"))
)
CLIENT = Client(
    id=1,
    client_id="0123456789abcdef0123",
    account_id=None,
    label="Example App",
    website="",
    public=True,
    verified=False,
    redirect_uris=(CALLBACK,),
    authentication=Authentication.NONE,
    rights=ClientRights(),
    created=NOW,
)
IMPLICIT = replace(CLIENT, rights=ClientRights(frozenset({GrantType.IMPLICIT}), pkce_required=False))
CONFIDENTIAL = replace(CLIENT, public=False, rights=ClientRights(pkce_required=False))
SEVERAL = replace(CLIENT, redirect_uris=(CALLBACK, "https://app.example/other"))
GOOD = {
    "client_id": CLIENT.client_id,
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "state": "a b&c",
    "code_challenge": DIGEST,
    "code_challenge_method": "S256",
}


def read(query: str, client: Client = CLIENT) -> AuthorizationRequest:
    """As whoever answers requests reads one: first who asks, then where they are told, then the rest."""
    parameters = read_parameters(query)
    assert read_client_id(parameters) == client.client_id
    return read_request(parameters, client, CATALOGUE, OWN)


def asked(**changed: str | None) -> str:
    """A good request, but for these parameters; one that is None is left out."""
    return urlencode({name: value for name, value in {**GOOD, **changed}.items() if value is not None})


def refused(query: str, client: Client = CLIENT) -> Answer:
    with pytest.raises(RefusedToClient) as refusal:
        read(query, client)
    return refusal.value.answer


def error_of(query: str, client: Client = CLIENT) -> str:
    return refused(query, client).parameters["error"]


def test_request_is_read_as_it_was_sent() -> None:
    query = asked(scope="linodes:read_only,vpc:read_write", prompt="consent login", dpop_jkt=DIGEST)
    request = read(f"{query}&resource=https://mcp.example/a&resource=urn:b&resource=urn:b&unknown=1&unknown=2")
    assert request == AuthorizationRequest(
        destination=Destination(CALLBACK, state="a b&c"),
        response_type=ResponseType.CODE,
        redirect_uri=CALLBACK,
        scopes=Scopes.parse("linodes:read_only vpc:read_write"),
        audience=("https://mcp.example/a", "urn:b"),
        code_challenge=DIGEST,
        jkt=DIGEST,
        prompts=frozenset({Prompt.CONSENT, Prompt.LOGIN}),
    )


@pytest.mark.parametrize("path", ["", "/", "/v4", "/v4/", "/v4beta", "/v4beta/"])
def test_token_for_this_service_is_for_nobody_else(path: str) -> None:
    """A token without an audience is what opens its API."""
    assert read(asked(resource=f"{ISSUER}{path}")).audience == ()
    assert error_of(f"{asked(resource=ISSUER + path)}&resource=https://mcp.example") == OAuthError.INVALID_TARGET


@pytest.mark.parametrize("path", ["/mcp", "/v4/profile", "/v4?a", "//", ".evil.example", ":8443"])
def test_address_that_is_like_ours_is_another(path: str) -> None:
    assert read(asked(resource=f"{ISSUER}{path}")).audience == (f"{ISSUER}{path}",)


def test_what_has_no_value_was_not_sent() -> None:
    """RFC 6749 section 3.1."""
    request = read(asked(scope="", state="", prompt="", dpop_jkt="", resource=""))
    assert request == AuthorizationRequest(
        Destination(CALLBACK), ResponseType.CODE, redirect_uri=CALLBACK, code_challenge=DIGEST
    )


@pytest.mark.parametrize(
    ("scopes", "read_as"),
    [
        ({"scopes": "*"}, EVERYTHING),
        ({"scope": "linodes:read_only vpc:read_write"}, Scopes.parse("linodes:read_only vpc:read_write")),
        ({"scopes": "linodes:read_only,linodes:read_write"}, Scopes.parse("linodes:read_write")),
        ({"scope": "vpc:read_write linodes:read_only", "scopes": "linodes:read_only,vpc:read_write"}, None),
        ({}, None),
    ],
)
def test_scopes_have_either_name_and_either_separator(scopes: dict[str, str], read_as: Scopes | None) -> None:
    expected = Scopes.parse(scopes["scope"]) if len(scopes) > 1 else read_as
    assert read(asked(**scopes)).scopes == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (asked(client_id=None), "client_id"),
        (asked(client_id=""), "client_id"),
        (asked() + "&client_id=other", "client_id"),
        (asked() + f"&client_id={CLIENT.client_id}", "client_id"),
        (asked(client_id="\0"), "client_id"),
        (asked(client_id=None) + "&client_id=%ff", "client_id"),
    ],
)
def test_who_does_not_say_who_asks_is_told_by_a_page(query: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_client_id(read_parameters(query))
    assert [fault.field for fault in refusal.value.faults] == [field]


@pytest.mark.parametrize(
    "query",
    [
        asked(redirect_uri="https://app.example/callback/"),
        asked(redirect_uri="https://app.example/callback?a=1"),
        asked(redirect_uri="https://app.example/callback#a"),
        asked(redirect_uri="https://app.example/callback/../other"),
        asked(redirect_uri="https://app.example/call%62ack"),
        asked(redirect_uri="https://APP.example/callback"),
        asked(redirect_uri="https://app.example:443/callback"),
        asked(redirect_uri="https://app.example.evil.example/callback"),
        asked(redirect_uri="https://sub.app.example/callback"),
        asked(redirect_uri="https://app.example@evil.example/callback"),
        asked(redirect_uri="https://evil.example/https://app.example/callback"),
        asked(redirect_uri="http://app.example/callback"),
        asked(redirect_uri="//app.example/callback"),
        asked(redirect_uri="/callback"),
        asked(redirect_uri="javascript:alert(1)"),
        asked(redirect_uri=f"{CALLBACK}\r\nSet-Cookie: a=b"),
        asked(redirect_uri=f"{CALLBACK}\0"),
        asked() + f"&redirect_uri={CALLBACK}",
        asked() + "&redirect_uri=https://evil.example",
        asked() + "&redirect_uri=%ff",
    ],
)
def test_whoever_presents_another_address_is_told_by_a_page(query: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(query)
    assert [fault.field for fault in refusal.value.faults] == ["redirect_uri"]


def test_client_of_one_address_need_not_name_it_and_of_several_has_to() -> None:
    request = read(asked(redirect_uri=None))
    assert (request.destination.redirect_uri, request.redirect_uri) == (CALLBACK, None)
    assert read(asked(redirect_uri="https://app.example/other"), SEVERAL).redirect_uri == "https://app.example/other"
    with pytest.raises(Invalid) as refusal:
        read(asked(redirect_uri=None), SEVERAL)
    assert refusal.value.faults == (Fault("Must be sent", "redirect_uri"),)


def test_loopback_address_has_the_port_of_the_request() -> None:
    client = replace(CLIENT, redirect_uris=("http://127.0.0.1/cb",))
    assert read(asked(redirect_uri="http://127.0.0.1:49152/cb"), client).destination.redirect_uri.endswith(":49152/cb")


DESCRIBING = set(map(chr, range(0x20, 0x7F))) - {'"', "\\"}
FAULTS = [
    (asked(response_type=None), OAuthError.INVALID_REQUEST),
    (asked(response_type="CODE"), OAuthError.UNSUPPORTED_RESPONSE_TYPE),
    (asked(response_type="code token"), OAuthError.UNSUPPORTED_RESPONSE_TYPE),
    (asked(response_type="id_token"), OAuthError.UNSUPPORTED_RESPONSE_TYPE),
    (asked(response_type="token"), OAuthError.UNAUTHORIZED_CLIENT),
    (asked() + "&response_type=token", OAuthError.INVALID_REQUEST),
    (asked(response_mode="fragment"), OAuthError.INVALID_REQUEST),
    (asked(response_mode="form_post"), OAuthError.INVALID_REQUEST),
    (asked(request="eyJhbGciOiJub25lIn0.e30."), OAuthError.REQUEST_NOT_SUPPORTED),
    (asked(state="s" * (STATE_LENGTH_MAX + 1)), OAuthError.INVALID_REQUEST),
    (asked() + "&state=other", OAuthError.INVALID_REQUEST),
    (asked(state=None) + "&state=%ff", OAuthError.INVALID_REQUEST),
    (asked(state="\0"), OAuthError.INVALID_REQUEST),
    (asked(scope="nonsense"), OAuthError.INVALID_SCOPE),
    (asked(scope="linodes"), OAuthError.INVALID_SCOPE),
    (asked(scope="linodes:write"), OAuthError.INVALID_SCOPE),
    (asked(scope="vpc:read_only"), OAuthError.INVALID_SCOPE),
    (asked(scope="lin\u00f6des:read_only"), OAuthError.INVALID_SCOPE),
    (asked(scope=" , "), OAuthError.INVALID_SCOPE),
    (asked(scope="linodes:read_only " * 300), OAuthError.INVALID_SCOPE),
    (asked(scope="linodes:read_only", scopes="linodes:read_write"), OAuthError.INVALID_REQUEST),
    (asked(scope="linodes:read_only") + "&scope=*", OAuthError.INVALID_REQUEST),
    (asked(code_challenge=None, code_challenge_method=None), OAuthError.INVALID_REQUEST),
    (asked(code_challenge=None), OAuthError.INVALID_REQUEST),
    (asked(code_challenge_method=None), OAuthError.INVALID_REQUEST),
    (asked(code_challenge_method="plain"), OAuthError.INVALID_REQUEST),
    (asked(code_challenge_method="s256"), OAuthError.INVALID_REQUEST),
    (asked() + "&code_challenge_method=plain", OAuthError.INVALID_REQUEST),
    (asked(code_challenge=DIGEST[1:]), OAuthError.INVALID_REQUEST),
    (asked(code_challenge=DIGEST + "="), OAuthError.INVALID_REQUEST),
    (asked(code_challenge="+" * 43), OAuthError.INVALID_REQUEST),
    (asked(dpop_jkt="short"), OAuthError.INVALID_REQUEST),
    (asked(prompt="none consent"), OAuthError.INVALID_REQUEST),
    (asked(prompt="create"), OAuthError.INVALID_REQUEST),
    (asked(prompt="consent,login"), OAuthError.INVALID_REQUEST),
    (asked() + "&prompt=none&prompt=login", OAuthError.INVALID_REQUEST),
    (asked(resource="/relative"), OAuthError.INVALID_TARGET),
    (asked(resource="mcp.example"), OAuthError.INVALID_TARGET),
    (asked(resource="https://mcp.example/#a"), OAuthError.INVALID_TARGET),
    (asked(resource="https://mcp.example/ https://other.example/"), OAuthError.INVALID_TARGET),
    (asked(resource="https://mcp.example/\u00e4"), OAuthError.INVALID_TARGET),
    (asked(resource="https://" + "a" * AUDIENCE_LENGTH_MAX), OAuthError.INVALID_TARGET),
    (asked() + "".join(f"&resource=urn:{number}" for number in range(AUDIENCE_MAX + 1)), OAuthError.INVALID_TARGET),
    (asked() + "&resource=%ff", OAuthError.INVALID_REQUEST),
]


@pytest.mark.parametrize(("query", "code"), FAULTS)
def test_client_is_told_what_is_wrong_with_the_rest(query: str, code: OAuthError) -> None:
    """By a redirect, since client and address are good: the state with it, if it is one that can be sent back."""
    parameters = read_parameters(query)
    told = urlsplit(refused(query).write(ISSUER))
    answer = dict(parse_qsl(told.fragment if parameters.get("response_type") == ["token"] else told.query))
    assert f"{told.scheme}://{told.netloc}{told.path}" == CALLBACK
    assert (answer["error"], answer["iss"]) == (code, ISSUER)
    assert answer["error_description"]
    assert answer.get("state") in {None, GOOD["state"]}
    assert ("state" in answer) == (parameters.get("state") == [GOOD["state"]])


def test_confidential_client_may_go_without_a_challenge_and_not_with_a_weak_one() -> None:
    assert read(asked(code_challenge=None, code_challenge_method=None), CONFIDENTIAL).code_challenge is None
    assert error_of(asked(code_challenge_method="plain"), CONFIDENTIAL) == OAuthError.INVALID_REQUEST
    assert error_of(asked(code_challenge_method=None), CONFIDENTIAL) == OAuthError.INVALID_REQUEST


def test_implicit_client_is_answered_in_the_fragment_and_has_no_challenge() -> None:
    request = read(asked(response_type="token"), IMPLICIT)
    assert (request.response_type, request.code_challenge) == (ResponseType.TOKEN, None)
    assert request.destination == Destination(CALLBACK, in_fragment=True, state="a b&c")
    assert error_of(asked(), IMPLICIT) == OAuthError.UNAUTHORIZED_CLIENT


@pytest.mark.parametrize("change", [{"response_mode": "query"}, {"dpop_jkt": DIGEST}])
def test_implicit_token_goes_into_no_query_and_is_bound_to_no_key(change: dict[str, str]) -> None:
    assert error_of(asked(response_type="token", **change), IMPLICIT) == OAuthError.INVALID_REQUEST


def test_client_that_binds_its_tokens_gets_none_by_the_implicit_grant() -> None:
    client = replace(IMPLICIT, rights=replace(IMPLICIT.rights, dpop_required=True))
    assert error_of(asked(response_type="token"), client) == OAuthError.INVALID_REQUEST


@pytest.mark.parametrize(
    ("redirect_uri", "written"),
    [
        (CALLBACK, f"{CALLBACK}?"),
        (f"{CALLBACK}?a=1", f"{CALLBACK}?a=1&"),
        (f"{CALLBACK}?", f"{CALLBACK}?"),
        (f"{CALLBACK}?a=1&", f"{CALLBACK}?a=1&"),
        ("https://app.example", "https://app.example?"),
        ("com.example.app:/cb", "com.example.app:/cb?"),
    ],
)
def test_answer_is_added_to_the_query_that_the_address_has(redirect_uri: str, written: str) -> None:
    answer = Answer(Destination(redirect_uri, state="s"), {"code": "oac_1"}).write(ISSUER)
    assert answer == f"{written}code=oac_1&state=s&iss=https%3A%2F%2Ftokens.example"
    fragment = Answer(Destination(redirect_uri, in_fragment=True), {"access_token": "toat1"}).write(ISSUER)
    assert fragment == f"{redirect_uri}#access_token=toat1&iss=https%3A%2F%2Ftokens.example"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=STATE_LENGTH_MAX))
def test_state_comes_back_unchanged_and_adds_nothing(state: str) -> None:
    destination = read(asked(state=state)).destination
    query = parse_qsl(urlsplit(Answer(destination, {"code": "c"}).write(ISSUER)).query, strict_parsing=True)
    assert query == [("code", "c"), ("state", state), ("iss", ISSUER)]


@given(
    st.lists(st.tuples(st.sampled_from([*GOOD, "scope", "scopes", "resource", "prompt", "request", "x"]), st.text()))
)
def test_whatever_is_sent_is_read_or_refused_in_the_words_of_the_rfc(pairs: list[tuple[str, str]]) -> None:
    """Beside a client and an address that are good; and what is said of it can be put into a redirect."""
    sent = {"client_id": CLIENT.client_id, "redirect_uri": CALLBACK}
    query = urlencode([*sent.items(), *((name, value) for name, value in pairs if name not in sent)], errors="ignore")
    refused_with = ""
    try:
        read(query)
    except RefusedToClient as refusal:
        refused_with = refusal.answer.parameters["error_description"]
    assert len(refused_with) <= DESCRIPTION_LENGTH_MAX
    assert not set(refused_with) - DESCRIBING


@given(st.binary(max_size=200))
def test_bytes_that_are_no_query_are_refused(raw: bytes) -> None:
    parameters = read_parameters(raw.decode("latin-1"))
    with pytest.raises(Invalid):
        read_destination(parameters, replace(SEVERAL, client_id=read_client_id(parameters)))
