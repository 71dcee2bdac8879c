"""`/oauth/token`: what clients send, in every way that they do, and what they get for it."""

import base64
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import App, Clock, make_app
from tests.issuing import bearer
from tests.oauth.parts import (
    TOKEN,
    ask,
    code_for,
    confidential_client,
    error,
    let_in,
    public_client,
    robot,
    wire_client,
    with_code,
    with_refresh_token,
)
from tests.oauth_making import VERIFIER
from tokenry.domain.clients import Authentication, Client
from tokenry.domain.oauth import GrantType
from tokenry.domain.secrets import Secret
from tokenry.oauth.parameters import REPEATABLE
from tokenry.oauth.token import ACCESS_TOKEN

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DEVICE_CODE = str(GrantType.DEVICE_CODE)


def basic(client: Client, secret: Secret) -> dict[str, str]:
    sent = base64.b64encode(f"{client.client_id}:{secret.reveal()}".encode()).decode()
    return {"Authorization": f"Basic {sent}"}


# --- what clients get ------------------------------------------------------------------------------------------------


def test_code_brings_tokens_that_are_let_in_and_never_cached(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    client = public_client(app)
    answer = ask(app, with_code(client, code_for(app, client)))
    told = answer.json()
    assert answer.status_code == 200
    assert "no-store" in answer.headers["cache-control"]
    assert (told["token_type"], told["expires_in"], told["scope"], told["scopes"]) == (
        "bearer",
        7200,
        "linodes:read_only",
        "linodes:read_only",
    )
    assert let_in(app, told["access_token"])
    assert re.fullmatch("ort_[0-9A-Za-z]{50}", told["refresh_token"])
    assert not let_in(app, told["refresh_token"])


def test_refresh_token_brings_the_next_and_its_second_use_ends_all(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    client = public_client(app)
    first = ask(app, with_code(client, code_for(app, client))).json()
    second = ask(app, with_refresh_token(client, first["refresh_token"])).json()
    assert let_in(app, first["access_token"])
    assert let_in(app, second["access_token"])
    assert error(ask(app, with_refresh_token(client, first["refresh_token"]))) == (400, "invalid_grant")
    assert not let_in(app, first["access_token"])
    assert not let_in(app, second["access_token"])
    assert error(ask(app, with_refresh_token(client, second["refresh_token"]))) == (400, "invalid_grant")


def test_second_use_of_a_code_ends_all(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    client = public_client(app)
    code = code_for(app, client)
    first = ask(app, with_code(client, code)).json()
    assert error(ask(app, with_code(client, code))) == (400, "invalid_grant")
    assert not let_in(app, first["access_token"])


def test_client_that_is_not_registered_to_refresh_gets_no_key_for_it(app: App) -> None:
    """A null would be an error to clients that keep to RFC 6749."""
    client = public_client(app, grant_types=str(GrantType.AUTHORIZATION_CODE))
    assert "refresh_token" not in ask(app, with_code(client, code_for(app, client))).json()


def test_client_acts_for_itself(app: App) -> None:
    client, secret = robot(app)
    form = {"grant_type": "client_credentials", "scope": "linodes:read_only domains:read_only"}
    told = ask(app, form, headers=basic(client, secret)).json()
    assert (told["scope"], "refresh_token" in told) == ("linodes:read_only domains:read_only", False)
    assert let_in(app, told["access_token"])


def test_token_is_exchanged_for_one_that_may_do_less(app: App) -> None:
    client, secret = confidential_client(app, grant_types=f"{GrantType.AUTHORIZATION_CODE} {GrantType.TOKEN_EXCHANGE}")
    proof = {"client_id": client.client_id, "client_secret": secret.reveal()}
    audience = ("https://a.example", "https://b.example")
    code = code_for(app, client, scopes="linodes:read_write", audience=audience)
    subject = ask(app, with_code(client, code, **proof)).json()["access_token"]
    form = {
        "grant_type": str(GrantType.TOKEN_EXCHANGE),
        **proof,
        "subject_token": subject,
        "subject_token_type": ACCESS_TOKEN,
        "scope": "linodes:read_only",
        "audience": "https://a.example",
    }
    answer = ask(app, form)
    told = answer.json()
    assert (answer.status_code, told["issued_token_type"], told["scope"]) == (200, ACCESS_TOKEN, "linodes:read_only")
    needed = "/verify?scope=linodes:read_only&audience="
    headers = bearer(told["access_token"])
    assert [app.client.get(f"{needed}{each}", headers=headers).status_code for each in audience] == [200, 401]
    for wrong in (
        {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"actor_token": subject},
        {"subject_token": app.token},
        {"subject_token": ""},
    ):
        assert error(ask(app, form | wrong)) == (400, "invalid_request")
    assert error(ask(app, form | {"resource": "https://evil.example"})) == (400, "invalid_target")


# --- how they send it ------------------------------------------------------------------------------------------------


def test_form_in_parts_says_the_same(app: App) -> None:
    client = public_client(app)
    form = with_code(client, code_for(app, client))
    answer = app.client.post(TOKEN, files={name: (None, value) for name, value in form.items()})
    assert answer.request.headers["content-type"].startswith("multipart/form-data")
    assert answer.status_code == 200


def test_client_of_the_wire_format_sends_neither_grant_type_nor_redirect_address(app: App) -> None:
    client, secret = wire_client(app)
    code = code_for(app, client, code_challenge=None)
    form = {"client_id": client.client_id, "client_secret": secret.reveal(), "code": code}
    told = ask(app, form).json()
    assert told.keys() == {"access_token", "token_type", "expires_in", "scope", "scopes", "refresh_token"}
    refreshing = {"grant_type": "refresh_token", "client_id": client.client_id, "client_secret": secret.reveal()}
    again = ask(app, refreshing | {"refresh_token": told["refresh_token"], "scopes": "linodes:read_only"})
    assert again.json().keys() == told.keys()


def test_client_of_the_wire_format_reads_null_where_there_is_no_refresh_token(app: App) -> None:
    client, secret = confidential_client(app, pkce_required=False, grant_types=str(GrantType.AUTHORIZATION_CODE))
    code = code_for(app, client, code_challenge=None)
    told = ask(app, {"client_id": client.client_id, "client_secret": secret.reveal(), "code": code}).json()
    assert told["refresh_token"] is None


@pytest.mark.parametrize("authentication", [Authentication.BASIC, Authentication.POST])
def test_client_with_a_secret_sends_it_in_the_header_or_the_form(app: App, authentication: Authentication) -> None:
    client, secret = confidential_client(app, authentication=authentication)
    form = with_code(client, code_for(app, client))
    if authentication is Authentication.BASIC:
        answer = ask(app, form, headers=basic(client, secret))
    else:
        answer = ask(app, form | {"client_secret": secret.reveal()})
    assert answer.status_code == 200


def test_public_client_may_send_the_empty_secret_that_it_was_shown(app: App) -> None:
    client = public_client(app)
    form = with_code(client, code_for(app, client))
    sent = base64.b64encode(f"{client.client_id}:".encode()).decode()
    assert ask(app, form, headers={"Authorization": f"Basic {sent}"}).status_code == 200
    confidential, _ = confidential_client(app)
    sent = base64.b64encode(f"{confidential.client_id}:".encode()).decode()
    form = with_code(confidential, code_for(app, confidential))
    assert error(ask(app, form, headers={"Authorization": f"Basic {sent}"})) == (401, "invalid_client")


def test_unknown_parameters_are_ignored_and_empty_ones_are_none(app: App) -> None:
    client = public_client(app)
    form = with_code(client, code_for(app, client), state="x", nonsense="1", client_secret="")
    assert ask(app, form).status_code == 200


def test_resources_may_come_several_times(app: App) -> None:
    client = public_client(app)
    audience = ("https://a.example", "https://b.example")
    first = ask(app, with_code(client, code_for(app, client, audience=audience))).json()
    form = {**with_refresh_token(client, first["refresh_token"]), "resource": [*audience]}
    assert ask(app, form).status_code == 200


def test_code_gives_a_token_for_some_of_its_resources(app: App) -> None:
    client = public_client(app)
    audience = ("https://a.example", "https://b.example")
    form = with_code(client, code_for(app, client, audience=audience))
    for wrong in ("https://evil.example", "x"):  # and the code is left
        assert error(ask(app, form | {"resource": wrong})) == (400, "invalid_target")
    told = ask(app, form | {"resource": audience[0]}).json()
    assert is_meant_for(app, told["access_token"], audience) == [True, False]
    told = ask(app, with_refresh_token(client, told["refresh_token"])).json()
    assert is_meant_for(app, told["access_token"], audience) == [True, True]


def test_code_for_this_service_gives_no_token_for_another(app: App) -> None:
    client = public_client(app)
    form = with_code(client, code_for(app, client))
    assert error(ask(app, form | {"resource": "https://a.example"})) == (400, "invalid_target")
    assert let_in(app, ask(app, form).json()["access_token"])


def is_meant_for(app: App, token: str, audience: Iterable[str]) -> list[bool]:
    """Whom of these a token is good for."""
    return [app.client.get(f"/verify?audience={each}", headers=bearer(token)).status_code == 200 for each in audience]


# --- what is refused -------------------------------------------------------------------------------------------------


def test_client_that_proves_nothing_is_challenged_and_the_code_is_left(app: App) -> None:
    client, secret = confidential_client(app)
    form = with_code(client, code_for(app, client))
    for wrong in (
        form,
        form | {"client_secret": "x"},
        form | {"client_secret": Secret.generate(kind=secret.kind).reveal()},
    ):
        answer = ask(app, wrong)
        assert error(answer) == (401, "invalid_client")
        assert answer.headers["www-authenticate"] == 'Basic realm="tokenry"'
    assert ask(app, form | {"client_secret": secret.reveal()}).status_code == 200


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, "invalid_request"),
        ({"code": "x"}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "scope": "nothing"}, "invalid_scope"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "resource": "x"}, "invalid_target"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "password", "username": "admin", "password": "x"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "AUTHORIZATION_CODE", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
    ],
)
def test_wrong_request_is_refused_with_its_code(app: App, form: dict[str, str], expected: str) -> None:
    client = public_client(app)
    answer = ask(app, {"client_id": client.client_id, **form})
    assert error(answer) == (400, expected)
    assert "no-store" in answer.headers["cache-control"]


