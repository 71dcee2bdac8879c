"""What every use case asks of a database with many rows: found in indexes, whatever there is beside it."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from pyotp import TOTP
from sqlalchemy import URL, Connection, create_engine, text

from tests.conftest import START, Clock
from tests.devices import Device
from tests.making import NOW as MOMENT
from tests.making import OPERATOR
from tests.oauth_making import CHALLENGE, VERIFIER, add_client, agree, client_row, give
from tests.plans import Capture, Statement, faults_of
from tokenry.domain.accounts import AccountChange, Actor, Origin
from tokenry.domain.callers import Callers
from tokenry.domain.clients import Client, ClientChange, PresentedClient
from tokenry.domain.codes import PresentedCode
from tokenry.domain.details import NOT_ENDED, NewDetails, Selection, State
from tokenry.domain.device_codes import DeviceCode
from tokenry.domain.errors import Invalid, NotFound, Unauthorized
from tokenry.domain.filters import EVERY_ROW, Comparison, Filter, Operator
from tokenry.domain.grants import PresentedRefresh
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.mail import MailSettings, read_mail_server
from tokenry.domain.managed import UserWanted
from tokenry.domain.notices import NoticeKind
from tokenry.domain.oauth import GrantType, OAuthError, OAuthRefusal
from tokenry.domain.paging import PageRequest
from tokenry.domain.policy import Concerned, Policy
from tokenry.domain.policy_changes import PolicyChange
from tokenry.domain.profile import ProfileChange
from tokenry.domain.providers import Person, Provider
from tokenry.domain.rotation import NewRotation
from tokenry.domain.scopes import ALL, EVERYTHING, NOTHING
from tokenry.domain.seals import Ticket
from tokenry.domain.secrets import LINK, REGISTRATION, Secret
from tokenry.domain.service_accounts import ServiceAccountWanted
from tokenry.domain.sessions import Session
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.domain.usage import day_of
from tokenry.domain.users import GrantsChange, NewUser, UserChange
from tokenry.domain.webhooks import WebhookChange
from tokenry.service.authorization import Consent
from tokenry.service.documents import ClientDocuments, Documents
from tokenry.service.grants.ending import end_client
from tokenry.service.grants.token_exchange import PresentedSubject
from tokenry.service.mailing import Mailing
from tokenry.service.passkeys import PasskeyResponse
from tokenry.service.passwords import PasswordProved, SigningIn
from tokenry.service.second_steps import Pending
from tokenry.service.telling import Limits, Outcome
from tokenry.settings import Settings
from tokenry.storage import audit, schema
from tokenry.storage.database import to_seconds
from tokenry.storage.mail import claim_message, take_notices
from tokenry.storage.mailed_addresses import claim_turn, give_back_turn
from tokenry.storage.notices import note_networks, note_presented_again
from tokenry.storage.revoked_uses import Suspect, note_revoked_uses
from tokenry.storage.rotations import activate_used, find_unused
from tokenry.storage.schema import metadata
from tokenry.storage.usage import Asked, Count, add_counts, store_asked
from tokenry.storage.users import find_user_by_id
from tokenry.storage.uses import Use, record_uses, was_used
from tokenry.storage.watching import WouldBe, add_would_be_refusals
from tokenry.wiring import begin, open_installation, prepare

NOW = int(START)
PUBLIC_URL = "https://tokens.example.com"
PAGE = PageRequest(size=25)
ACCOUNTS = 10_000
USERS = 20_000
TOKENS = 40_000
OF_CLIENTS = ("oauth_clients", "apps", "oauth_grants")
WHOLE = {
    "notices.note_expiring",
    "overviews.count_tokens",
    "policies.enforce",
    "policies.preview_lifetime",
    "policy_changes.list_outliving",
    "policy_changes.preview_change",
    "shortenings.shorten_tokens",
    "tokens.revoke_other_tokens",
}
"""What may read all tokens, once: for whoever sets the policy of all; and where PostgreSQL prefers to find a user's
many by id."""


PROVIDER = Provider(
    name="acme",
    label="Acme",
    issuer="https://acme.example",
    client_id="a",
    create_users=True,
    link_by_verified_email=True,
)


def person(subject: str, *, username: str = "", email: str = "", admin: bool | None = None) -> Person:
    """Somebody at the provider."""
    return Person(PROVIDER.issuer, subject, username, email, email_verified=bool(email), account=None, admin=admin)


def numbers(first: int, last: int) -> str:
    """Numbers `i` to select from."""
    series = f"SELECT {first} UNION ALL SELECT i + 1 FROM series WHERE i < {last}"
    return f"(WITH RECURSIVE series(i) AS ({series}) SELECT i FROM series) AS numbers"


MORE_ACCOUNTS = f"""
    INSERT INTO accounts (id, euuid, company, created_at, parent_id)
    SELECT i, 'E' || i, 'company ' || i, {NOW}, CASE WHEN i % 10 = 9 THEN 1 WHEN i > 50 THEN 2 + i % 40 END
    FROM {numbers(2, ACCOUNTS)}
"""
MORE_USERS = f"""
    INSERT INTO users (id, account_id, username, username_folded, email, admin, created_at, external_id, service)
    SELECT i, CASE WHEN i % 20 < 2 THEN 1 ELSE 2 + i % 50 END, 'user-' || i, 'user-' || i, '', FALSE, {NOW},
        'ext-' || i, i IN (37, 41)
    FROM {numbers(2, USERS)}
"""
# A tenth of them the first user's; a fifth revoked and a fifth expired.
MORE_TOKENS = f"""
    INSERT INTO tokens (id, user_id, label, label_folded, scopes, preview, created_at, expires_at, revoked_at)
    SELECT i, CASE WHEN i % 100 < 10 THEN 1 ELSE 2 + i % {USERS - 1} END, 'token-' || i, 'token-' || i, '*',
        'pat_' || substr(CAST(1000000000000 + i AS TEXT), 2), {NOW},
        {NOW} + CASE WHEN i % 5 = 3 THEN -1 ELSE 86400 * (1 + i % 365) END,
        CASE WHEN i % 5 = 4 THEN {NOW} END
    FROM {numbers(2, TOKENS)}
"""
CREDENTIALS = """
    INSERT INTO credentials (preview, token_id, digest, pepper_generation, expires_at)
    SELECT preview, id, :digest, 1, expires_at FROM tokens WHERE id > 1 AND revoked_at IS NULL
"""
USES = f"INSERT INTO token_uses (token_id, used_at) SELECT id, {NOW} - id FROM tokens WHERE id % 3 = 0"
COUNTS = f"""
    INSERT INTO token_counts (token_id, day, result, number)
    SELECT id, {day_of(NOW)} - CASE WHEN id % 20 = 0 THEN 100 ELSE 5 END, 'accepted', 1 FROM tokens
"""
ACCOUNT_COUNTS = f"""
    INSERT INTO account_counts (account_id, day, result, number)
    SELECT id, {day_of(NOW)} - CASE WHEN id % 20 = 0 THEN 100 ELSE 5 END, 'accepted', 1 FROM accounts
"""
ASKED = f"""
    INSERT INTO asked_scopes (token_id, scope, day)
    SELECT id, 'volumes:read_only', {day_of(NOW)} - CASE WHEN id % 20 = 0 THEN 100 ELSE 5 END FROM tokens
"""
WOULD_BE = f"""
    INSERT INTO watched_refusals (token_id, scope, day, number, last_at)
    SELECT id, 'volumes:read_only', {day_of(NOW)} - CASE WHEN id % 20 = 0 THEN 100 ELSE 5 END, 1, {NOW} FROM tokens
