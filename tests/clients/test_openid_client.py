"""The unmodified openid-client of npm, the certified one, which holds the service to the letter of the RFCs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.clients.parts import Person, Registered, register
from tests.node import Node, need_modules
from tests.servers import Server

REDIRECT_URI = "https://app.example/callback"
SCOPE = "account:read_only"
ASKED = {"redirect_uri": REDIRECT_URI, "scope": SCOPE}


@dataclass
class Application:
    """An application with openid-client."""

    node: Node
    service: Server

    def outcome(self, step: str, **given: object) -> dict[str, Any]:
        """What became of a step: see openid.js."""
        return self.node.call(step=step, **given)

    def does(self, step: str, **given: object) -> Any:
        """What a step returned that must succeed."""
        outcome = self.outcome(step, **given)
        assert "answer" in outcome, outcome
        return outcome["answer"]

    def error(self, step: str, **given: object) -> str:
        """The error that a step must end with."""
        outcome = self.outcome(step, **given)
        assert "error" in outcome, outcome
        error: str = outcome["error"]
        return error

    def becomes(self, registered: Registered, **how: bool) -> Any:
        """Find the server out by its issuer, as this client; what it says of itself."""
        return self.does("discover", issuer=self.service.url, id=registered.client_id, secret=registered.secret, **how)

    def is_let_in(self, token: str) -> bool:
        """Whether a token opens the API."""
        outcome = self.outcome("fetch", token=token, url=f"{self.service.url}/v4/profile")
        return "answer" in outcome and outcome["answer"]["status"] == 200


@pytest.fixture(scope="module")
def app(oauth_service: Server) -> Iterator[Application]:
    need_modules()
    node = Node("openid.js")
    yield Application(node, oauth_service)
    node.stop()


@pytest.fixture(scope="module")
def confidential(oauth_service: Server) -> Registered:
    return register(oauth_service, "openid-client", "--redirect-uri", REDIRECT_URI)


@pytest.fixture(scope="module")
def public(oauth_service: Server) -> Registered:
    return register(oauth_service, "openid-client in public", "--redirect-uri", REDIRECT_URI, "--public")


def test_server_is_found_by_its_issuer(app: Application, public: Registered) -> None:
    told = app.becomes(public)
    assert told["issuer"] == app.service.url
    assert told["authorization_endpoint"] == f"{app.service.url}/oauth/authorize"


@pytest.mark.parametrize("par", [False, True], ids=["in the address", "pushed"])
@pytest.mark.parametrize("kind", ["public", "confidential"])
def test_user_is_signed_in(
    app: Application,
    person: Person,
    kind: str,
    par: bool,  # noqa: FBT001
    request: pytest.FixtureRequest,
) -> None:
    """`state`, `iss` and the form of each answer are checked by the client."""
    app.becomes(request.getfixturevalue(kind))
    told = app.does("finish", url=person.agree(app.does("begin", par=par, asked=ASKED)))
    assert (told["token_type"], told["scope"], told["expires_in"]) == ("bearer", SCOPE, 7200)
    assert app.is_let_in(told["access_token"])


def test_tokens_are_refreshed_looked_at_and_given_back(
    app: Application, person: Person, confidential: Registered
) -> None:
    app.becomes(confidential)
    first = app.does("finish", url=person.agree(app.does("begin", asked=ASKED)))
    second = app.does("refresh", token=first["refresh_token"])
    told = app.does("introspect", token=second["access_token"])
    assert (told["active"], told["client_id"], told["scope"]) == (True, confidential.client_id, SCOPE)
    app.does("revoke", token=second["refresh_token"])
    assert app.does("introspect", token=second["access_token"]) == {"active": False}
    assert not app.is_let_in(second["access_token"])
    assert app.error("refresh", token=second["refresh_token"]) == "invalid_grant"


def test_refresh_token_that_comes_again_ends_everything(app: Application, person: Person, public: Registered) -> None:
    app.becomes(public)
    first = app.does("finish", url=person.agree(app.does("begin", asked=ASKED)))
    second = app.does("refresh", token=first["refresh_token"])
    assert app.error("refresh", token=first["refresh_token"]) == "invalid_grant"
    assert app.error("refresh", token=second["refresh_token"]) == "invalid_grant"
    assert not app.is_let_in(second["access_token"])


def test_application_is_told_that_its_user_cancelled(app: Application, person: Person, public: Registered) -> None:
    app.becomes(public)
    page = person.visit(app.does("begin", asked=ASKED | {"prompt": "consent"}))
    sent_back = person.submit(page, decision="cancel").headers["location"]
    assert app.error("finish", url=sent_back) == "access_denied"


def test_code_is_taken_once(app: Application, person: Person, public: Registered) -> None:
    app.becomes(public)
    sent_back = person.agree(app.does("begin", asked=ASKED))
    told = app.does("finish", url=sent_back)
    assert app.error("finish", url=sent_back) == "invalid_grant"
    assert not app.is_let_in(told["access_token"])


def test_client_acts_for_itself(app: Application, oauth_service: Server) -> None:
    options = ("--grant-type", "client_credentials", "--account", "tokenry", "--scopes", SCOPE)
    robot = register(oauth_service, "Robot of openid-client", *options)
    app.becomes(robot)
    told = app.does("credentials", asked={"scope": SCOPE})
    url = f"{app.service.url}/v4/profile"
    profile = app.does("fetch", token=told["access_token"], url=url)["body"]
    assert profile["username"] == f"client-{robot.client_id}"
    assert app.error("credentials", asked={"scope": "*"}) == "invalid_scope"


def test_token_is_bound_to_the_key_that_the_client_proves(
    app: Application, person: Person, oauth_service: Server
) -> None:
    bound = register(oauth_service, "Bound", "--redirect-uri", REDIRECT_URI, "--public", "--dpop")
    app.becomes(bound, dpop=True)
    first = app.does("finish", url=person.agree(app.does("begin", par=True, asked=ASKED)))
    assert first["token_type"] == "dpop"  # as the client writes it
    second = app.does("refresh", token=first["refresh_token"])
    assert app.is_let_in(second["access_token"])
    app.becomes(bound, dpop=True)  # with another key
    assert not app.is_let_in(second["access_token"])
    assert app.error("refresh", token=second["refresh_token"]) == "invalid_grant"
    app.becomes(bound)
    assert app.error("refresh", token=second["refresh_token"]) == "invalid_dpop_proof"


def test_device_is_let_in_by_a_code_that_its_user_types(
    app: Application, person: Person, oauth_service: Server
) -> None:
    kind = "urn:ietf:params:oauth:grant-type:device_code"
    app.becomes(register(oauth_service, "Television", "--public", "--grant-type", kind))
    device = app.does("device", asked={"scope": SCOPE})
    page = person.visit(device["verification_uri_complete"])
    assert "Television" in page.text
    assert person.submit(page, decision="agree").status_code == 200
    told = app.does("poll", device=device)
    assert told["scope"] == SCOPE
    assert app.is_let_in(told["access_token"])
