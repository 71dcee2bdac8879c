"""Events: that the list of them is closed, and what each says."""

import ast
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tokenry.domain import events, notice_events, sign_in_events, watch_events, webhook_events
from tokenry.domain.details import Reason
from tokenry.domain.events import EVENTS, Event
from tokenry.domain.policy import Concerned, Policy, UserKind
from tokenry.domain.scopes import EVERYTHING, Scopes
from tokenry.domain.tokens import NEVER
from tokenry.domain.watch_events import TokenNarrowed, TokenUnwatched, TokenWatched

MODULES = (events, notice_events, sign_in_events, watch_events, webhook_events)
MOMENT = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
SCOPES = Scopes.parse("domains:read_only linodes:read_write")
POLICY = Policy(
    timedelta(days=90),
    tokens_per_user_max=3,
    scopes={UserKind.USER: SCOPES},
    second_factor=Concerned.EVERYBODY,
    requests_per_minute={UserKind.PROXY: 60},
)
NOTHING = (
    '{"max_lifetime_seconds": null, "expiry_required": false, "max_tokens": null, "scopes": {}, '
    '"second_factor": "nobody", "requests_per_minute": {}}'
)
SOMETHING = (
    '{"max_lifetime_seconds": 7776000, "expiry_required": false, "max_tokens": 3, '
    '"scopes": {"user": "domains:read_only linodes:read_write"}, "second_factor": "everybody", '
    '"requests_per_minute": {"proxy": 60}}'
)
DIFFERENCE = {"email": {"from": "a@b", "to": "c@d"}}