def test_parameter_that_comes_twice_is_refused(app: App) -> None:
    client = public_client(app)
    body = f"client_id={client.client_id}&grant_type=refresh_token&refresh_token=a&refresh_token=b"
    assert error(app.client.post(TOKEN, headers=FORM, content=body)) == (400, "invalid_request")


def test_client_that_proves_itself_in_two_ways_is_refused(app: App) -> None:
    client, secret = confidential_client(app, authentication=Authentication.BASIC)
    form = with_code(client, code_for(app, client), client_secret=secret.reveal())
    assert error(ask(app, form, headers=basic(client, secret))) == (400, "invalid_request")


def test_what_stands_in_the_query_is_not_read(app: App) -> None:
    client = public_client(app)
    form = with_code(client, code_for(app, client))
    assert app.client.post(TOKEN, params=form).status_code == 401


def test_only_a_form_is_read_and_only_post_asks(app: App) -> None:
    answer = app.client.post(TOKEN, json={})
    assert error(answer) == (415, "invalid_request")
    assert "application/x-www-form-urlencoded" in answer.json()["error_description"]
    answer = app.client.get(TOKEN)
    assert (*error(answer), answer.headers["allow"]) == (405, "invalid_request", "OPTIONS, POST")


# --- limits ----------------------------------------------------------------------------------------------------------


