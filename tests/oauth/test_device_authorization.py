"""`/oauth/device_authorization`, and a device that asks at `/oauth/token`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import App, Clock, make_app
from tests.issuing import bearer
from tests.making import OPERATOR
from tests.oauth.parts import ask, installation_of, let_in, public_client
from tokenry.domain.device_codes import read_user_code
from tokenry.domain.oauth import GrantType
from tokenry.oauth.device_authorization import DEVICE_LIMIT

BEGIN = "/oauth/device_authorization"
DEVICE_CODE = str(GrantType.DEVICE_CODE)


@pytest.fixture
def known(tmp_path: Path, clock: Clock) -> Iterator[App]:
    """An application that knows its public address."""
    app = make_app(tmp_path / "data", clock, public_url="https://tokens.example.com")
    with app.client:
        yield app


def test_device_is_let_in_by_the_code_that_it_shows(known: App) -> None:
    client = public_client(known, grant_types=DEVICE_CODE)
    told = known.client.post(BEGIN, data={"client_id": client.client_id, "scope": "linodes:read_only"}).json()
    assert told["verification_uri"] == "https://tokens.example.com/device"
    assert told["verification_uri_complete"] == f"https://tokens.example.com/device?user_code={told['user_code']}"
    assert (told["expires_in"], told["interval"]) == (600, 5)
    form = {"grant_type": DEVICE_CODE, "client_id": client.client_id, "device_code": told["device_code"]}
    assert ask(known, form).json()["error"] == "authorization_pending"
    assert ask(known, form).json()["error"] == "slow_down"
    user_code = read_user_code(told["user_code"])
    assert user_code is not None
    with installation_of(known) as do:
        assert do.device_codes.approve(OPERATOR, 1, user_code)
    issued = ask(known, form).json()
    assert let_in(known, issued["access_token"])
    assert ask(known, form).json()["error"] == "invalid_grant"


def test_device_gets_a_token_for_some_of_its_resources(known: App) -> None:
    client = public_client(known, grant_types=DEVICE_CODE)
    audience = ["https://a.example", "https://b.example"]
    told = known.client.post(BEGIN, data={"client_id": client.client_id, "resource": audience}).json()
    user_code = read_user_code(told["user_code"])
    assert user_code is not None
    with installation_of(known) as do:
        assert do.device_codes.approve(OPERATOR, 1, user_code)
    form = {"grant_type": DEVICE_CODE, "client_id": client.client_id, "device_code": told["device_code"]}
    assert ask(known, {**form, "resource": "https://evil.example"}).json()["error"] == "invalid_target"
    headers = bearer(ask(known, {**form, "resource": audience[0]}).json()["access_token"])
    verdicts = [known.client.get(f"/verify?audience={each}", headers=headers).status_code for each in audience]
    assert verdicts == [200, 401]


@pytest.mark.parametrize(
    ("more", "status", "error"),
    [
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"scope": "nothing"}, 400, "invalid_scope"),
        ({"resource": "x"}, 400, "invalid_target"),
    ],
)
def test_wrong_request_is_refused(known: App, more: dict[str, str], status: int, error: str) -> None:
    client = public_client(known, grant_types=DEVICE_CODE)
    answer = known.client.post(BEGIN, data={"client_id": client.client_id, **more})
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_service_that_does_not_know_its_address_lets_no_device_begin(app: App) -> None:
    client = public_client(app, grant_types=DEVICE_CODE)
    assert app.client.post(BEGIN, data={"client_id": client.client_id}).status_code == 503


def test_address_may_begin_so_often(known: App) -> None:
    statuses = [known.client.post(BEGIN, data={}).status_code for _ in range(DEVICE_LIMIT.requests or 0)]
    assert set(statuses) == {401}
    assert known.client.post(BEGIN, data={}).status_code == 429