"""
REVOKED_USES = f"""
    INSERT INTO revoked_uses (token_id, day, first_at, last_at)
    SELECT id, {day_of(NOW)} - 2 - id % 90, {NOW} - 86400 * 90, {NOW} - 86400 * (2 + id % 90)
    FROM tokens WHERE id % 5 = 4
"""
ROTATIONS = f"""
    INSERT INTO rotations (token_id, preview, previous, started_at, grace_seconds, on_first_use, first_used_at)
    SELECT id, preview, 'old_' || substr(preview, 5), {NOW}, 60, FALSE, {NOW} FROM tokens WHERE id % 8 = 1
"""
KEYS = f"""
    INSERT INTO idempotency_keys (user_id, key, request, token_id, preview, created_at)
    SELECT 1 + i % {USERS}, 'key-' || i, :digest, 1, '', {NOW} FROM {numbers(1, 5000)}
"""
RESERVATIONS = f"""
    INSERT INTO username_reservations (username_folded, user_id, freed_at)
    SELECT 'gone-' || i, 1, {NOW} FROM {numbers(1, 5000)}
"""
CLIENTS = f"""
    INSERT INTO oauth_clients (id, client_id, account_id, label, public, redirect_uris, grant_types, scopes,
        authentication, pkce_required, created_at, created_by)
    SELECT i, 'client-' || i, CASE WHEN i % 100 = 0 THEN 1 ELSE 2 + i % 50 END, 'client ' || i, FALSE,
        '["https://app.example/"]', 'authorization_code', '*', 'client_secret_basic', TRUE, {NOW}, 'admin'
    FROM {numbers(100, 5000)}
"""
NEW_CLIENT = ClientChange({"label": "new", "redirect_uri": "https://app.example/"})
ACTS_FOR_ITSELF = ClientChange({"grant_types": frozenset({GrantType.CLIENT_CREDENTIALS})})
FOR_A_YEAR = PolicyChange(
    {"lifetime_max": timedelta(days=364), "tokens_per_user_max": 50_000, "second_factor": Concerned.EVERYBODY}
)
NO_LONGER = ClientChange({"grant_types": frozenset({GrantType.AUTHORIZATION_CODE}), "scopes": NOTHING})
EVENTS = f"""
    INSERT INTO audit_events (id, at, actor, action, subject, details, account_id, user_id)
    SELECT i, {NOW} + i, 'admin', CASE i % 2 WHEN 0 THEN 'token.create' ELSE 'token.revoke' END, 'token\\:' || i,
        '{{"label"\\: "ci", "scopes"\\: "linodes\\:read_only", "expiry"\\: "2999-12-12T05\\:00\\:00+00\\:00"}}',
        CASE WHEN i % 100 < 20 THEN 1 ELSE 2 + i % 50 END, CASE WHEN i % 100 < 10 THEN 1 ELSE 2 + i % {USERS - 1} END
    FROM {numbers(1000, TOKENS)}
"""


SESSIONS = f"""
    INSERT INTO sessions
        (id, preview, digest, pepper_generation, user_id, method, created_at, authenticated_at, seen_at, expires_at)
    SELECT i, 'ses_' || substr(CAST(1000000000000 + i AS TEXT), 2), :digest, 1,
        CASE WHEN i % 100 < 10 THEN 1 ELSE 2 + i % {USERS - 1} END, 'password', {NOW}, {NOW}, {NOW},
        {NOW} + CASE WHEN i % 5 = 3 THEN -1 ELSE 86400 END
    FROM {numbers(1, TOKENS)}
"""
PASSWORDS = f"INSERT INTO passwords (user_id, hash, changed_at) SELECT id, 'hash-' || id, {NOW} FROM users"
LINKS = f"""
    INSERT INTO links (preview, digest, pepper_generation, user_id, created_at, expires_at)
    SELECT 'lnk_' || substr(CAST(1000000000000 + i AS TEXT), 2), :digest, 1, 1 + i % {USERS}, {NOW},
        {NOW} + CASE WHEN i % 5 = 3 THEN -1 ELSE 86400 END
    FROM {numbers(1, TOKENS)}
"""
PAGE_TOKENS = f"""
    INSERT INTO page_tokens (preview, digest, pepper_generation, user_id, token_id, created_at, expires_at)
    SELECT 'pgt_' || substr(CAST(1000000000000 + i AS TEXT), 2), :digest, 1, 2 + i % {USERS - 1}, 1 + i % 900, {NOW},
        {NOW} + CASE WHEN i % 5 = 3 THEN -1 ELSE 900 END
    FROM {numbers(1, TOKENS)}
"""
# Half of them the first user's, and most of those failures.
ADDRESSED = "UPDATE users SET email = 'one@example.org' WHERE id = 280"
IDENTITIES = f"""
    INSERT INTO identities (id, issuer, subject, user_id, created_at)
    SELECT id, 'https://acme.example', 'subject-' || id, id, {NOW} FROM users WHERE id > 300
"""
LOGINS = f"""
    INSERT INTO logins (id, user_id, at, succeeded, method)
    SELECT i, CASE WHEN i % 10 < 5 THEN 1 ELSE 2 + i % {USERS - 1} END, {NOW} - 86400 * 3 - i,
        CASE WHEN i % 10 = 0 AND i > {TOKENS // 2} THEN TRUE ELSE FALSE END, 'password'
    FROM {numbers(1, TOKENS)}
"""


# Of every second user, four each; and ten codes.
PASSKEYS = f"""
    INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, label, created_at)
    SELECT i, 3 + 2 * (i % 9000), CAST('key ' || i AS {{binary}}), :digest, 0, 'phone', {NOW} FROM {numbers(1, 36000)}
"""
AUTHENTICATORS = f"""
    INSERT INTO authenticators (user_id, sealed, created_at, used_step)
    SELECT 3 + 2 * i, :digest, {NOW}, 0 FROM {numbers(1, 9000)}
"""
RECOVERY_CODES = f"""
    INSERT INTO recovery_codes (user_id, digest, pepper_generation)
    SELECT 3 + 2 * (i % 9000), CAST('code ' || i AS {{binary}}), 1 FROM {numbers(1, 90000)}
"""
PUSHED = f"""
    INSERT INTO pushed_requests
        (preview, digest, pepper_generation, oauth_client_id, parameters, created_at, expires_at)
    SELECT 'opr_' || substr(CAST(1000000000000 + i AS TEXT), 2), :digest, 1, 1, '{{}}', {NOW}, {NOW} + i
    FROM {numbers(1, 5000)}
"""


# Each lets in one of five thousand clients, but for the first user, who lets in a hundred; a tenth has ended.
APPS = f"""
    INSERT INTO apps (id, user_id, oauth_client_id, scopes, created_at, ended_at)
    SELECT i, CASE WHEN i <= 100 THEN 1 ELSE i END, 100 + i % 4900, '*', {NOW}, CASE WHEN i % 10 = 9 THEN {NOW} + i END
    FROM {numbers(2, 15000)}
"""
GRANTS = f"""
    INSERT INTO oauth_grants (id, app_id, grant_type, scopes, created_at, expires_at)
    SELECT i, i, 'authorization_code', '*', {NOW}, {NOW} + i FROM {numbers(2, 15000)}
"""
REFRESH_TOKENS = f"""
    INSERT INTO refresh_tokens (preview, digest, pepper_generation, grant_id, created_at, expires_at)
    SELECT 'ort_' || substr(CAST(1000000000000 + i AS TEXT), 2), :digest, 1, i, {NOW}, {NOW} + i
    FROM {numbers(2, 15000)}