RECORDED = [
    (
        events.TokenCreated(12, "ci", SCOPES, NEVER),
        "token.create",
        "token:12",
        '{"label": "ci", "scopes": "domains:read_only linodes:read_write", "expiry": "never"}',
    ),
    (
        events.TokenCreated(12, "ci", SCOPES, MOMENT),
        "token.create",
        "token:12",
        '{"label": "ci", "scopes": "domains:read_only linodes:read_write", "expiry": "2025-06-15T15:06:40+00:00"}',
    ),
    (
        events.TokenCreated(12, "ci", EVERYTHING, MOMENT, metadata=["plan"]),
        "token.create",
        "token:12",
        '{"label": "ci", "scopes": "*", "expiry": "2025-06-15T15:06:40+00:00", "metadata": ["plan"]}',
    ),
    (
        events.TokenCreated(12, "ci", EVERYTHING, MOMENT, description="", networks=["::"]),
        "token.create",
        "token:12",
        '{"label": "ci", "scopes": "*", "expiry": "2025-06-15T15:06:40+00:00", "description": "", "networks": ["::"]}',
    ),
    (events.TokenRenamed(12, "old", "new"), "token.rename", "token:12", '{"from": "old", "to": "new"}'),
    (
        events.TokenUpdated(12, {"networks": {"from": [], "to": ["192.0.2.0/24"]}}),
        "token.update",
        "token:12",
        '{"networks": {"from": [], "to": ["192.0.2.0/24"]}}',
    ),
    (events.TokenRotated(12, "now", 0), "token.rotate", "token:12", '{"activate": "now", "grace": 0}'),
    (events.TokenReissued(12), "token.reissue", "token:12", "{}"),
    (
        events.TokenShortened(12, MOMENT, MOMENT - timedelta(days=1)),
        "token.shorten",
        "token:12",
        '{"from": "2025-06-15T15:06:40+00:00", "to": "2025-06-14T15:06:40+00:00"}',
    ),
    (events.TokenDisabled(12), "token.disable", "token:12", "{}"),
    (events.TokenEnabled(12), "token.enable", "token:12", "{}"),
    (TokenWatched(12, SCOPES), "token.watch", "token:12", '{"scopes": "domains:read_only linodes:read_write"}'),
    (TokenUnwatched(12), "token.unwatch", "token:12", "{}"),
    (TokenNarrowed(12, EVERYTHING, EVERYTHING), "token.narrow", "token:12", '{"from": "*", "to": "*"}'),
    (events.TokenRevoked(12), "token.revoke", "token:12", "{}"),
    (events.TokenRevoked(12, "pat_1"), "token.revoke", "token:12", '{"reported": "pat_1"}'),
    (events.TokenRevoked(12, reason=Reason.UNUSED), "token.revoke", "token:12", '{"reason": "unused"}'),
    (
        events.PageTokenCreated(3, "pgt_0123456789ab", MOMENT),
        "page_token.create",
        "user:3",
        '{"page_token": "pgt_0123456789ab", "expires": "2025-06-15T15:06:40+00:00"}',
    ),
    (events.UserCreated(3, "ada", admin=False), "user.create", "user:3", '{"username": "ada", "admin": false}'),
    (
        events.UserUpdated(3, DIFFERENCE),
        "user.update",
        "user:3",
        '{"email": {"from": "a@b", "to": "c@d"}}',
    ),
    (events.UserDisabled(3, "ada"), "user.disable", "user:3", '{"username": "ada"}'),
    (events.UserEnabled(3, "ada"), "user.enable", "user:3", '{"username": "ada"}'),
    (events.UserDeleted(3, "ada"), "user.delete", "user:3", '{"username": "ada"}'),
    (events.ProfileUpdated(3, ["email"]), "profile.update", "user:3", '{"changed": ["email"]}'),
    (
        sign_in_events.SessionBegun(3, 7, "password"),
        "session.begin",
        "user:3",
        '{"session_id": 7, "method": "password"}',
    ),
    (sign_in_events.SessionEnded(3, 7), "session.end", "user:3", '{"session_id": 7}'),
    (sign_in_events.AuthenticatorSet(3), "authenticator.set", "user:3", "{}"),
    (sign_in_events.AuthenticatorRemoved(3), "authenticator.remove", "user:3", "{}"),
    (sign_in_events.PasskeyAdded(3, 5, "phone"), "passkey.add", "user:3", '{"passkey_id": 5, "label": "phone"}'),
    (
        sign_in_events.PasskeyRenamed(3, 5, "phone", "old phone"),
        "passkey.rename",
        "user:3",
        '{"passkey_id": 5, "from": "phone", "to": "old phone"}',
    ),
    (sign_in_events.PasskeyRemoved(3, 5, "phone"), "passkey.remove", "user:3", '{"passkey_id": 5, "label": "phone"}'),
    (sign_in_events.PasskeyCloned(3, 5, "phone"), "passkey.clone", "user:3", '{"passkey_id": 5, "label": "phone"}'),
    (sign_in_events.RecoveryCodesMade(3), "recovery_codes.make", "user:3", "{}"),
    (sign_in_events.RecoveryCodeUsed(3, 9), "recovery_codes.use", "user:3", '{"left": 9}'),
    (sign_in_events.FactorsReset(3, "ada"), "factors.reset", "user:3", '{"username": "ada"}'),
    (sign_in_events.PasswordSet(3, "link"), "password.set", "user:3", '{"by": "link"}'),
    (sign_in_events.LinkCreated(3, MOMENT), "link.create", "user:3", '{"expires": "2025-06-15T15:06:40+00:00"}'),
    (
        sign_in_events.IdentityLinked(3, "acme", "https://acme.example", "s1", "sign-in"),
        "identity.link",
        "user:3",
        '{"provider": "acme", "issuer": "https://acme.example", "provider_subject": "s1", "by": "sign-in"}',
    ),
    (
        sign_in_events.IdentityUnlinked(3, "https://acme.example", "s1"),
        "identity.unlink",
        "user:3",
        '{"issuer": "https://acme.example", "provider_subject": "s1"}',
    ),
    (events.AccountCreated(1, "Zuse"), "account.create", "account:1", '{"company": "Zuse"}'),
    (events.AccountCreated(2, "Z", 1), "account.create", "account:2", '{"company": "Z", "parent_id": 1}'),
    (
        events.AccountUpdated(1, DIFFERENCE),
        "account.update",
        "account:1",
        '{"email": {"from": "a@b", "to": "c@d"}}',
    ),
    (events.AccountDetached(2, 1), "account.detach", "account:2", '{"parent_id": 1}'),
    (
        events.GrantRefreshed(3, 7, 9, Scopes.parse("linodes:read_only")),
        "grant.refresh",
        "user:3",
        '{"app_id": 7, "grant_id": 9, "scopes": "linodes:read_only"}',
    ),
    (
        events.TokenExchanged(3, 7, 9, "c2", Scopes.parse("linodes:read_only")),
        "grant.exchange",
        "user:3",
        '{"app_id": 7, "grant_id": 9, "client_id": "c2", "scopes": "linodes:read_only"}',
    ),
    (
        events.DeviceAllowed(3, 7, "c1", Scopes.parse("linodes:read_only"), "192.0.2.1"),
        "device.allow",
        "user:3",
        '{"app_id": 7, "client_id": "c1", "scopes": "linodes:read_only", "address": "192.0.2.1"}',
    ),
    (events.AppEnded(3, 4, "c1"), "app.end", "user:3", '{"app_id": 4, "client_id": "c1"}'),
    (events.GrantEnded(3, 4, 9), "grant.end", "user:3", '{"app_id": 4, "grant_id": 9}'),
    (events.GrantEnded(3, 4, 9, "replay"), "grant.end", "user:3", '{"app_id": 4, "grant_id": 9, "reason": "replay"}'),
    (
        events.ClientCreated(5, "c1", "Example", ("https://app.example/cb",)),
        "client.create",
        "client:5",
        '{"client_id": "c1", "label": "Example", "redirect_uris": ["https://app.example/cb"]}',
    ),
    (
        events.ClientUpdated(5, "c1", {"label": {"from": "a", "to": "b"}}),
        "client.update",
        "client:5",
        '{"client_id": "c1", "label": {"from": "a", "to": "b"}}',
    ),
    (events.ClientSecretReset(5, "c1"), "client.reset_secret", "client:5", '{"client_id": "c1"}'),
    (events.ClientDisabled(5, "c1"), "client.disable", "client:5", '{"client_id": "c1"}'),
    (events.ClientEnabled(5, "c1"), "client.enable", "client:5", '{"client_id": "c1"}'),
    (events.ClientDeleted(5, "c1"), "client.delete", "client:5", '{"client_id": "c1"}'),
    (
        events.AppAllowed(3, 7, "0123456789abcdef0123", Scopes.parse("linodes:read_only")),
        "app.allow",
        "user:3",
        '{"app_id": 7, "client_id": "0123456789abcdef0123", "scopes": "linodes:read_only"}',
    ),
    (
        events.GrantBegun(3, 7, 9, "authorization_code", Scopes.parse("linodes:read_only")),
        "grant.begin",
        "user:3",
        '{"app_id": 7, "grant_id": 9, "grant_type": "authorization_code", "scopes": "linodes:read_only"}',
    ),
    (
        notice_events.NotificationsChosen(3, {"new_network": {"from": True, "to": False}}),
        "notifications.update",
        "user:3",
        '{"new_network": {"from": true, "to": false}}',
    ),
    (notice_events.MailTested(3), "mail.test", "user:3", "{}"),
    (
        webhook_events.WebhookCreated(1, 4, "https://a.example"),
        "webhook.create",
        "webhook:4",
        '{"url": "https://a.example"}',
    ),
    (
        webhook_events.WebhookUpdated(1, 4, {"disabled": {"from": False, "to": True}}),
        "webhook.update",
        "webhook:4",
        '{"disabled": {"from": false, "to": true}}',
    ),
    (webhook_events.WebhookSecretRotated(None, 4, 60), "webhook.rotate_secret", "webhook:4", '{"grace": 60}'),
    (
        webhook_events.WebhookDeleted(1, 4, "https://a.example"),
        "webhook.delete",
        "webhook:4",
        '{"url": "https://a.example"}',
    ),
    (webhook_events.WebhookGone(1, 4), "webhook.gone", "webhook:4", "{}"),
    (webhook_events.WebhookFull(1, 4, 9), "webhook.full", "webhook:4", '{"given_up": 9}'),
    (webhook_events.WebhookTested(1, 4), "webhook.test", "webhook:4", "{}"),
    (webhook_events.WebhookRedelivered(1, 4, 9), "webhook.redeliver", "webhook:4", '{"delivery_id": 9}'),
    (
        events.PolicySet(Policy(), POLICY),
        "policy.set",
        "policy",
        f'{{"from": {NOTHING}, "to": {SOMETHING}}}',
    ),
]


@pytest.mark.parametrize(("event", "action", "subject", "details"), RECORDED)
def test_event_is_stored_as_it_always_was(event: Event, action: str, subject: str, details: str) -> None:
    """To the byte: the audit of years is searched by it."""
    assert (event.action, event.subject, json.dumps(event.details)) == (action, subject, details)


def test_every_event_is_an_example_here() -> None:
    assert {type(event) for event, *_ in RECORDED} == set(EVENTS)


def test_list_of_events_has_all_that_are_defined() -> None:
    written = [ast.parse(Path(str(each.__file__)).read_text()) for each in MODULES]
    classes = {node.name for tree in written for node in tree.body if isinstance(node, ast.ClassDef)}
    defined = classes - {"OfWebhook"}
    assert defined == {event.__name__ for event in EVENTS}
