"""Policies and questions, before anybody is asked."""

import pytest

from tokenry.domain.limits import COST_MAX
from tokenry.middleware import Needs, Question, Refused
from tokenry.middleware.metadata import ResourceMetadata
from tokenry.middleware.questions import is_identity_header, without_identity_headers, write_target


@pytest.mark.parametrize(
    "scope", ["", " ", "linodes", "linodes:Write", "linodes:read_only&resource=x", "Linodes:read_only"]
)
def test_scope_that_can_be_none_is_refused_at_the_start(scope: str) -> None:
    with pytest.raises(ValueError):
        Needs(scope)


@pytest.mark.parametrize("resource", ["", "linodes:read_only", "a&scope=*", ["linodes", ""]])
def test_resource_that_can_be_none_is_refused_at_the_start(resource: str | list[str]) -> None:
    with pytest.raises(ValueError):
        Needs(resource=resource)


@pytest.mark.parametrize("cost", [-1, COST_MAX + 1, 1.5])
def test_cost_that_can_be_none_is_refused_at_the_start(cost: float) -> None:
    with pytest.raises(ValueError):
        Needs(cost=cost)  # type: ignore[arg-type]


def test_cost_is_asked_for_and_stays_where_the_audience_is_the_application_s() -> None:
    assert (Needs().query, Needs(cost=0).query, Needs("*", cost=2).query) == ("", "", "scope=%2A&cost=2")
    described = ResourceMetadata("https://mcp.example/", issuer="https://tokens.example.com")
    assert described.complete(Needs(cost=2)).query == "audience=https%3A%2F%2Fmcp.example%2F&cost=2"


def test_everything_can_be_asked_for() -> None:
    assert Needs("*").query == "scope=%2A"


def test_policy_without_a_resource_is_the_same_for_every_method() -> None:
    assert not Needs("linodes:read_only").by_method
    assert Needs("linodes:read_only", resource="volumes").by_method


def test_two_authorization_headers_are_no_question() -> None:
    found = Question.of(Needs(), method="GET", authorizations=["Bearer a", "Bearer a"], address=None, agent=None)
    assert isinstance(found, Refused)
    assert (found.status, found.body) == (
        400,
        b'{"errors": [{"reason": "Must be sent only once", "field": "Authorization"}]}',
    )


def test_two_proofs_are_no_question() -> None:
    found = Question.of(
        Needs(), method="GET", authorizations=["DPoP a"], address=None, agent=None, target="/", proofs=["a", "a"]
    )
    assert isinstance(found, Refused)
    assert (found.status, found.body) == (400, b'{"errors": [{"reason": "Must be sent only once", "field": "DPoP"}]}')


@pytest.mark.parametrize(
    ("path", "target"),
    [("/a b", "/a%20b"), (b"/a/\xc3\xa9", "/a/%C3%A9"), ("/é~;=,%", "/%C3%A9~;=,%25"), ("/a?b#c\r", "/a%3Fb%23c%0D")],
)
def test_target_of_a_decoded_path_has_escapes_where_it_needs_them(path: str | bytes, target: str) -> None:
    assert write_target(path) == target


def test_white_space_around_the_header_is_no_part_of_it() -> None:
    found = Question.of(Needs(), method="GET", authorizations=["\t Bearer a \t"], address=None, agent=None)
    assert isinstance(found, Question)
    assert found.authorization == "Bearer a"


def test_policy_that_the_service_would_not_read_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="2048"):
        Needs(*["linodes:read_only"] * 100)


def test_agent_is_cut_to_what_is_kept() -> None:
    found = Question.of(Needs(), method="GET", authorizations=[], address=None, agent="a" * 5000)
    assert isinstance(found, Question)
    assert found.agent == "a" * 255


@pytest.mark.parametrize("name", ["X-Auth-User", "x_auth_user", "X-AUTH_Anything", "x-auth-"])
def test_identity_headers_are_known_in_every_spelling(name: str) -> None:
    assert is_identity_header(name)


def test_other_headers_stay() -> None:
    headers = [(b"x-author", b"a"), (b"authorization", b"b"), (b"x-auth-user", b"c"), (b"\xe9", b"d")]
    assert without_identity_headers(headers) == [headers[0], headers[1], headers[3]]