"""
ACCESS_TOKENS = f"""
    INSERT INTO tokens
        (id, user_id, label, label_folded, scopes, preview, created_at, expires_at, revoked_at, grant_id)
    SELECT {TOKENS} + i, CASE WHEN i <= 100 THEN 1 ELSE i END, 'client', 'client', '*',
        'toat' || substr(CAST(1000000000000 + i AS TEXT), 2), {NOW}, {NOW} + i - 5000 - 86400,
        CASE WHEN i % 5 = 4 THEN {NOW} END, i
    FROM {numbers(2, 15000)}
"""
CODES = f"""
    INSERT INTO authorization_codes
        (preview, digest, pepper_generation, app_id, scopes, created_at, expires_at, grant_id)
    SELECT 'oac_' || substr(CAST(1000000000000 + i AS TEXT), 2), :digest, 1, i, '*', {NOW}, {NOW} + i, i
    FROM {numbers(2, 5000)}
"""
DEVICE_CODES = f"""
    INSERT INTO device_codes (preview, digest, pepper_generation, user_code, oauth_client_id, scopes, created_at,
        expires_at, interval_seconds, app_id)
    SELECT 'odc_' || substr(CAST(1000000000000 + i AS TEXT), 2), :digest, 1, 'code-' || i, 100 + i % 4900, '*', {NOW},
        {NOW} + i, 5, i
    FROM {numbers(2, 5000)}
"""
ASSERTIONS = f"""
    INSERT INTO seen_assertions (digest, expires_at)
    SELECT CAST('assertion-' || i AS {{blob}}), {NOW} + i FROM {numbers(1, 5000)}
"""

# The first account has some, as the operator has. Of the messages a quarter wait.
WEBHOOKS = f"""
    INSERT INTO webhooks (id, account_id, url, actions, sealed, created_at)
    SELECT i, CASE WHEN i <= 10 THEN 1 WHEN i > 20 THEN 2 + i % 9990 END, 'https\\://app.example/', ' token.revoke ',
        :digest, {NOW}
    FROM {numbers(1, 15000)}
"""
OUTBOX = f"""
    INSERT INTO outbox (id, webhook_id, event_id, action, subject, created_at, due_at, state, ended_at)
    SELECT i, CASE WHEN i % 100 = 10 THEN 1 ELSE 21 + i % 9000 END, i, 'token.revoke', 'token\\:' || i,
        {NOW} - i, {NOW} - i,
        CASE i % 4 WHEN 0 THEN 'pending' WHEN 1 THEN 'dead' ELSE 'done' END, CASE WHEN i % 4 > 0 THEN {NOW} - i END
    FROM {numbers(1000, TOKENS)}
"""

# The first user has some. All were mailed, over some days.
NOTICES = f"""
    INSERT INTO notices (id, user_id, kind, thing, token_id, created_at, mailed_at)
    SELECT i, CASE WHEN i % 200 = 10 THEN 1 ELSE 2 + i % {USERS - 1} END, 'token_leaked', 'x' || i, i,
        {NOW} - 1000 * i, {NOW}
    FROM {numbers(2, TOKENS)}
"""
MAILED = f"""
    INSERT INTO mailed_addresses (address, account_id, next_at)
    SELECT 'user-' || i || '@example.org', 0, {NOW} + i FROM {numbers(1, 5000)}
"""
NETWORKS = f"""
    INSERT INTO seen_networks (token_id, network, seen_at)
    SELECT id, '198.51.100.0/24', {NOW} FROM tokens WHERE id < 20000
