"""The policy, against the whole application."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from tests.api.parts import TOKENS, create, token_of_another_user
from tests.conftest import App
from tests.issuing import bearer
from tokenry.domain.accounts import Origin
from tokenry.domain.policy import Policy, UserKind
from tokenry.domain.scopes import Scopes
from tokenry.service.installation import Installation
from tokenry.wiring import open_installation

OPERATOR = Origin("operator:test")
STRICT = Policy(
    timedelta(days=90),
    expiry_required=True,
    tokens_per_user_max=1,
    scopes={UserKind.ADMIN: Scopes.parse("account:read_write linodes:read_only")},
)


@contextmanager
def operating(app: App) -> Iterator[Installation]:
    """The installation as the operator's command line has it."""
    installation = open_installation(app.settings, app.clock)
    yield installation
    installation.database.close()


def put(app: App, policy: Policy, *, shorten: bool = False) -> None:
    with operating(app) as installation:
        installation.policies.set_policy(OPERATOR, lambda before: policy)
        for _ in installation.policies.enforce(OPERATOR, shorten_to=policy.lifetime_max if shorten else None):
            pass


def shown(app: App, headers: dict[str, str]) -> Any:
    answer = app.client.get(f"{TOKENS}/policy", headers=headers)
    assert answer.status_code == 200
    return answer.json()


def test_every_limit_is_named_at_once_with_the_other_faults(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    put(app, STRICT)
    asked = {"label": "", "scopes": "domains:read_only", "expiry": "2025-09-13T15:06:41"}
    answer = app.client.post(TOKENS, headers=app.bearer, json=asked)
    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [
            {"reason": "Length must be 1-100 characters", "field": "label"},
            {
                "reason": "Must be within the allowed scopes (maximum scopes: account:read_write linodes:read_only)",
                "field": "scopes",
            },
            {"reason": "Must be no later than 2025-09-13T15:06:40 (maximum lifetime: 90d)", "field": "expiry"},
            {"reason": "Must not have more than 1 live tokens: revoke one first"},
        ]
    }


def test_missing_expiry_is_refused_once_where_it_is_required(app: App) -> None:
    put(app, Policy(timedelta(days=90), expiry_required=True))
    for asked, reason in (
        ({}, "Must be given, since tokens have to expire (maximum lifetime: 90d)"),
        ({"expiry": None}, "Must be given, since tokens have to expire (maximum lifetime: 90d)"),
        ({"expiry": "soon"}, "Must be a date and time such as 2018-01-01T13:46:32"),
    ):
        answer = app.client.post(TOKENS, headers=app.bearer, json=asked)
        assert answer.json() == {"errors": [{"reason": reason, "field": "expiry"}]}


def test_missing_expiry_becomes_the_latest_where_it_is_not(app: App) -> None:
    put(app, Policy(timedelta(days=90)))
    assert create(app)["expiry"] == create(app, expiry=None)["expiry"] == "2025-09-13T15:06:40"


def test_policy_is_shown_as_it_applies_to_the_caller(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    _, other = token_of_another_user(app)
    nothing = {
        "max_lifetime_seconds": None,
        "expiry_required": False,
        "scopes": "*",
        "max_tokens": None,
        "tokens": 1,
        "requests_per_minute": None,
    }
    assert shown(app, app.bearer) == nothing
    put(app, STRICT)
    limited = {**nothing, "max_lifetime_seconds": 7776000, "expiry_required": True, "max_tokens": 1}
    assert shown(app, app.bearer) == {**limited, "scopes": "account:read_write linodes:read_only"}
    assert shown(app, bearer(other)) == {**limited, "scopes": "*"}


def test_policy_is_for_those_who_may_read_the_account(app: App) -> None:
    narrow = create(app, scopes="linodes:read_only")["token"]
    assert app.client.get(f"{TOKENS}/policy", headers=bearer(narrow)).status_code == 401


def test_token_past_a_new_maximum_lifetime_is_refused_at_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    app.clock.seconds += 3600
    young = create(app)
    assert app.client.get("/verify", headers=app.bearer).status_code == 200
    put(app, Policy(timedelta(hours=1)), shorten=True)
    assert app.client.get("/verify", headers=app.bearer).status_code == 401
    assert app.client.get("/verify", headers=bearer(young["token"])).status_code == 200
    app.clock.seconds += 3600
    assert app.client.get("/verify", headers=bearer(young["token"])).status_code == 401