def test_each_address_may_ask_so_often(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, rate_limit=3)
    with app.client:
        answers = [ask(app, {"client_id": f"nobody{number}"}) for number in range(4)]
        clock.seconds += 60
        assert error(ask(app, {"client_id": "nobody"})) == (401, "invalid_client")
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert error(answers[3])[1] == "temporarily_unavailable"
    assert int(answers[3].headers["retry-after"]) > 0


def test_guesses_at_a_secret_are_limited_and_the_right_one_is_let_in(tmp_path: Path, clock: Clock) -> None:
    """Nobody locks out the client behind an address that it shares."""
    app = make_app(tmp_path / "data", clock, rate_limit_failures=2)
    with app.client:
        client, secret = confidential_client(app)
        form = with_code(client, code_for(app, client))
        guesses = [form | {"client_secret": Secret.generate(kind=secret.kind).reveal()} for _ in range(3)]
        assert [ask(app, guess).status_code for guess in guesses] == [401, 401, 429]
        assert ask(app, form | {"client_secret": secret.reveal()}).status_code == 200


def test_each_client_that_proves_who_it_is_may_ask_so_often_from_wherever(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, rate_limit=3)
    with app.client:
        (client, secret), other = confidential_client(app), public_client(app)
        form = with_refresh_token(client, "x", client_secret=secret.reveal())
        statuses = []
        for number in range(4):
            app.client._transport.client = (f"192.0.2.{number}", 50000)  # type: ignore[attr-defined]
            statuses.append(ask(app, form).status_code)
        assert statuses == [400, 400, 400, 429]
        assert ask(app, with_refresh_token(other, "x")).status_code == 400


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/par", "/oauth/device_authorization"])
def test_stranger_uses_up_nothing_that_users_of_a_public_client_have(tmp_path: Path, clock: Clock, path: str) -> None:
    """Anybody can say to be one: else a command line would be of no use to anyone as long as that goes on."""
    app = make_app(tmp_path / "data", clock, rate_limit=3, public_url="https://tokens.example")
    with app.client:
        form = with_refresh_token(public_client(app), "x")
        for number in range(3):
            app.client._transport.client = (f"192.0.2.{number}", 50000)  # type: ignore[attr-defined]
            assert [app.client.post(path, data=form).status_code for _ in range(3)] == [400] * 3


