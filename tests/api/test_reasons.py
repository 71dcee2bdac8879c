"""Why tokens were revoked, whichever way: in their details and in the audit."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.parts import TOKENS, actions, bearer_of, create, faults, installation_of, opens
from tests.conftest import App
from tests.making import OPERATOR
from tokenry.domain.details import Reason

INVENTORY = "/v4/account/tokens"
Made = dict[str, Any]
REASONS = [reason.value for reason in Reason]


def one(app: App, made: Made, reason: str | None) -> Any:
    query = "" if reason is None else f"?reason={reason}"
    return app.client.delete(f"{TOKENS}/{made['id']}{query}", headers=app.bearer)


def others(app: App, _: Made, reason: str | None) -> Any:
    return app.client.post(f"{TOKENS}/revoke-others", headers=app.bearer, json={"reason": reason} if reason else {})


def many(app: App, made: Made, reason: str | None) -> Any:
    given = {"reason": reason} if reason else {}
    return app.client.post(f"{INVENTORY}/revoke", headers=app.bearer, json={"ids": [made["id"]], **given})


WAYS = [one, others, many]


def told(app: App, made: Made) -> tuple[str | None, str | None]:
    """What the details and the audit say."""
    [row] = [
        row
        for row in app.client.get(f"{INVENTORY}?state=revoked", headers=app.bearer).json()["data"]
        if row["id"] == made["id"]
    ]
    [details] = [details for action, details in actions(app) if action == "token.revoke"]
    return row["revoked_reason"], details.get("reason")  # type: ignore[return-value]


@pytest.mark.parametrize("way", WAYS)
def test_reason_is_kept(app_on_each_engine: App, way: Callable[..., Any]) -> None:
    app = app_on_each_engine
    made = create(app)
    assert way(app, made, "unused").status_code == 200
    assert told(app, made) == ("unused", "unused")


@pytest.mark.parametrize("way", WAYS)
def test_reason_may_be_left_out(app: App, way: Callable[..., Any]) -> None:
    made = create(app)
    way(app, made, None)
    assert told(app, made) == (None, None)


@pytest.mark.parametrize("way", WAYS)
def test_unknown_reason_revokes_nothing(app: App, way: Callable[..., Any]) -> None:
    made = create(app)
    assert faults(way(app, made, "bored")) == [(f"Must be one of {', '.join(REASONS)}", "reason")]
    assert opens(app, made["token"]) == [True]


def test_leak_report_and_deletion_of_a_user_give_theirs(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    leaked = create(app)
    app.client.post("/v4/credentials/revoke", json={"credentials": [leaked["token"]]})
    assert told(app, leaked) == ("leaked", "leaked")
    bearer_of(app, "ada")
    installation = installation_of(app)
    installation.users.delete_user(OPERATOR, "ada")
    installation.database.close()
    [first, _] = [details.get("reason") for action, details in actions(app) if action == "token.revoke"]
    assert first == "offboarding"