"""


def fill(connection: Connection) -> None:
    """Make many rows of everything."""
    for rows in (
        MORE_ACCOUNTS,
        MORE_USERS,
        MORE_TOKENS,
        CREDENTIALS,
        USES,
        COUNTS,
        ACCOUNT_COUNTS,
        ASKED,
        WOULD_BE,
        REVOKED_USES,
        ROTATIONS,
        KEYS,
        RESERVATIONS,
        CLIENTS,
        EVENTS,
        SESSIONS,
        PUSHED,
        PASSWORDS,
        LINKS,
        PAGE_TOKENS,
        LOGINS,
        PASSKEYS,
        AUTHENTICATORS,
        RECOVERY_CODES,
        ADDRESSED,
        IDENTITIES,
        APPS,
        GRANTS,
        REFRESH_TOKENS,
        ACCESS_TOKENS,
        CODES,
        DEVICE_CODES,
        WEBHOOKS,
        OUTBOX,
        NOTICES,
        MAILED,
        NETWORKS,
        ASSERTIONS.format(blob="BLOB" if connection.dialect.name == "sqlite" else "BYTEA"),
    ):
        statement = text(rows.replace("{binary}", "BYTEA" if connection.dialect.name == "postgresql" else "BLOB"))
        connection.execute(statement, {"digest": bytes(32)} if "digest" in statement.compile().params else {})
    if connection.dialect.name == "postgresql":
        ids = (
            "accounts",
            "users",
            "tokens",
            "audit_events",
            "sessions",
            "logins",
            "passkeys",
            "identities",
            "webhooks",
            "outbox",
            "notices",
        )
        for table in (*ids, *OF_CLIENTS):
            connection.execute(text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"))


class Many:
    """An installation with many rows, and who acts: the administrator who has a tenth of all tokens."""

    def __init__(self, settings: Settings) -> None:
        prepare(settings)
        self.do = open_installation(settings, Clock())
        self.database = self.do.database
        secret = begin(self.do, lambda secret: None)
        assert secret is not None
        self.text = secret.reveal()
        self.device = Device(PUBLIC_URL, "tokens.example.com", count=0)
        with self.database.write() as connection:
            connection.execute(schema.oauth_clients.insert().values(client_row("asks")))
            fill(connection)
        if not self.database.is_sqlite:
            with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                # Half-way through what the operations delete, autovacuum would lead to other plans.
                for table in metadata.tables:
                    connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
                connection.execute(text("VACUUM ANALYZE"))
        euuid = self.do.accounts.list_accounts()[0].euuid
        self.session = self.begin_session()
        self.actor = Actor(1, EVERYTHING, to_seconds(NEVER), 1, "admin", 1, euuid, secret.preview, admin=True)
        self.origin = Origin("admin", self.actor, "203.0.113.9")
        self.with_all_scopes = replace(self.origin, actor=self.actor._replace(scopes=ALL))

    def capture(self) -> Mapping[str, Statement]:
        """Carry out every operation; the statements that it took."""
        capture = Capture(self.database.engine)
        for name, operations in self.operations().items():
            for operation in operations:
                capture.of(name, operation)
        return capture.statements

    def operations(self) -> Mapping[str, list[Callable[[], object]]]:
        """Every use case, in its usual forms, by its name in the installation. What ends the actor comes last."""
        return {**self.lists(), **self.reads(), **self.changes(), **self.ends()}

    def lists(self) -> Mapping[str, list[Callable[[], object]]]:
        do, actor = self.do, self.actor
        states = [*(Selection(state) for state in (*State, None)), NOT_ENDED]
        deep, far = PageRequest(3, 25), PageRequest(41, 25)
        events: list[tuple[PageRequest, Filter]] = [
            (PAGE, EVERY_ROW),
            (deep, Filter(Comparison("id", Operator.LESS, TOKENS // 2))),
            (PAGE, Filter(Comparison("action", Operator.EQUAL, "token.revoke"))),
            (PAGE, Filter(Comparison("at", Operator.GREATER, MOMENT))),
            (PAGE, Filter(Comparison("subject", Operator.EQUAL, "token:2000"))),
        ]
        with self.database.read() as connection:
            after = connection.execute(text(f"SELECT username FROM users WHERE id = {USERS // 2}")).scalar_one()
        return {
            "tokens.list_tokens": [
                partial(do.tokens.list_tokens, 1, PAGE),
                partial(do.tokens.list_tokens, 1, deep, Filter(descending=True)),
                partial(do.tokens.list_tokens, 1, PAGE, Filter(limit=5)),
                partial(do.details.list_details, 1, far),
            ],
            "details.list_details": [partial(do.details.list_details, 1, PAGE, selection=each) for each in states],
            "inventory.list_tokens": [
                *(partial(do.inventory.list_tokens, actor, deep, selection=each) for each in states),
                partial(do.inventory.list_tokens, actor, PAGE, username="user-40"),
            ],
            "inventory.export_tokens": [
                partial(self.two_pieces, do.inventory.export_tokens, actor, selection=each) for each in states
            ],
            "inventory.export_all": [
                partial(self.two_pieces, do.inventory.export_all),
                partial(self.two_pieces, do.inventory.export_all, username="user-40"),
            ],
            "service_accounts.list_service_accounts": [
                partial(do.service_accounts.list_service_accounts, actor, PAGE),
            ],
            "account_users.list_users": [partial(do.account_users.list_users, actor, PAGE)],
            "managed_users.list_users": [
                partial(do.managed_users.list_users, actor, PAGE),
                partial(do.managed_users.list_users, actor, deep, Filter(descending=True)),
            ],
            "users.list_users": [lambda: next(do.users.list_users()), lambda: next(do.users.list_users(after))],
            "apps.list_apps": [
                partial(do.apps.list_apps, actor, PAGE),
                partial(do.apps.list_apps, actor, deep, Filter(descending=True)),
            ],
            "children.list_children": [partial(do.children.list_children, actor, PAGE)],
            "logins.list_logins": [
                partial(do.logins.list_logins, actor, PAGE),
                partial(do.logins.list_logins, actor, deep, Filter(descending=True)),
            ],
            "sessions.list_sessions": [
                partial(do.sessions.list_sessions, actor, PAGE),
                partial(do.sessions.list_sessions, actor, deep, Filter(descending=True)),
            ],
            "accounts.list_accounts": [lambda: None],  # all of them, whole, for the operator
            "audit.list_events": [
                *(partial(do.audit.list_events, actor, *asked) for asked in events),
                partial(self.list_events, None),
                partial(self.list_events, "token:2000"),
            ],
            "audit.list_own_events": [partial(do.audit.list_own_events, actor, *asked) for asked in events],
            "audit.export_events": [partial(self.two_pieces, do.audit.export_events, actor)],
            "audit.export_all": [partial(self.two_pieces, do.audit.export_all)],
            "audit.export_own_events": [partial(self.two_pieces, do.audit.export_own_events, actor)],
        }

    def reads(self) -> Mapping[str, list[Callable[[], object]]]:
        do, actor = self.do, self.actor
        nobodys = Secret.generate().reveal()
        return {
            "tokens.get_token": [partial(do.tokens.get_token, 1, 1)],
            "details.get_details": [partial(do.details.get_details, 1, 1)],
            "rotations.find_rotation": [partial(do.rotations.find_rotation, 1, 1)],
            "watching.get_watch": [self.get_watch],
            "overviews.get_overview": [partial(do.overviews.get_overview, actor)],
            "overviews.count_tokens": [do.overviews.count_tokens],
            "activity.list_counts": [partial(do.activity.list_counts, actor, 1)],
            "activity.advise": [partial(do.activity.advise, actor, 1)],
            "activity.list_revoked_uses": [partial(do.activity.list_revoked_uses, MOMENT)],
            "activity.list_own_revoked_uses": [partial(do.activity.list_own_revoked_uses, actor, MOMENT)],
            "policies.get_policy": [do.policies.get_policy],
            "policies.get_rules": [partial(do.policies.get_rules, 1), partial(do.policies.get_rules, 2, giver_id=1)],
            "device_codes.find": [partial(do.device_codes.find, "BCDFGHJK")],
            "refresh_tokens.find_live": [self.find_live],
            "apps.get_app": [partial(do.apps.get_app, actor, 10)],
            "admission.admit": [partial(do.admission.admit, actor, who) for who in Callers],
            "account_users.get_user": [partial(do.account_users.get_user, actor, "user-40")],
            "service_accounts.get_service_account": [
                partial(do.service_accounts.get_service_account, actor, "user-41")
            ],
            "managed_users.get_user": [partial(do.managed_users.get_user, actor, "ext-40")],
            "managed_users.on_behalf": [partial(do.managed_users.on_behalf, self.origin, "ext-40")],
            "accounts.get_account": [partial(do.accounts.get_account, actor)],
            "children.get_child": [partial(do.children.get_child, actor, "E9")],
            "sessions.find_session": [partial(do.sessions.find_session, self.session.reveal())],
            "logins.get_login": [partial(do.logins.get_login, actor, 10)],
            "logins.find_sign_ins": [partial(do.logins.find_sign_ins, [*range(1, 101)])],
            "sessions.get_session": [partial(do.sessions.get_session, actor, 100)],
            "profiles.get_profile": [partial(do.profiles.get_profile, actor)],
            "profiles.get_user": [partial(do.profiles.get_user, actor)],
            "explanations.explain_token": [partial(do.explanations.explain_token, actor, nobodys)],
            "explanations.explain_any_token": [partial(do.explanations.explain_any_token, nobodys)],
            "account_clients.list_clients": [partial(do.account_clients.list_clients, actor, PAGE)],
            "account_clients.get_client": [partial(do.account_clients.get_client, actor, "client-100")],
            "clients.list_clients": [partial(self.two_pieces, do.clients.list_clients)],
            "clients.get_client": [partial(do.clients.get_client, "client-100")],
            "registrations.get_registration": [partial(self.be_unknown, do.registrations.get_registration)],
            "client_authentication.authenticate": [partial(self.authenticate, "unknown")],
            "policies.preview_lifetime": [partial(do.policies.preview_lifetime, timedelta(days=900))],
            "policy_changes.get_policy": [partial(do.policy_changes.get_policy, actor)],
            "policy_changes.preview_change": [partial(do.policy_changes.preview_change, actor, FOR_A_YEAR)],
            "policy_changes.list_outliving": [
                partial(do.policy_changes.list_outliving, actor, timedelta(days=364), PAGE)
            ],
        }

    def changes(self) -> Mapping[str, list[Callable[[], object]]]:
        do, origin = self.do, self.origin
        keyed = KeyedRequest("key", bytes(32))
        make = partial(do.tokens.create_token, origin, NewToken(label="made"), keyed)
        return {
            "tokens.create_token": [make, make],
            "tokens.create_token_for": [partial(do.tokens.create_token_for, OPERATOR, "user-40", NewToken())],
            "tokens.rename_token": [partial(do.tokens.rename_token, origin, 100, "other")],
            "details.update_details": [
                partial(do.details.update_details, origin, 100, NewDetails("what for", networks=())),
                partial(do.details.update_details, origin, 100, NewDetails(disabled=True)),
                partial(do.details.update_details, origin, 100, NewDetails(disabled=False)),
            ],
            "details.limit_any_token": [partial(do.details.limit_any_token, OPERATOR, 100, 60)],
            "rotations.rotate_any_token": [partial(do.rotations.rotate_any_token, OPERATOR, 35, NewRotation())],
            "rotations.rotate_token": [
                partial(do.rotations.rotate_token, origin, 101, NewRotation()),
                partial(do.rotations.rotate_token, origin, 101, NewRotation(0, on_first_use=False)),
            ],
            "tokens.revoke_token": [partial(do.tokens.revoke_token, origin, 102)],
            "tokens.revoke_tokens": [partial(do.tokens.revoke_tokens, origin, [103, 104])],
            "tokens.revoke_any_token": [partial(do.tokens.revoke_any_token, OPERATOR, 111)],
            "inventory.revoke_tokens": [partial(do.inventory.revoke_tokens, origin, [*range(300, 400)])],
            "watching.watch_token": [
                partial(do.watching.watch_token, origin, each, "linodes:read_only") for each in (1200, 1201)
            ],
            "watching.narrow_token": [partial(do.watching.narrow_token, origin, 1200)],
            "watching.unwatch_token": [partial(do.watching.unwatch_token, origin, 1201)],
            "inventory.turn_tokens": [
                partial(do.inventory.turn_tokens, origin, [*range(400, 500)], disabled=each) for each in (True, False)
            ],
            "inventory.turn_any_token": [
                partial(do.inventory.turn_any_token, OPERATOR, 112, disabled=each) for each in (True, False, False)
            ],
            "leaks.revoke_reported": [partial(self.report_a_leak)],
            "pruning.prune": [do.pruning.prune],
            "revocations.revoke_presented": [partial(do.revocations.revoke_presented, origin, self.text[:-1])],
            "children.create_token": [partial(do.children.create_token, origin, "E9")] * 2,
            "accounts.update_own": [partial(do.accounts.update_own, origin, AccountChange({"company": "mine"}))],
            "accounts.update_account": [
                partial(do.accounts.update_account, OPERATOR, "E8", AccountChange({"company": "eight"}))
            ],
            "accounts.create_account": [
                partial(
                    do.accounts.create_account,
                    OPERATOR,
                    company="new",
                    parent=self.actor.account_euuid,
                    admin="newcomer",
                )
            ],
            "accounts.detach_account": [partial(do.accounts.detach_account, OPERATOR, "E9")],
            "account_users.create_user": [
                partial(do.account_users.create_user, origin, NewUser("ada", "ada@example.org"))
            ],
            "account_users.update_user": [
                partial(do.account_users.update_user, origin, "user-40", UserChange(username="renamed"))
            ],
            "account_users.update_grants": [
                partial(do.account_users.update_grants, origin, "user-60", GrantsChange(child_account_access=True))
            ],
            "account_users.set_disabled": [partial(do.account_users.set_disabled, origin, "user-80", disabled=True)],
            "account_users.delete_user": [partial(do.account_users.delete_user, origin, "user-80")],
            **self.managed(),
            "users.create_service_account": [
                partial(do.users.create_service_account, OPERATOR, username="backend", ceiling=EVERYTHING)
            ],
            "users.create_user": [partial(do.users.create_user, OPERATOR, username="bob", admin=True)],
            "users.update_user": [partial(do.users.update_user, OPERATOR, "user-100", UserChange(username="named"))],
            "users.disable_user": [partial(do.users.disable_user, OPERATOR, "user-120")],
            "users.enable_user": [partial(do.users.enable_user, OPERATOR, "user-120")],
            "users.delete_user": [partial(do.users.delete_user, OPERATOR, "user-140")],
            "sessions.authenticate_again": [lambda: do.sessions.authenticate_again(OPERATOR, self.own_session(104))],
            "identities.use_ticket": [partial(do.identities.use_ticket, Ticket({}, bytes(32), MOMENT))],
            "identities.sign_in": [
                partial(do.identities.sign_in, PROVIDER, each, address=None, agent=None)
                for each in (
                    person("subject-400", admin=True),
                    person("subject-400", admin=False),
                    person("new", email="one@example.org"),
                    person("newer", username="newer"),
                )
            ],
            "identities.list_of_user": [partial(do.identities.list_of_user, "user-430")],
            "identities.link": [partial(do.identities.link, OPERATOR, "user-430", PROVIDER, "somebody")],
            "identities.unlink": [partial(do.identities.unlink, OPERATOR, "user-440", 440)],
            "identities.authenticate_again": [
                lambda: do.identities.authenticate_again(person("subject-420"), self.sign_in(420), None)
            ],
            "links.invite": [partial(do.links.invite, self.with_all_scopes, "user-200")],
            "links.make_link": [partial(do.links.make_link, OPERATOR, "user-200")],
            "links.find_user": [partial(do.links.find_user, Secret.generate(kind=LINK).reveal())],
            "links.use_link": [self.use_link],
            "passwords.find_signing_in": [
                partial(do.passwords.find_signing_in, name, "192.0.2.1")
                for name in ("admin", "user-200", "a@example.org")
            ],
            "passwords.find_hash": [lambda: do.passwords.find_hash(self.own_session(104))],
            "passwords.sign_in": [partial(self.sign_in, 240)],
            "passwords.prove": [lambda: do.passwords.prove(OPERATOR, self.sign_in(250), "hash")],
            "passwords.change_password": [
                lambda: do.passwords.change_password(OPERATOR, self.sign_in(260), "other hash")
            ],
            **self.factors(),
            "passwords.note_failure": [partial(do.passwords.note_failure, 1, address=None)],
            "passwords.note_failure_of_nobody": [do.passwords.note_failure_of_nobody],
            "sessions.begin_session": [self.begin_session],
            "sessions.delete_session": [partial(do.sessions.delete_session, origin, 101)],
            "sessions.end_session": [
                lambda: do.sessions.end_session(OPERATOR, do.sessions.get_session(self.actor, 102))
            ],
            "profiles.update_profile": [
                partial(do.profiles.update_profile, origin, ProfileChange(email="me@example.org"))
            ],
            "policies.set_policy": [partial(do.policies.set_policy, OPERATOR, lambda policy: policy)],
            "policies.enforce": [self.enforce],
            "policies.await_changers": [partial(do.policies.await_changers, 60)],
            "policy_changes.change_policy": [
                partial(do.policy_changes.change_policy, origin, FOR_A_YEAR, shorten=True)
            ],
            "shortenings.shorten_tokens": [do.shortenings.shorten_tokens, self.allow_for_ever],
            "proofs.see_proof": [partial(do.proofs.see_proof, "toat000000000100", "k" * 43, bytes(32), MOMENT)],
            "proofs.see_first_proof": [partial(do.proofs.see_first_proof, bytes(32), MOMENT)],
            "proofs.find_keys": [partial(do.proofs.find_keys, ["toat000000000100", "toat000000000101"])],
            "apps.end_app": [partial(do.apps.end_app, origin, 11)],
            "clients.end": [self.end_a_client],
            "authorizations.allow": [self.let_in],
            "authorizations.refuse": [self.send_back],
            "account_clients.create_client": [partial(do.account_clients.create_client, origin, NEW_CLIENT)],
            "account_clients.update_client": [
                partial(do.account_clients.update_client, origin, "client-200", ACTS_FOR_ITSELF),
                partial(do.account_clients.update_client, origin, "client-200", NO_LONGER),
            ],
            "account_clients.reset_secret": [partial(do.account_clients.reset_secret, origin, "client-200")],
            "account_clients.delete_client": [partial(do.account_clients.delete_client, origin, "client-200")],
            "clients.create_client": [partial(do.clients.create_client, OPERATOR, NEW_CLIENT)],
            "client_documents.learn": [self.learn],
            "registrations.register": [partial(do.registrations.register, origin, NEW_CLIENT)],
            "registrations.update_registration": [
                partial(self.register, do.registrations.update_registration, NEW_CLIENT)
            ],
            "registrations.delete_registration": [partial(self.register, do.registrations.delete_registration)],
            "clients.update_client": [partial(do.clients.update_client, OPERATOR, "client-300", NO_LONGER)],
            "clients.reset_secret": [partial(do.clients.reset_secret, OPERATOR, "client-300")],
            "clients.disable_client": [partial(do.clients.disable_client, OPERATOR, "client-300")],
            "clients.enable_client": [partial(do.clients.enable_client, OPERATOR, "client-300")],
            "clients.delete_client": [partial(do.clients.delete_client, OPERATOR, "client-300")],
            "authorization_codes.exchange_code": [self.exchange_a_code],
            "refresh_tokens.refresh": [self.refresh],
            "device_codes.begin": [self.begin_a_device],
            "device_codes.approve": [self.approve_a_device],
            "device_codes.refuse": [partial(do.device_codes.refuse, origin, "BCDFGHJK")],
            "device_codes.exchange": [self.let_a_device_in],
            "client_revocations.revoke_presented": [self.give_back],
            "client_credentials.issue": [self.let_a_client_act],
            "token_exchange.exchange_token": [self.exchange_a_token],
            "uses.flush": [self.flush],
            "sessions.end_others": [lambda: do.sessions.end_others(OPERATOR, self.sign_in(270))],
            **self.webhooks(),
            **self.told(),
        }

    def told(self) -> Mapping[str, list[Callable[[], object]]]:
        """What users are told in time."""
        do, actor, origin = self.do, self.actor, self.origin
        mailing = Mailing(do.transactions, MailSettings(read_mail_server("smtp://127.0.0.1:1"), "a@example.com"), None)

        def try_mail() -> None:
            with suppress(Invalid):
                mailing.send_test(origin)

        def mail() -> None:
            with self.database.write() as connection:
                note_networks(connection, [Use(id, "", NOW, "192.0.2.1", None) for id in (5, 10)])
                note_presented_again(connection, [4, 9, 14], do.transactions.now())
            mailing.send_due()
            now = do.transactions.now()
            for urgent in (True, False):
                with self.database.write() as connection:
                    assert claim_message(connection, 280, now, until=now, urgent=urgent) is not None
                    take_notices(connection, 280, now, urgent=urgent)
                    assert claim_turn(connection, "a@example.com", 1, now, urgent=urgent)
            with self.database.write() as connection:
                give_back_turn(connection, "a@example.com", 1)

        return {
            "notices.list_notices": [partial(do.notices.list_notices, actor)],
            "notices.get_choices": [partial(do.notices.get_choices, actor)],
            "notices.choose": [partial(do.notices.choose, origin, {NoticeKind.NEW_NETWORK: False})],
            "notices.note_expiring": [do.notices.note_expiring],
            "notices.dismiss": [partial(do.notices.dismiss, origin, 210)],
            "mailing.send_due": [mail],
            "mailing.send_test": [try_mail],
            "mailing.send_to": [],
        }

    def webhooks(self) -> Mapping[str, list[Callable[[], object]]]:
        do, actor, origin = self.do, self.actor, self.origin
        use_cases, dead = do.webhooks, Filter(Comparison("state", Operator.EQUAL, "dead"))
        wanted = WebhookChange(url="https://app.example/", disabled=False)
        return {
            "webhooks.list_webhooks": [partial(use_cases.list_webhooks, each, PAGE) for each in (actor, None)],
            "webhooks.get_webhook": [partial(use_cases.get_webhook, each, id) for each, id in ((actor, 1), (None, 11))],
            "webhooks.create_webhook": [partial(use_cases.create_webhook, each, wanted) for each in (origin, OPERATOR)],
            "webhooks.update_webhook": [
                partial(use_cases.update_webhook, origin, 1, WebhookChange(actions=frozenset({"webhook.test"})))
            ],
            "webhooks.rotate_secret": [
                partial(use_cases.rotate_secret, origin, 1, timedelta(hours=1), KeyedRequest("once", bytes(32)))
            ],
            "webhooks.test_webhook": [partial(use_cases.test_webhook, origin, 1)],
            "webhooks.list_deliveries": [
                partial(use_cases.list_deliveries, actor, 1, page, each)
                for page in (PAGE, PageRequest(3, 25))
                for each in (EVERY_ROW, dead)
            ],
            "webhooks.redeliver": [partial(use_cases.redeliver, origin, 1, 1010)],
            "telling.list_due": [partial(do.telling.list_due, failing=each) for each in (False, True)],
            "telling.tell": [
                partial(self.tell, Outcome(error="no")),
                partial(self.tell, Outcome(204)),
                self.be_gone,
                self.be_full,
            ],
            "webhooks.delete_webhook": [partial(use_cases.delete_webhook, origin, 2)],
        }

    def tell(self, outcome: Outcome) -> None:
        with (
            patch.object(self.do.telling, "_send", return_value=outcome),
            patch("tokenry.service.telling.TURN_SECONDS_MAX", 0.02),
        ):
            self.do.telling.tell(25)
            self.do.telling.tell(1)

    def be_gone(self) -> None:
        with patch.object(self.do.telling, "_send", return_value=Outcome(410)):
            self.do.telling.tell(29)

    def be_full(self) -> None:
        with (
            patch.object(self.do.telling, "_send", return_value=Outcome(error="no")),
            patch.object(self.do.telling, "_limits", Limits(waiting_max=0)),
        ):
            self.do.telling.tell(28)

    def managed(self) -> Mapping[str, list[Callable[[], object]]]:
        """What a product does with its users, whom an administrator manages too."""
        do, origin = self.do, self.origin
        make = partial(do.managed_tokens.create_token, origin)
        return {
            "service_accounts.create_service_account": [
                partial(do.service_accounts.create_service_account, origin, "second", ServiceAccountWanted(ceiling="*"))
            ],
            "service_accounts.update_service_account": [
                partial(do.service_accounts.update_service_account, origin, "user-41", each)
                for each in (ServiceAccountWanted(ceiling="linodes:read_only"), ServiceAccountWanted(disabled=False))
            ],
            "service_accounts.create_token": [
                partial(do.service_accounts.create_token, origin, "user-41", NewToken(scopes="linodes:read_only"))
            ],
            "service_accounts.delete_service_account": [
                partial(do.service_accounts.delete_service_account, origin, "second")
            ],
            "managed_users.put_user": [
                partial(do.managed_users.put_user, origin, "new@example.org", UserWanted(email="new@example.org")),
                partial(do.managed_users.put_user, origin, "ext-160", UserWanted(email="old@example.org")),
            ],
            "managed_users.update_user": [
                partial(do.managed_users.update_user, origin, "ext-180", each)
                for each in (UserWanted(username="managed"), UserWanted(disabled=True))
            ],
            "managed_tokens.create_token": [
                partial(make, "ext-160", NewToken(), KeyedRequest("managed", bytes(32))),
                partial(make, "newer@example.org", NewToken(), create_user=True),
            ],
            "page_tokens.create_page_token": [partial(do.page_tokens.create_page_token, origin, "ext-160")],
            "page_tokens.find_page_token": [lambda: do.page_tokens.find_page_token(self.page_token().reveal())],
            "page_tokens.on_behalf": [self.rename_from_a_page],
            "managed_tokens.revoke_all": [partial(do.managed_tokens.revoke_all, origin, "ext-160")],
            "managed_users.delete_user": [partial(do.managed_users.delete_user, origin, "ext-160")],
        }

    def page_token(self) -> Secret:
        return self.do.page_tokens.create_page_token(self.origin, "ext-160")[0]

    def rename_from_a_page(self) -> None:
        """On a page, what a use case of tokens asks before it does anything."""
        found = self.do.page_tokens.find_page_token(self.page_token().reveal())
        assert found is not None
        origin = self.do.page_tokens.on_behalf(found.bearer, None)
        token, _ = self.do.tokens.create_token(origin, NewToken())
        self.do.tokens.rename_token(origin, token.id, "another")

    def factors(self) -> Mapping[str, list[Callable[[], object]]]:
        """Those of a user who has none at first."""
        do, held = self.do, self.held
        return {
            "one_time_passwords.offer_key": [lambda: do.one_time_passwords.offer_key(held(), "browser")],
            "one_time_passwords.find_offer": [lambda: do.one_time_passwords.find_offer(held(), "", "browser")],
            "one_time_passwords.set_up": [self.set_up],
            "factors.list_held": [lambda: do.factors.list_held(held())],
            "factors.make_codes": [
                lambda: do.factors.make_codes(held().origin(None), held(), KeyedRequest("codes", bytes(32)))
            ],
            "second_steps.begin": [lambda: do.second_steps.begin(PasswordProved(held().user, "hash-300"), "browser")],
            "second_steps.find_pending": [self.find_pending],
            "second_steps.take_code": [partial(self.take_code, "123456"), partial(self.take_code, "0000-0000-0000")],
            "one_time_passwords.remove": [lambda: do.one_time_passwords.remove(OPERATOR, held())],
            "passkeys.ask_for_new": [lambda: do.passkeys.ask_for_new(held(), "browser")],
            "passkeys.register": [self.register_passkey],
            "passkeys.get_passkey": [lambda: do.passkeys.get_passkey(held(), self.passkey_id())],
            "passkeys.rename": [lambda: do.passkeys.rename(OPERATOR, held(), self.passkey_id(), "old phone")],
            "passkey_sign_in.ask": [partial(do.passkey_sign_in.ask, "browser", 300)],
            "passkey_sign_in.sign_in": [self.sign_in_by_passkey],
            "passkey_sign_in.prove": [lambda: do.passkey_sign_in.prove(OPERATOR, held(), self.sign_by_passkey())],
            "passkeys.remove": [lambda: do.passkeys.remove(OPERATOR, held(), self.passkey_id())],
            "factors.reset_factors": [partial(do.factors.reset_factors, OPERATOR, "user-301")],
        }

    def ends(self) -> Mapping[str, list[Callable[[], object]]]:
        return {"tokens.revoke_other_tokens": [partial(self.do.tokens.revoke_other_tokens, self.origin)]}

    def be_unknown(self, act: Callable[..., object]) -> None:
        with suppress(Unauthorized):
            act("client-100", Secret.generate(kind=REGISTRATION).reveal())

    def register(self, act: Callable[..., object], *wanted: object) -> None:
        registered = self.do.registrations.register(OPERATOR, NEW_CLIENT)
        act(OPERATOR, registered.client.client_id, registered.access.reveal(), *wanted)

    def learn(self) -> None:
        document = b'{"client_id": "http://127.0.0.1/app", "redirect_uris": ["http://127.0.0.1/"]}'
        documents = ClientDocuments(self.do.transactions, self.do.peppers, self.do.catalogue, Documents.LOOPBACK)
        with patch("tokenry.service.documents.fetch_json", return_value=document):
            documents.learn("http://127.0.0.1/app")

    def authenticate(self, client_id: str) -> None:
        with pytest.raises(OAuthRefusal):
            self.do.client_authentication.authenticate(PresentedClient(client_id))

    def two_pieces(self, export: Callable[..., Iterator[object]], *arguments: object, **options: object) -> None:
        pieces = export(*arguments, **options)
        next(pieces, None)
        next(pieces, None)

    def list_events(self, subject: str | None) -> None:
        with self.database.read() as connection:
            audit.list_events(connection, limit=100, subject=subject)

    def end_a_client(self) -> None:
        with self.do.transactions.change(OPERATOR) as change:
            assert end_client(change, 700)

    def enforce(self) -> None:
        policies, year = self.do.policies, timedelta(days=364)
        policies.set_policy(OPERATOR, lambda policy: replace(policy, lifetime_max=year))
        assert list(policies.enforce(OPERATOR, shorten_to=year))
        policies.set_policy(OPERATOR, lambda policy: replace(policy, lifetime_max=None))

    def allow_for_ever(self) -> None:
        self.do.policies.set_policy(OPERATOR, lambda policy: Policy())

    def let_in(self) -> None:
        """Twice, the second time without being asked."""
        do, query = self.do, self.push()
        session = do.sessions.find_session(self.begin_session().reveal())
        assert session is not None
        review = do.authorizations.review(session.user, do.authorizations.open_request(query))
        answer = do.authorizations.allow(session, None, query, Consent(review.fingerprint))
        presented = PresentedCode(answer.parameters["code"], code_verifier=VERIFIER)
        do.authorization_codes.exchange_code(self.origin, review.asked.client, presented)
        do.authorizations.allow(session, None, self.push(review.asked.client))

    def send_back(self) -> None:
        do = self.do
        do.authorizations.refuse(
            do.authorizations.open_request(self.push()), OAuthRefusal(OAuthError.ACCESS_DENIED, "no")
        )

    def push(self, client: Client | None = None) -> str:
        """Push a request; the query that a browser is sent with."""
        client = client or add_client(self.database)
        sent = {"response_type": "code", "scope": "linodes:read_only", "code_challenge": CHALLENGE}
        pushed = {name: [value] for name, value in {**sent, "code_challenge_method": "S256"}.items()}
        request_uri = self.do.pushed_requests.push_request(client, pushed)
        return urlencode({"client_id": client.client_id, "request_uri": request_uri})

    def exchange_a_code(self) -> None:
        """Twice, which ends what it brought."""
        do, client = self.do, add_client(self.database)
        presented = PresentedCode(agree(do.transactions, do.peppers, client).reveal(), code_verifier=VERIFIER)
        do.authorization_codes.exchange_code(self.origin, client, presented)
        with suppress(OAuthRefusal):
            do.authorization_codes.exchange_code(self.origin, client, presented)

    def refresh(self) -> None:
        """Twice with one, which ends the grant."""
        do, client = self.do, add_client(self.database)
        first = give(do.transactions, do.peppers, client)
        assert first.refresh is not None
        presented = PresentedRefresh(first.refresh.reveal())
        do.refresh_tokens.refresh(self.origin, client, presented)
        with suppress(OAuthRefusal):
            do.refresh_tokens.refresh(self.origin, client, presented)

    def begin_a_device(self) -> tuple[Client, DeviceCode]:
        client = add_client(self.database, grant_types=str(GrantType.DEVICE_CODE))
        return client, self.do.device_codes.begin(self.origin, client, None, ())

    def approve_a_device(self) -> None:
        _, code = self.begin_a_device()
        assert self.do.device_codes.approve(self.origin, 1, code.user_code)

    def let_a_device_in(self) -> None:
        client, code = self.begin_a_device()
        exchange = partial(self.do.device_codes.exchange, self.origin, client, code.secret.reveal())
        with pytest.raises(OAuthRefusal):
            exchange()
        self.do.device_codes.approve(self.origin, 1, code.user_code)
        exchange()

    def give_back(self) -> None:
        do, client = self.do, add_client(self.database)
        given = give(do.transactions, do.peppers, client)
        for secret in (given.access, given.refresh):
            assert secret is not None
            assert do.client_revocations.revoke_presented(self.origin, client, secret.reveal())

    def find_live(self) -> None:
        client = add_client(self.database)
        given = give(self.do.transactions, self.do.peppers, client)
        assert given.refresh is not None
        assert self.do.refresh_tokens.find_live(client, given.refresh.reveal())

    def let_a_client_act(self) -> None:
        act = str(GrantType.CLIENT_CREDENTIALS)
        client = add_client(self.database, public=False, grant_types=act, service_user_id=2)
        self.do.client_credentials.issue(self.origin, client, None)

    def exchange_a_token(self) -> None:
        client = add_client(self.database, public=False, grant_types=str(GrantType.TOKEN_EXCHANGE))
        given = give(self.do.transactions, self.do.peppers, client)
        self.do.token_exchange.exchange_token(self.origin, client, PresentedSubject(given.access.reveal()))

    def report_a_leak(self) -> None:
        _, secret = self.do.tokens.create_token_for(OPERATOR, "admin", NewToken())
        assert self.do.leaks.revoke_reported([secret.reveal()], None) == 1

    def own_session(self, session_id: int) -> Session:
        return self.do.sessions.get_session(self.actor, session_id)

    def use_link(self) -> None:
        secret = self.do.links.make_link(OPERATOR, "user-220")
        self.do.links.use_link(secret.reveal(), "hash", address=None, agent=None)

    def sign_in(self, user_id: int) -> Session:
        with self.database.read() as connection:
            user = find_user_by_id(connection, user_id)
        who = SigningIn(user, f"hash-{user_id}", known_address=True)
        secret = self.do.passwords.sign_in(who, address=None, agent=None, rehashed="hash")
        assert isinstance(secret, Secret)
        session = self.do.sessions.find_session(secret.reveal())
        assert session is not None
        return session

    def held(self) -> Session:
        """A session of the user who comes to factors."""
        with self.do.transactions.change(OPERATOR) as change:
            secret = self.do.sessions.begin_session(change, 300, method="password", address=None, agent=None)
        session = self.do.sessions.find_session(secret.reveal())
        assert session is not None
        return session

    def set_up(self) -> None:
        session, use_cases = self.held(), self.do.one_time_passwords
        offer = use_cases.offer_key(session, "browser")
        use_cases.set_up(OPERATOR, session, offer.ticket, TOTP(offer.key).at(NOW), bound_to="browser")

    def find_pending(self) -> Pending:
        ticket = self.do.second_steps.begin(PasswordProved(self.held().user, "hash-300"), "browser")
        pending = self.do.second_steps.find_pending(ticket, "browser")
        assert pending is not None
        return pending

    def take_code(self, typed: str) -> None:
        pending = self.find_pending()
        ticket = self.do.second_steps.begin(PasswordProved(pending.user, "hash-300"), "browser")
        self.do.second_steps.take_code(ticket, typed, bound_to="browser", pending=pending, address=None, agent=None)

    def register_passkey(self) -> None:
        session, use_cases = self.held(), self.do.passkeys
        asked = use_cases.ask_for_new(session, "browser")
        answered = PasskeyResponse(self.device.make(asked.options), asked.ticket, "browser")
        use_cases.register(OPERATOR, session, answered, "phone")

    def passkey_id(self) -> int:
        return self.do.factors.list_held(self.held()).passkeys[-1].id

    def sign_by_passkey(self) -> PasskeyResponse:
        asked = self.do.passkey_sign_in.ask("browser")
        return PasskeyResponse(self.device.sign(asked.options), asked.ticket, "browser")

    def sign_in_by_passkey(self) -> None:
        self.do.passkey_sign_in.sign_in(self.sign_by_passkey(), address=None, agent=None)

    def begin_session(self) -> Secret:
        with self.do.transactions.change(OPERATOR) as change:
            return self.do.sessions.begin_session(change, 1, method="password", address=None, agent=None)

    def get_watch(self) -> None:
        with suppress(NotFound):
            self.do.watching.get_watch(self.actor, 1200)

    def flush(self) -> None:
        with self.database.write() as connection:
            record_uses(connection, [Use(id, f"pat_{id:012}", NOW, None, None) for id in range(20, 520)])
            find_unused(connection, [f"pat_{id:012}" for id in range(20, 520)])
            activate_used(connection, "pat_000000000020", NOW)
            was_used(connection, 1)
            store_asked(connection, [Asked(id, "linodes:read_only", day_of(NOW)) for id in range(20, 520)])
            add_would_be_refusals(connection, [WouldBe(id, day_of(NOW), "*", 1, NOW, None) for id in range(20, 520)])
            note_revoked_uses(connection, [Suspect(f"pat_{id:012}", NOW, None) for id in range(20, 520)])
            add_counts(connection, [Count(id, 1, day_of(NOW), "expired", 1) for id in range(20, 520)])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def many(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Many, list[Statement]]]:
    """Many rows on each engine in turn, and every statement that the operations on them took."""
    address = None
    if request.param == "postgresql":
        server: URL = request.getfixturevalue("postgres")
        name = f"t{uuid4().hex}"
        engine = create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        address = server.set(database=name).render_as_string(hide_password=False)
    data_dir: Path = tmp_path_factory.mktemp("many") / "data"
    many = Many(
        Settings(data_dir=data_dir, database_url=address, public_url=PUBLIC_URL, allowed_origins="https://app.example")
    )
    with pytest.MonkeyPatch.context() as patch:
        # A thousand of so few rows would be found by looking at all of them.
        for module in ("inventory", "users", "oauth_clients"):
            patch.setattr(f"tokenry.service.{module}.BATCH", 100)
        statements = [*many.capture().values()]
    yield many, statements
    many.database.close()


def test_every_use_case_is_looked_at(many: tuple[Many, list[Statement]]) -> None:
    made: set[str] = set()
    for attribute, service in vars(many[0].do).items():
        if type(service).__module__.startswith("tokenry.service."):
            made |= {
                f"{attribute}.{name}"
                for name, _ in inspect.getmembers(service, inspect.ismethod)
                if not name.startswith("_")
            }
    made = {name for name in made if not name.startswith("transactions.")}  # what they work in
    # Parts of others; one is `prune` in a thread.
    within = {
        "sessions.renew_session",
        "tokens.create_in",
        "tokens.check",
        "tokens.issue",
        "accounts.create_first",
        "leak_keys.require_signed",  # which asks another server
        "overviews.run",
        "shortenings.run",
        "pruning.run",
        "telling.run",
        "telling.try_failing",
        "notices.run",
        "mailing.run",
        "authorizations.open_request",
        "authorizations.review",
        "pushed_requests.await_decision",
        "pushed_requests.get_pushed",
        "pushed_requests.push_request",
    }
    assert made - within == many[0].operations().keys() - {"uses.flush", "clients.end"}


def test_no_statement_reads_a_big_table_or_sorts_more_than_a_page(many: tuple[Many, list[Statement]]) -> None:
    found, statements = many
    with found.database.engine.connect() as connection:
        faults = [fault for each in statements if each.operation not in WHOLE for fault in faults_of(connection, each)]
        connection.rollback()
    assert faults == []


INDEXES = sorted(str(index.name) for table in metadata.tables.values() for index in table.indexes if not index.unique)
"""Those that are there to find something: one that is unique is there to say so."""


@pytest.mark.parametrize("name", INDEXES)
def test_every_index_is_missed(many: tuple[Many, list[Statement]], name: str) -> None:
    found, statements = many
    with found.database.engine.connect() as connection:
        connection.exec_driver_sql(f"DROP INDEX {name}")
        missed = any(faults_of(connection, each) for each in statements if each.operation not in WHOLE)
        connection.rollback()
    assert missed or (not found.database.is_sqlite and finds_references(name, statements))


def finds_references(index: str, statements: list[Statement]) -> bool:
    """Whether an index finds what refers to rows that some statement deletes.

    PostgreSQL looks for that by statements of its own, which it does not explain.
    """
    column = next(each for table in metadata.tables.values() for each in table.indexes if each.name == index).columns[0]
    referred = {key.column.table.name for key in column.foreign_keys}
    return any(each.text.startswith(f"DELETE FROM {name} ") for each in statements for name in referred)
