"""Django REST framework: what its users expect of an authentication class, by the answers of a real service."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import django
import pytest
from django.test import override_settings

from tests.gateways.parts import HttpServer
from tests.issuing import NewToken
from tests.middleware import applications
from tests.servers import Server
from tokenry.middleware import Identity, Needs, ResourceMetadata
from tokenry.middleware.local import LocalVerifier
from tokenry.middleware.remote import RemoteVerifier

assert applications.KINDS  # the settings are made there
django.setup()

from rest_framework.authentication import BasicAuthentication  # noqa: E402 - they read the settings
from rest_framework.permissions import AllowAny, IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.test import APIRequestFactory  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from tokenry.middleware.drf import TokenryAuthentication  # noqa: E402

METADATA = ResourceMetadata("https://api.example.com", issuer="https://tokens.example.com")


class Linodes(TokenryAuthentication):
    needs = Needs(resource="linodes")


@dataclass
class Own:
    """A user of the site's own."""

    name: str
    is_active: bool = True
    is_authenticated = True

    def __str__(self) -> str:
        return self.name


class Basic(BasicAuthentication):  # type: ignore[misc]
    def authenticate_credentials(self, userid: str, password: str, request: object = None) -> tuple[Any, None]:
        del password, request
        return Own(userid), None


class Hello(APIView):  # type: ignore[misc]
    authentication_classes = (Linodes, Basic)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Any) -> Response:
        scopes = request.auth.scopes if isinstance(request.auth, Identity) else None
        return Response(
            {"user": str(request.user), "scopes": scopes, "same": getattr(request, "tokenry", None) == request.auth}
        )

    post = get


class Open(Hello):
    permission_classes = (AllowAny,)


def ask(view: type[Hello], authorization: str | None = None, method: str = "get") -> Any:
    headers = {} if authorization is None else {"HTTP_AUTHORIZATION": authorization}
    return view.as_view()(getattr(APIRequestFactory(), method)("/", **headers))


@pytest.fixture(params=["remote", "local"])
def verifier(request: pytest.FixtureRequest) -> Iterator[RemoteVerifier | LocalVerifier]:
    found: RemoteVerifier | LocalVerifier = request.getfixturevalue(request.param)
    with override_settings(TOKENRY_VERIFIER=found, TOKENRY_METADATA=None):
        yield found


@pytest.mark.usefixtures("verifier")
def test_token_lets_in_what_it_may_do_and_says_whose_it_is(new_token: NewToken) -> None:
    token = new_token(scopes="linodes:read_only")
    answer = ask(Hello, f"Bearer {token}")
    assert (answer.status_code, answer.data) == (200, {"user": "admin", "scopes": "linodes:read_only", "same": True})
    refused = ask(Hello, f"Bearer {token}", "post")
    assert (refused.status_code, list(refused.data)) == (403, ["detail"])
    assert refused["WWW-Authenticate"] == (
        'Bearer realm="tokenry", error="insufficient_scope", scope="linodes:read_write"'
    )
    assert ask(Hello, f"Bearer {new_token(scopes='linodes:read_write')}", "post").status_code == 200


@pytest.mark.usefixtures("verifier")
def test_without_a_good_token_it_is_401_with_the_challenge_of_the_service(service: Server) -> None:
    bad, none = ask(Hello, f"Bearer {service.token}x"), ask(Hello)
    assert (bad.status_code, bad.data["detail"]) == (401, "Invalid Token")
    assert bad["WWW-Authenticate"].startswith('Bearer realm="tokenry", error="invalid_token"')
    assert (none.status_code, none["WWW-Authenticate"]) == (401, 'Bearer realm="tokenry"')
    with override_settings(TOKENRY_METADATA=METADATA):
        assert f'resource_metadata="{METADATA.url}"' in ask(Hello)["WWW-Authenticate"]


@pytest.mark.usefixtures("verifier")
def test_another_way_to_authenticate_stays_open_and_no_bad_token_passes_by_it() -> None:
    assert ask(Hello, "Basic YWRhOng=").status_code == 200  # ada:x
    assert ask(Open).data == {"user": "AnonymousUser", "scopes": None, "same": True}
    assert ask(Open, "Bearer x").status_code == 401


@pytest.mark.usefixtures("verifier")
def test_user_is_the_sites_own(service: Server) -> None:
    own = {"admin": Own("a customer")}
    with override_settings(TOKENRY_USER=lambda identity: own.get(identity.user)):
        assert ask(Hello, f"Bearer {service.token}").data["user"] == "a customer"
        own["admin"].is_active = False  # whom the classes of the framework refuse, too
        refused = [ask(Hello, f"Bearer {service.token}")]
        own.clear()
        refused.append(ask(Hello, f"Bearer {service.token}"))
    told = (403, "This application has no such user")
    assert [(each.status_code, each.data["detail"]) for each in refused] == [told, told]


def test_without_a_decision_it_is_503(service: Server) -> None:
    with override_settings(TOKENRY_VERIFIER=RemoteVerifier("http://127.0.0.1:1", timeout=1), TOKENRY_METADATA=None):
        assert [ask(view, f"Bearer {service.token}").status_code for view in (Hello, Open)] == [503, 503]
        assert ask(Hello)["WWW-Authenticate"] == "Bearer"


def test_token_that_is_used_too_often_is_throttled() -> None:
    left = [
        ("X-RateLimit-Limit", "6"),
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", "99"),
        ("Retry-After", "7"),
    ]
    body = b'{"errors": [{"reason": "Too many requests"}]}'
    with HttpServer(429, [*left, ("Content-Type", "application/json")], body).running() as server:
        verifier = RemoteVerifier(f"http://127.0.0.1:{server.port}")
        with override_settings(TOKENRY_VERIFIER=verifier, TOKENRY_METADATA=None):
            answer = ask(Hello, "Bearer x")
        verifier.close()
    assert (answer.status_code, answer.data["detail"]) == (429, "Too many requests")
    assert [(name, answer[name]) for name, _ in left] == left