# --- whatever is sent ------------------------------------------------------------------------------------------------

NAMES = (
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "scopes",
    "device_code",
    "subject_token",
    "subject_token_type",
    *REPEATABLE,
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, list[str]]]:
    """An application, and texts that mean something to it."""
    app = make_app(tmp_path_factory.mktemp("fuzzed") / "data", Clock())
    with app.client:
        client, wire = public_client(app), wire_client(app)
        known = [client.client_id, wire[0].client_id, wire[1].reveal(), VERIFIER, *map(str, GrantType)]
        known += [code_for(app, client), code_for(app, wire[0], code_challenge=None), "*", "linodes:read_only"]
        known.append(ask(app, with_code(client, code_for(app, client))).json()["refresh_token"])
        yield app, known


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_sent_is_answered_as_described(fuzzed: tuple[App, list[str]], data: st.DataObject) -> None:
    """And never with 500."""
    app, known = fuzzed
    values = st.sampled_from(known) | st.text(max_size=60)
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=8))
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    if data.draw(st.booleans()):
        try:
            answer = ask(app, form)
        except UnicodeEncodeError:
            return
    else:
        answer = app.client.post(
            TOKEN, files=[(name, (None, value.encode("utf-8", "replace"))) for name, value in pairs]
        )
    assert answer.status_code in {200, 400, 401, 415}
