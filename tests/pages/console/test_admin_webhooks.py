"""What administrators do with webhooks, and see of what those were told."""

import re

import pytest

from tests.making import OPERATOR
from tests.pages.console.administering import ADMIN, make_firm
from tests.pages.console.parts import session_of
from tests.pages.parts import Visitor
from tokenry.domain.webhooks import Disabling
from tokenry.service.installation import Installation
from tokenry.storage.webhooks import disable_webhook, end_turn

WEBHOOKS = f"{ADMIN}/webhooks"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{44}")


@pytest.fixture
def path(do: Installation) -> str:
    """The page of a webhook."""
    return f"{WEBHOOKS}/{make_firm(do).webhook_id}"


def test_webhook_is_added_and_its_secret_shown_once(do: Installation, admin: Visitor) -> None:
    answer = admin.submit(f"{ADMIN}/new-webhook", url="https://hooks.example/", events="token.create")
    assert (answer.status_code, len(SECRET.findall(answer.text))) == (200, 1)
    [path] = re.findall(rf'href="({WEBHOOKS}/\d+)"', admin.get(WEBHOOKS).text)
    page = admin.get(path).text
    assert (SECRET.findall(page), "<code>token.create</code>" in page) == ([], True)


def test_address_that_cannot_be_is_said_beside_its_field(admin: Visitor) -> None:
    answer = admin.submit(f"{ADMIN}/new-webhook", url="ftp://hooks.example")
    assert (answer.status_code, 'href="#url"' in answer.text) == (400, True)
    assert 'value="ftp://hooks.example"' in answer.text


def test_event_that_there_is_not_does_not_become_all_of_them(admin: Visitor, path: str) -> None:
    admin.submit(f"{path}/change", url="https://hooks.example/", events="user.create")
    answer = admin.submit(f"{path}/change", url="https://hooks.example/", events="user.vanish")
    assert (answer.status_code, 'href="#events"' in answer.text) == (400, True)
    assert "<code>user.create</code>" in admin.get(path).text


def test_webhook_is_told_of_other_events_and_elsewhere(admin: Visitor, path: str) -> None:
    answer = admin.submit(f"{path}/change", url="https://other.example/hooks", events="user.create")
    assert answer.headers["location"] == path
    page = admin.get(path).text
    assert ("https://other.example/hooks" in page, "<code>user.create</code>" in page) == (True, True)


@pytest.mark.parametrize("action", ["rotate", "rotate-now"])
def test_another_secret_is_shown_once(admin: Visitor, path: str, action: str) -> None:
    found = SECRET.findall(admin.submit(f"{path}/{action}").text)
    assert len(found) == 1
    page = admin.get(path).text
    assert ("The secret before signs until" in page) == (action == "rotate")
    assert found[0] not in page


def test_test_message_waits_and_is_sent_again_by_hand(do: Installation, admin: Visitor, path: str) -> None:
    assert admin.submit(path, do="test").headers["location"] == path
    page = admin.get(path).text
    assert "A test message is on its way" in page
    [delivery, *_] = re.findall(r'name="delivery" value="(\d+)"', page)
    assert admin.submit(path, delivery=delivery).headers["location"] == path
    assert "The message is sent once more." in admin.get(path).text
    assert "No message is like that." in admin.get(f"{path}?show=dead").text
    assert admin.submit(path, delivery="999999").status_code == 404


def test_disabled_webhook_is_told_nothing(admin: Visitor, path: str) -> None:
    admin.submit(f"{path}/disable")
    page = admin.get(path).text
    assert ("Send a test message" in page, "Enable" in page) == (False, True)
    admin.submit(f"{path}/enable")
    assert "Send a test message" in admin.get(path).text


def test_webhook_that_nobody_disabled_says_why_and_so_does_the_overview(
    do: Installation, admin: Visitor, path: str
) -> None:
    webhook = do.webhooks.get_webhook(session_of(do, admin).actor, int(path.rpartition("/")[2]))
    with do.transactions.change(OPERATOR) as change:
        disable_webhook(change.connection, webhook, Disabling.FULL, change.now)
    assert "too much waited" in admin.get(path).text
    assert f'href="{path}"' in admin.get(ADMIN).text
    admin.submit(f"{path}/enable")
    assert f'href="{path}"' not in admin.get(ADMIN).text


def test_webhook_that_rests_says_until_when_where_its_state_is(do: Installation, admin: Visitor, path: str) -> None:
    assert "it rests" not in admin.get(path).text
    with do.database.write() as connection:
        end_turn(connection, int(path.rpartition("/")[2]), failures=4, now=do.transactions.now())
    for shown in (path, WEBHOOKS):
        page = admin.get(shown).text
        assert ("it rests" in page, "in 40 seconds" in page) == (True, True)


def test_deleted_webhook_is_gone(admin: Visitor, path: str) -> None:
    assert admin.submit(f"{path}/delete").headers["location"] == WEBHOOKS
    assert admin.get(path).status_code == 404
