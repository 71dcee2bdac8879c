"""What a user is told in time, over HTTP."""

from tests.api.parts import actions, bearer_of, faults
from tests.conftest import App

CHOICES = "/v4/tokenry/profile/notifications"


def test_user_chooses_what_to_be_told_and_what_is_left_out_stays(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    all_of_it = {"token_expires": True, "token_leaked": True, "new_network": True, "revoked_token_used": True}
    assert app.client.get(CHOICES, headers=app.bearer).json() == all_of_it
    chosen = app.client.put(CHOICES, headers=app.bearer, json={"new_network": False}).json()
    assert chosen == {**all_of_it, "new_network": False} == app.client.get(CHOICES, headers=app.bearer).json()
    assert app.client.get(CHOICES, headers=bearer_of(app, "ada")).json() == all_of_it
    assert ("notifications.update", {"new_network": {"from": True, "to": False}}) in actions(app)


def test_what_is_no_choice_is_named(app: App) -> None:
    refused = app.client.put(CHOICES, headers=app.bearer, json={"colour": True, "new_network": "no"})
    assert [field for _, field in faults(refused)] == ["colour", "new_network"]


def test_message_to_try_the_mail_needs_its_settings(app: App) -> None:
    refused = app.client.post("/v4/tokenry/mail/test", headers=app.bearer)
    assert "TOKENRY_SMTP_URL" in faults(refused)[0][0]
