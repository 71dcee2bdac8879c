"""Every use case that changes something, done by one of two who get in each other's way as far as can be.

Each pair has a place of its own: a parent account with its administrators boss and ada, and bob, who may enter the
child account; the child account with the proxy user, through whom boss and bob are in there, and cee. Every token has
been rotated, and its new secret not been used. Boss has let an OAuth client of the parent account in, which has a code
and a refresh token, and acts for itself as bob.
"""

import ast
import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from functools import cached_property
from ipaddress import ip_network
from itertools import count
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Any
from urllib.parse import urlencode

from pyotp import TOTP
from sqlalchemy import Table, insert, update

import tokenry
from tests.conftest import START
from tests.making import NOW as MOMENT
from tests.making import OPERATOR
from tests.oauth_making import REDIRECT_URI, client_of, client_row
from tokenry.domain.accounts import AccountChange, Actor, Origin
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Authentication, Client, ClientChange
from tokenry.domain.codes import PresentedCode
from tokenry.domain.details import NewDetails
from tokenry.domain.device_codes import LETTERS, USER_CODE_LENGTH
from tokenry.domain.errors import Invalid, NotFound
from tokenry.domain.grants import PresentedRefresh
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.mail import Letter, MailSettings, Reader, read_mail_server
from tokenry.domain.managed import UserWanted
from tokenry.domain.notices import NoticeKind
from tokenry.domain.oauth import GrantType, OAuthError, OAuthRefusal
from tokenry.domain.one_time_passwords import generate_key
from tokenry.domain.passkeys import Passkey, PasskeyKey
from tokenry.domain.policy import UserKind
from tokenry.domain.policy_changes import PolicyChange
from tokenry.domain.profile import ProfileChange
from tokenry.domain.providers import Person, Provider
from tokenry.domain.recovery_codes import RecoveryCode
from tokenry.domain.rotation import NewRotation
from tokenry.domain.scopes import ALL, EVERYTHING
from tokenry.domain.seals import Ticket
from tokenry.domain.secrets import ACCESS, CODE, DEVICE_CODE, LINK, REFRESH, REGISTRATION, SESSION, Secret
from tokenry.domain.service_accounts import ServiceAccountWanted
from tokenry.domain.sessions import Session
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.domain.usage import Result
from tokenry.domain.users import GrantsChange, NewUser, User, UserChange
from tokenry.domain.webhooks import Delivery, Webhook, WebhookChange
from tokenry.domain.webhooks import State as WebhookState
from tokenry.fetching.reach import INTERNET
from tokenry.service.authorization import Consent, OpenedRequest, Review
from tokenry.service.client_metadata import read_metadata
from tokenry.service.grants.token_exchange import PresentedSubject
from tokenry.service.grants.withdrawal import end_withdrawn
from tokenry.service.installation import Installation, begin_installation
from tokenry.service.mailing import Mailing
from tokenry.service.one_time_passwords import key_seal
from tokenry.service.passkey_sign_in import Signed
from tokenry.service.passwords import PasswordProved, SigningIn
from tokenry.service.second_steps import Pending
from tokenry.service.telling import Limits, Message, Outcome, Telling
from tokenry.storage import schema
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.sessions import delete_expired_sessions
from tokenry.storage.uses import Use
from tokenry.storage.webhooks import Recipient
from tokenry.verification.last_used import Uses

NOW = int(START)
FAR = NOW + 10**7
PROVIDER = Provider(
    name="acme", label="Acme", issuer="https://acme.example", client_id="a", admin_claim="a", admin_value="b"
)
MAIL = MailSettings(read_mail_server("smtp://127.0.0.1:1"), "tokens@example.com")
LIFETIME_MAX = timedelta(days=900)
HASH = "hash"
KEY = generate_key()
ONCE = KeyedRequest("once", bytes(32), once=True)
RECOVERY_CODE = RecoveryCode.generate()
_IDS_EACH = 100
_COUNTED = (
    schema.accounts,
    schema.users,
    schema.oauth_clients,
    schema.apps,
    schema.oauth_grants,
    schema.tokens,
    schema.sessions,
    schema.passkeys,
    schema.audit_events,
    schema.webhooks,
    schema.outbox,
    schema.notices,
)
_LAID = (
    *_COUNTED,
    schema.credentials,
    schema.rotations,
    schema.authorization_codes,
    schema.refresh_tokens,
    schema.device_codes,
    schema.links,
    schema.passwords,
    schema.authenticators,
    schema.recovery_codes,
    schema.identities,
)
_OF_BACKEND = 10
"""Where a place's ids have that of a token of the service account: after those of who acts."""
_NEXT_ID = 10**9
"""Of what is made in a place."""


class Layout(Enum):
    """Who the two are."""

    ONE_USER = "one user with two tokens"
    TWO_USERS = "two administrators"
    FAMILY = "an administrator, and the proxy user that this one is in the child account"


@dataclass(frozen=True)
class Holder:
    """Somebody who acts with a token."""

    actor: Actor
    secret: Secret
    before: str
    """The preview of the secret that was rotated."""
    spare_id: int
    """Another token of the same user."""
    session: Session
    link: Secret

    @property
    def origin(self) -> Origin:
        return Origin.of(self.actor)


@dataclass(frozen=True)
class Place:
    """Two accounts, and those who are in them, by name; boss twice. What a client has that boss let in."""

    number: int
    parent_euuid: str
    child_euuid: str
    holders: dict[str, Holder]
    client: Client
    code: Secret
    refresh: Secret
    registration: Secret
    device: Secret
    """Which waits with a code for its user that is this place's number."""
    subject: Secret
    """An access token of the client."""

    @property
    def user_code(self) -> str:
        return user_code_of(self.client.id)

    def name(self, username: str) -> str:
        return f"{username}{self.number}"

    @property
    def backend_token_id(self) -> int:
        return self.number * _IDS_EACH + _OF_BACKEND


@dataclass(frozen=True)
class Case:
    """One of the two, with the use cases as its process has them."""

    installation: Installation
    place: Place
    layout: Layout
    side: int

    @property
    def me(self) -> Holder:
        return self._holder(self.side)

    @property
    def them(self) -> Holder:
        return self._holder(1 - self.side)

    @property
    def victim(self) -> str:
        """Whom an administrator changes: the other one, or one whom both change."""
        match self.layout, self.side:
            case Layout.TWO_USERS, _:
                return self.them.actor.username
            case Layout.FAMILY, 1:
                return self.place.name("cee")
        return self.place.name("ada" if self.layout is Layout.ONE_USER else "bob")

    @property
    def token_id(self) -> int:
        """Of my user's tokens the one that is most in the other's way."""
        return (self.them if self.layout is Layout.ONE_USER else self.me).actor.token_id

    @property
    def managed(self) -> str:
        """Whom a product of the parent account has, by its name."""
        return self.place.name("bob")

    @cached_property
    def query(self) -> str:
        """What a browser is sent with, to ask for what the client has pushed."""
        return urlencode({"client_id": self.place.client.client_id, "request_uri": _push(self)})

    @cached_property
    def asked(self) -> OpenedRequest:
        """What the client has pushed, as its user's browser comes with it."""
        return self.installation.authorizations.open_request(self.query)

    @cached_property
    def shown(self) -> Review:
        """What the user is shown of what the client asks for without pushing it."""
        use_cases, query = self.installation.authorizations, urlencode(_ask(self.place.client))
        return use_cases.review(self.me.session.user, use_cases.open_request(query))

    @cached_property
    def governor(self) -> Origin:
        """The administrator of the first account, with a browser."""
        sessions = self.installation.sessions
        with self.installation.transactions.change(OPERATOR) as change:
            cookie = sessions.begin_session(change, 1, method="password", address=None, agent=None)
        session = sessions.find_session(cookie.reveal())
        assert session is not None
        return session.origin(None)

    @property
    def webhook_id(self) -> int:
        """Of the parent account's webhook; and of the one message to it."""
        return self.place.number * _IDS_EACH

    @property
    def secrets(self) -> list[Secret]:
        return [holder.secret for holder in self.place.holders.values()]

    @property
    def token_ids(self) -> list[int]:
        return [id for holder in self.place.holders.values() for id in (holder.actor.token_id, holder.spare_id)]

    def _holder(self, side: int) -> Holder:
        second = {Layout.ONE_USER: "boss again", Layout.TWO_USERS: "ada", Layout.FAMILY: "proxy"}
        return self.place.holders["boss" if side == 0 else second[self.layout]]


def limit_lifetime(installation: Installation) -> None:
    """Set the policy that `Policies._shorten_some` enforces."""
    installation.policies.set_policy(OPERATOR, lambda policy: replace(policy, lifetime_max=LIFETIME_MAX))


def _set_policy(case: Case) -> None:
    """Set another one, and one that forbids nothing."""
    case.installation.policies.set_policy(
        OPERATOR, lambda policy: replace(policy, scopes={} if policy.scopes else {UserKind.USER: EVERYTHING})
    )


def _change_policy(case: Case) -> None:
    """Set another one, and have tokens shortened to it; to what is longer than they live, which leaves them alone."""
    wanted = PolicyChange({"lifetime_max": LIFETIME_MAX, "expiry_required": case.side == 0})
    case.installation.policy_changes.change_policy(case.governor, wanted, shorten=True)


def _ask_to_shorten(case: Case) -> None:
    """Have something to do for the job, and tokens that it finds."""
    _change_policy(case)
    _let_outlive(case.installation.database, case.place)


def _shorten_for_job(case: Case) -> None:
    shortenings = case.installation.shortenings
    found = shortenings._find()
    assert found is not None
    shortenings._shorten_some(found.id)


def _flush(case: Case) -> None:
    uses = Uses(case.installation.database)
    noted = [
        Use(holder.actor.token_id, preview, NOW + case.side, "192.0.2.1", None)
        for holder in case.place.holders.values()
        for preview in (holder.secret.preview, holder.before)
    ]
    uses._noted = {use.preview: use for use in noted}
    asyncio.run(uses.flush())
    assert not uses._noted, "kept for another time, since the database could not take them"


def _with_watch(case: Case, change: Callable[[Origin, int], object]) -> None:
    """Two tokens are enough to meet in either order: each is changed by itself."""
    for token_id in case.token_ids[:2][:: -1 if case.side else 1]:
        with suppress(NotFound, Invalid):  # the other was first
            case.installation.watching.watch_token(case.me.origin, token_id, "linodes:read_only")
            change(case.me.origin, token_id)


def _flush_counts(case: Case) -> None:
    uses = Uses(case.installation.database, lambda: NOW)
    for holder in case.place.holders.values():
        uses.counts.add(holder.actor, Result.EXPIRED)
    asyncio.run(uses.flush())
    assert not uses.counts.counts.take(), "kept for another time, since the database could not take them"


def _let_in(case: Case) -> None:
    """Agree to what is shown."""
    query = urlencode(_ask(case.place.client))
    case.installation.authorizations.allow(case.me.session, None, query, Consent(case.shown.fingerprint))


def _push(case: Case) -> str:
    """Push a request; its name."""
    pushed = {name: [value] for name, value in _ask(case.place.client).items()}
    return case.installation.pushed_requests.push_request(case.place.client, pushed)


def _person(case: Case) -> Person:
    """Who the provider says is an administrator, or not, and of whom the other is the user in one of the layouts."""
    subject = str((case.them if case.layout is Layout.TWO_USERS else case.me).actor.token_id)
    return Person(
        PROVIDER.issuer,
        subject,
        "new",
        "",
        email_verified=False,
        account=None,
        admin=case.side == 0,
        authenticated=None,
    )


def _ask(client: Client) -> dict[str, str]:
    return {"client_id": client.client_id, "response_type": "code", "scope": "linodes:read_only"}


def _change_client(case: Case) -> ClientChange:
    """One that gives it or takes from it what it did for itself, which ends what it has."""
    itself = {GrantType.CLIENT_CREDENTIALS} if case.side else set()
    return ClientChange({"label": token_hex(), "grant_types": frozenset({GrantType.AUTHORIZATION_CODE} | itself)})


def _metadata() -> ClientChange:
    """What a client says of itself, which leaves out what it did for itself."""
    said = {"client_name": token_hex(), "redirect_uris": [REDIRECT_URI], "require_pushed_authorization_requests": True}
    return read_metadata(said, Catalogue(()))


def _new_client() -> ClientChange:
    return ClientChange({"label": "new", "redirect_uri": REDIRECT_URI})


def _set_up(case: Case) -> None:
    use_cases, session = case.installation.one_time_passwords, case.me.session
    offer = use_cases.offer_key(session, "browser")
    code = TOTP(offer.key).at(NOW)
    use_cases.set_up(OPERATOR, session, offer.ticket, code, bound_to="browser")


def _sign_in(case: Case) -> object:
    """By a password alone, or so far that a second factor is asked for."""
    user = case.me.session.user
    if case.side:
        case.installation.factors.reset_factors(OPERATOR, user.username)
    who = SigningIn(user, HASH, known_address=False)
    return case.installation.passwords.sign_in(who, address=None, agent=None, replaced=case.them.session)


def _unlink(case: Case) -> None:
    use_cases, username = case.installation.identities, case.them.actor.username
    known = use_cases.list_of_user(username)
    use_cases.unlink(OPERATOR, username, known[0].id if known else 0)


def _take_code(case: Case) -> None:
    """A one-time password, by which a session begins, or a recovery code, by which one is renewed."""
    use_cases, session = case.installation.second_steps, case.me.session
    user, session_id = session.user, session.id if case.side else None
    ticket = use_cases.begin(PasswordProved(user, HASH, session_id), "browser")
    pending = Pending(user, one_time_password=True, passkey=True, recovery_code=True, session_id=session_id)
    typed = RECOVERY_CODE.reveal() if case.side else TOTP(KEY).at(NOW)
    use_cases.take_code(ticket, typed, bound_to="browser", pending=pending, address=None, agent=None, replaced=session)


def _sign(holder: Holder) -> Signed:
    user = holder.session.user
    passkey = Passkey(holder.session.id, user.id, "phone", MOMENT, None)
    return Signed(passkey, user.username, _ticket(), before=0, after=1)


def _ticket() -> Ticket:
    return Ticket({}, token_bytes(32), MOMENT + timedelta(minutes=5))


def _note(case: Case) -> None:
    """What a receiver answers that is gone, or takes nothing."""
    id, moment = case.webhook_id, MOMENT
    delivery = Delivery(id, id, id, "token.create", "token:1", moment, moment, WebhookState.PENDING, 0, None, None)
    webhook = Webhook(id, case.place.number * _IDS_EACH, "https://app.example/", frozenset(), moment)
    outcome = Outcome(410 if case.side else 500)
    case.installation.telling._note(Message(Recipient(webhook, []), delivery, b""), outcome)


def _disable_full(case: Case) -> None:
    """Where nothing may wait."""
    do = case.installation
    Telling(do.transactions, do.peppers, INTERNET, limits=Limits(waiting_max=0))._disable_full(case.webhook_id)


def _letter(case: Case) -> Letter:
    reader = Reader(case.me.actor.user_id, 1, "boss", "boss@example.org", "UTC")
    return Letter(reader, [], urgent=case.side == 0, failures=1)


def _deliver(secret: Secret) -> None:
    raise AssertionError("there is an account")


CHANGES: dict[str, Callable[[Case], object]] = {
    "Mailing._forget_failures": lambda case: case.installation.mailing._forget_failures(_letter(case)),
    "Mailing._note_failure": lambda case: case.installation.mailing._note_failure(_letter(case), MOMENT),
    "Mailing._note_test": lambda case: Mailing(case.installation.transactions, MAIL, None)._note_test(case.me.origin),
    "Mailing._take": lambda case: case.installation.mailing._take(case.me.actor.user_id, urgent=case.side == 0),
    "Notices.choose": lambda case: case.installation.notices.choose(
        case.me.origin, {NoticeKind.NEW_NETWORK: case.side == 0}
    ),
    "Notices.dismiss": lambda case: case.installation.notices.dismiss(case.me.origin, case.me.actor.user_id),
    "Notices.note_expiring": lambda case: case.installation.notices.note_expiring(),
    "Notices._note_some": lambda case: case.installation.notices._note_some([case.token_id], 30),
    "Telling._disable_full": _disable_full,
    "Telling._end_turn": lambda case: case.installation.telling._end_turn(case.webhook_id, 0),
    "Telling._note": _note,
    "Telling._take_turn": lambda case: case.installation.telling._take_turn(case.webhook_id),
    "Webhooks.create_webhook": lambda case: case.installation.webhooks.create_webhook(
        case.me.origin, WebhookChange(url="https://app.example/"), ONCE
    ),
    "Webhooks.delete_webhook": lambda case: case.installation.webhooks.delete_webhook(case.me.origin, case.webhook_id),
    "Webhooks.redeliver": lambda case: case.installation.webhooks.redeliver(
        case.me.origin, case.webhook_id, case.webhook_id
    ),
    "Webhooks.rotate_secret": lambda case: case.installation.webhooks.rotate_secret(
        case.me.origin, case.webhook_id, timedelta(hours=1), ONCE
    ),
    "Webhooks.test_webhook": lambda case: case.installation.webhooks.test_webhook(case.me.origin, case.webhook_id),
    "Webhooks.update_webhook": lambda case: case.installation.webhooks.update_webhook(
        case.me.origin, case.webhook_id, WebhookChange(actions=frozenset({"token.create"} if case.side else ()))
    ),
    "Authorizations.allow": _let_in,
    "Authorizations.refuse": lambda case: case.installation.authorizations.refuse(
        case.asked, OAuthRefusal(OAuthError.ACCESS_DENIED, "no")
    ),
    "AccountClients.create_client": lambda case: case.installation.account_clients.create_client(
        case.me.origin, _new_client(), ONCE
    ),
    "AccountClients.delete_client": lambda case: case.installation.account_clients.delete_client(
        case.me.origin, case.place.client.client_id
    ),
    "AccountClients.reset_secret": lambda case: case.installation.account_clients.reset_secret(
        case.me.origin, case.place.client.client_id, ONCE
    ),
    "AccountClients.update_client": lambda case: case.installation.account_clients.update_client(
        case.me.origin, case.place.client.client_id, _change_client(case)
    ),
    "ClientDocuments._store": lambda case: case.installation.client_documents._store(
        case.place.client.client_id, _metadata()
    ),
    "Registrations.delete_registration": lambda case: case.installation.registrations.delete_registration(
        OPERATOR, case.place.client.client_id, case.place.registration.reveal()
    ),
    "Registrations.register": lambda case: case.installation.registrations.register(case.me.origin, _new_client()),
    "Registrations.update_registration": lambda case: case.installation.registrations.update_registration(
        OPERATOR, case.place.client.client_id, case.place.registration.reveal(), _metadata()
    ),
    "Clients._set_disabled": lambda case: case.installation.clients.disable_client(
        OPERATOR, case.place.client.client_id
    ),
    "Clients.create_client": lambda case: case.installation.clients.create_client(
        OPERATOR, _new_client(), account=case.place.parent_euuid
    ),
    "Clients.delete_client": lambda case: case.installation.clients.delete_client(
        OPERATOR, case.place.client.client_id
    ),
    "Clients.reset_secret": lambda case: case.installation.clients.reset_secret(OPERATOR, case.place.client.client_id),
    "Clients.update_client": lambda case: case.installation.clients.update_client(
        OPERATOR, case.place.client.client_id, _change_client(case)
    ),
    "_end_some": lambda case: end_withdrawn(case.installation.transactions, Catalogue(())),
    "_forget_codes": lambda case: end_withdrawn(case.installation.transactions, Catalogue(())),
    "AuthorizationCodes._exchange": lambda case: case.installation.authorization_codes.exchange_code(
        OPERATOR, case.place.client, PresentedCode(case.place.code.reveal())
    ),
    "Accounts.create_account": lambda case: case.installation.accounts.create_account(
        OPERATOR, company="other", parent=case.place.parent_euuid, admin=case.place.name("new")
    ),
    "Accounts.detach_account": lambda case: case.installation.accounts.detach_account(OPERATOR, case.place.child_euuid),
    "Accounts.update_account": lambda case: case.installation.accounts.update_account(
        OPERATOR, case.place.child_euuid, AccountChange({"company": token_hex()})
    ),
    "Accounts.update_own": lambda case: case.installation.accounts.update_own(
        case.me.origin, AccountChange({"company": token_hex()})
    ),
    "AccountUsers.create_user": lambda case: case.installation.account_users.create_user(
        case.me.origin, NewUser(case.place.name("new"), "a@b"), ONCE
    ),
    "AccountUsers.delete_user": lambda case: case.installation.account_users.delete_user(case.me.origin, case.victim),
    "AccountUsers.set_disabled": lambda case: case.installation.account_users.set_disabled(
        case.me.origin, case.victim, disabled=True
    ),
    "AccountUsers.update_grants": lambda case: case.installation.account_users.update_grants(
        case.me.origin, case.place.name("bob"), GrantsChange(child_account_access=False)
    ),
    "AccountUsers.update_user": lambda case: case.installation.account_users.update_user(
        case.me.origin,
        case.me.actor.username if case.layout is Layout.ONE_USER else case.victim,
        UserChange(username=f"{case.victim}-{case.side}", restricted=case.layout is not Layout.ONE_USER),
    ),
    "Apps.end_app": lambda case: case.installation.apps.end_app(case.me.origin, case.place.client.id),
    "Children.create_token": lambda case: case.installation.children.create_token(
        case.me.origin, case.place.child_euuid, ONCE
    ),
    "ClientAuthentication._see": lambda case: case.installation.client_authentication._see(
        bytes(32), case.installation.transactions.now()
    ),
    "ClientCredentials.issue": lambda case: case.installation.client_credentials.issue(
        OPERATOR, case.place.client, None
    ),
    "ClientRevocations.revoke_presented": lambda case: case.installation.client_revocations.revoke_presented(
        OPERATOR, case.place.client, case.place.refresh.reveal()
    ),
    "TokenExchange.exchange_token": lambda case: case.installation.token_exchange.exchange_token(
        OPERATOR, case.place.client, PresentedSubject(case.place.subject.reveal())
    ),
    "DeviceCodes._exchange": lambda case: case.installation.device_codes.exchange(
        OPERATOR, case.place.client, case.place.device.reveal()
    ),
    "DeviceCodes.approve": lambda case: case.installation.device_codes.approve(
        OPERATOR, case.me.actor.user_id, case.place.user_code
    ),
    "DeviceCodes.begin": lambda case: case.installation.device_codes.begin(OPERATOR, case.place.client, None, ()),
    "DeviceCodes.refuse": lambda case: case.installation.device_codes.refuse(OPERATOR, case.place.user_code),
    "RefreshTokens._refresh": lambda case: case.installation.refresh_tokens.refresh(
        OPERATOR, case.place.client, PresentedRefresh(case.place.refresh.reveal())
    ),
    "Identities.link": lambda case: case.installation.identities.link(
        OPERATOR, case.victim, PROVIDER, case.place.name("somebody")
    ),
    "Identities.unlink": _unlink,
    "Identities._sign_in": lambda case: case.installation.identities.sign_in(
        PROVIDER, _person(case), address=None, agent=None, replaced=case.them.session
    ),
    "Identities.use_ticket": lambda case: case.installation.identities.use_ticket(Ticket({}, bytes(32), MOMENT)),
    "Inventory.revoke_tokens": lambda case: case.installation.inventory.revoke_tokens(
        case.me.origin, case.token_ids[:: -1 if case.side else 1]
    ),
    "Inventory.turn_any_token": lambda case: case.installation.inventory.turn_any_token(
        OPERATOR, case.them.spare_id, disabled=case.side == 0
    ),
    "Inventory.turn_tokens": lambda case: case.installation.inventory.turn_tokens(
        case.me.origin, case.token_ids[:: -1 if case.side else 1], disabled=case.side == 0
    ),
    "Leaks._revoke": lambda case: case.installation.leaks.revoke_reported(
        [secret.reveal() for secret in case.secrets], None
    ),
    "PolicyChanges.change_policy": _change_policy,
    "Policies._shorten_some": lambda case: list(case.installation.policies.enforce(OPERATOR, shorten_to=timedelta())),
    "Policies.set_policy": _set_policy,
    "Profiles.update_profile": lambda case: case.installation.profiles.update_profile(
        case.me.origin, ProfileChange(timezone=f"Europe/City{case.side}")
    ),
    "Proofs.see_proof": lambda case: case.installation.proofs.see_proof(
        case.me.secret.preview, "k" * 43, bytes(32), case.installation.transactions.now()
    ),
    "Proofs.see_first_proof": lambda case: case.installation.proofs.see_first_proof(
        bytes(32), case.installation.transactions.now()
    ),
    "PushedRequests.await_decision": lambda case: case.installation.authorizations.open_request(case.query),
    "PushedRequests.push_request": _push,
    "Revocations.revoke_presented": lambda case: case.installation.revocations.revoke_presented(
        case.me.origin, case.them.secret.reveal()
    ),
    "Rotations.rotate_any_token": lambda case: case.installation.rotations.rotate_any_token(
        OPERATOR, case.place.backend_token_id, NewRotation(0, on_first_use=False)
    ),
    "Rotations.rotate_token": lambda case: case.installation.rotations.rotate_token(
        case.me.origin, case.token_id, NewRotation(0, on_first_use=False)
    ),
    "Shortenings._claim_turn": lambda case: case.installation.shortenings._claim_turn(),
    "Shortenings._shorten_some": _shorten_for_job,
    "Sessions._touch": lambda case: case.installation.sessions._touch(case.me.session),
    "Sessions.authenticate_again": lambda case: case.installation.sessions.authenticate_again(
        OPERATOR, case.me.session
    ),
    "Sessions.delete_session": lambda case: case.installation.sessions.delete_session(
        case.me.origin, case.them.session.id
    ),
    "Sessions.end_others": lambda case: case.installation.sessions.end_others(OPERATOR, case.me.session),
    "Sessions.end_session": lambda case: case.installation.sessions.end_session(OPERATOR, case.them.session),
    "TokenDetails.limit_any_token": lambda case: case.installation.details.limit_any_token(
        OPERATOR, case.them.spare_id, 60 + case.side
    ),
    "TokenDetails.update_details": lambda case: case.installation.details.update_details(
        case.me.origin,
        case.token_id,
        NewDetails(token_hex(), (ip_network(f"192.0.2.{case.side}"),), disabled=case.side == 0),
    ),
    "Pruning._prune_all": lambda case: case.installation.pruning._prune_all(
        delete_expired_sessions, case.me.session.seen
    ),
    "Links.invite": lambda case: case.installation.links.invite(
        Origin.of(case.me.actor._replace(scopes=ALL)), case.victim, ONCE
    ),
    "Links.make_link": lambda case: case.installation.links.make_link(OPERATOR, case.victim),
    "Links.use_link": lambda case: case.installation.links.use_link(
        case.me.link.reveal(), "hash", address=None, agent=None
    ),
    "Passwords.change_password": lambda case: case.installation.passwords.change_password(
        OPERATOR, case.me.session, "hash"
    ),
    "Passwords.note_failure": lambda case: case.installation.passwords.note_failure(
        case.them.session.user.id, address=None
    ),
    "Passwords.note_failure_of_nobody": lambda case: case.installation.passwords.note_failure_of_nobody(),
    "Passwords.prove": lambda case: case.installation.passwords.prove(OPERATOR, case.me.session, HASH),
    "Passwords.sign_in": _sign_in,
    "Factors.make_codes": lambda case: case.installation.factors.make_codes(case.me.origin, case.me.session, ONCE),
    "Factors.reset_factors": lambda case: case.installation.factors.reset_factors(OPERATOR, case.victim),
    "OneTimePasswords.remove": lambda case: case.installation.one_time_passwords.remove(OPERATOR, case.me.session),
    "OneTimePasswords.set_up": _set_up,
    "PasskeySignIn._begin": lambda case: case.installation.passkey_sign_in._begin(
        _sign(case.me), address=None, agent=None, replaced=case.them.session
    ),
    "PasskeySignIn._renew": lambda case: case.installation.passkey_sign_in._renew(
        OPERATOR, case.me.session, _sign(case.me)
    ),
    "Passkeys._store": lambda case: case.installation.passkeys._store(
        OPERATOR, case.me.session, PasskeyKey(token_bytes(16), b"key", 0), "made", _ticket()
    ),
    "Passkeys.remove": lambda case: case.installation.passkeys.remove(OPERATOR, case.me.session, case.them.session.id),
    "Passkeys.rename": lambda case: case.installation.passkeys.rename(
        OPERATOR, case.me.session, case.them.session.id, token_hex()
    ),
    "SecondSteps.take_code": _take_code,
    "Overviews.count_tokens": lambda case: case.installation.overviews.count_tokens(),
    "Pruning.prune": lambda case: case.installation.pruning.prune(),
    "Tokens.create_token": lambda case: case.installation.tokens.create_token(
        case.me.origin, NewToken(), KeyedRequest("key", bytes(32))
    ),
    "Tokens.create_token_for": lambda case: case.installation.tokens.create_token_for(
        OPERATOR, case.them.actor.username, NewToken()
    ),
    "Tokens.rename_token": lambda case: case.installation.tokens.rename_token(
        case.me.origin, case.token_id, token_hex()
    ),
    "Tokens.revoke_any_token": lambda case: case.installation.tokens.revoke_any_token(
        OPERATOR, case.them.actor.token_id
    ),
    "Tokens.revoke_tokens": lambda case: case.installation.tokens.revoke_tokens(
        case.me.origin, case.token_ids[:: -1 if case.side else 1]
    ),
    "Tokens.revoke_other_tokens": lambda case: case.installation.tokens.revoke_other_tokens(case.me.origin),
    "Tokens.revoke_token": lambda case: case.installation.tokens.revoke_token(case.me.origin, case.token_id),
    "Users._set_disabled": lambda case: case.installation.users.disable_user(OPERATOR, case.victim),
    "ManagedUsers.put_user": lambda case: case.installation.managed_users.put_user(
        case.me.origin, case.managed, UserWanted(email=f"{case.side}@example.org", disabled=case.side == 1)
    ),
    "ManagedUsers.update_user": lambda case: case.installation.managed_users.update_user(
        case.me.origin, case.managed, UserWanted(username=f"{case.managed}-{case.side}")
    ),
    "ManagedUsers.delete_user": lambda case: case.installation.managed_users.delete_user(case.me.origin, case.managed),
    "ManagedTokens.create_token": lambda case: case.installation.managed_tokens.create_token(
        case.me.origin, case.place.name("new"), NewToken(), create_user=True
    ),
    "PageTokens.create_page_token": lambda case: case.installation.page_tokens.create_page_token(
        case.me.origin, case.managed
    ),
    "ManagedTokens.revoke_all": lambda case: case.installation.managed_tokens.revoke_all(case.me.origin, case.managed),
    "ServiceAccounts.create_service_account": lambda case: case.installation.service_accounts.create_service_account(
        case.me.origin, case.place.name("new"), ServiceAccountWanted(ceiling="*")
    ),
    "ServiceAccounts.update_service_account": lambda case: case.installation.service_accounts.update_service_account(
        case.me.origin, case.place.name("backend"), ServiceAccountWanted(ceiling="linodes:read_only", disabled=True)
    ),
    "ServiceAccounts.create_token": lambda case: case.installation.service_accounts.create_token(
        case.me.origin, case.place.name("backend"), NewToken(scopes="linodes:read_only"), ONCE
    ),
    "ServiceAccounts.delete_service_account": lambda case: case.installation.service_accounts.delete_service_account(
        case.me.origin, case.place.name("backend")
    ),
    "Users.create_service_account": lambda case: case.installation.users.create_service_account(
        OPERATOR, username=case.place.name("new"), ceiling=EVERYTHING
    ),
    "Users.create_user": lambda case: case.installation.users.create_user(OPERATOR, username=case.place.name("new")),
    "Users.delete_user": lambda case: case.installation.users.delete_user(OPERATOR, case.victim),
    "Users.update_user": lambda case: case.installation.users.update_user(
        OPERATOR, case.victim, UserChange(username=f"{case.victim}-{case.side}", restricted=True)
    ),
    "Uses._write": _flush,
    "Uses._write_rows": _flush_counts,
    "Watching.narrow_token": lambda case: _with_watch(case, case.installation.watching.narrow_token),
    "Watching.unwatch_token": lambda case: _with_watch(case, case.installation.watching.unwatch_token),
    "Watching.watch_token": lambda case: case.installation.watching.watch_token(
        case.me.origin, case.token_id, "linodes:read_only"
    ),
    "begin_installation": lambda case: begin_installation(
        case.installation.transactions, case.installation.accounts, case.installation.tokens, _deliver
    ),
}
"""By the name of the function that opens the transaction."""
BEFOREHAND: dict[str, Callable[[Case], object]] = {
    "Authorizations.allow": lambda case: case.shown,
    "Authorizations.refuse": lambda case: case.asked,
    "Policies._shorten_some": lambda case: _let_outlive(case.installation.database, case.place),
    "PolicyChanges.change_policy": lambda case: case.governor,
    "Shortenings._shorten_some": _ask_to_shorten,
    "PushedRequests.await_decision": lambda case: case.query,
}
"""What has been done, in transactions of its own, by the time somebody does one of them."""

BEFORE_THE_START = {"_upgrade", "register_command_line", "set_up_peppers"}
"""What also does, and is over before anything is served."""
SEAM = "Transactions.change"
"""What opens the transactions of use cases."""
DONE_ONCE = {
    "Overviews.count_tokens",
    "Notices.note_expiring",
    "Pruning._prune_all",
    "Pruning.prune",
    "Uses._write",
    "Uses._write_rows",
    "begin_installation",
}
"""What is not done again at once when another transaction was in the way: two soon are, one tells a secret."""


def writing_functions() -> dict[str, bool]:
    """The names of all functions of the package that open a transaction which writes, and whether each is `retried`."""
    root = Path(tokenry.__file__).parent
    return dict(found for path in root.rglob("*.py") for found in _writing(ast.parse(path.read_text())))


def _writing(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _writing(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef) and any(map(_opens, ast.walk(node))) and prefix + node.name != SEAM:
            yield prefix + node.name, any(ast.unparse(each) == "retried" for each in node.decorator_list)


def _opens(node: ast.AST) -> bool:
    """Whether it is `with ….write()` or `with ….change(origin)`."""
    return isinstance(node, ast.With) and any(
        isinstance(call := item.context_expr, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and (call.func.attr, len(call.args)) in {("write", 0), ("change", 1)}
        for item in node.items
    )


def lay_out(installation: Installation) -> Iterator[Place]:
    """Make each place when it is needed, as some use cases end what there is in all."""
    with installation.database.write() as connection:
        for table in _COUNTED:
            connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {_NEXT_ID})")
    for number in count(1):
        rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in _LAID}
        place = _add_place(installation, rows, number)
        with installation.database.write() as connection:
            for table, added in rows.items():
                connection.execute(insert(table), added)
        yield place


def _let_outlive(database: Database, place: Place) -> None:
    """Let the tokens of a place outlive what the policy allows."""
    end = {"expires_at": to_seconds(NEVER)}
    first = place.number * _IDS_EACH
    with database.write() as connection:
        for table, column in ((schema.tokens, schema.tokens.c.id), (schema.credentials, schema.credentials.c.token_id)):
            connection.execute(update(table).where(column.between(first, first + _IDS_EACH - 1)).values(end))


def _add_place(installation: Installation, rows: dict[Table, list[dict[str, Any]]], number: int) -> Place:
    first = number * _IDS_EACH
    parent_id, child_id = first, first + 1
    euuids = {parent_id: f"{number:08}-P", child_id: f"{number:08}-C"}
    for account_id, above_id in ((parent_id, None), (child_id, parent_id)):
        rows[schema.accounts].append(
            {
                "id": account_id,
                "euuid": euuids[account_id],
                "company": "c",
                "created_at": NOW,
                "parent_id": above_id,
            }
        )
    webhook = {"id": first, "account_id": parent_id, "url": "https://app.example/", "sealed": b"", "created_at": NOW}
    rows[schema.webhooks].append(webhook)
    event = {"action": "token.create", "subject": "token:1"}
    rows[schema.audit_events].append({"id": first, "at": NOW, "actor": "somebody", "details": "{}", **event})
    times = {"created_at": NOW, "due_at": NOW}
    rows[schema.outbox].append({"id": first, "webhook_id": first, "event_id": first, **event, **times})
    who = (("boss", parent_id, True), ("ada", parent_id, True), ("bob", parent_id, False), ("proxy", child_id, True))
    ids = {}
    for index, (name, account_id, admin) in enumerate((*who, ("cee", child_id, True), ("backend", parent_id, False))):
        ids[name] = first + index
        rows[schema.users].append(
            {
                "id": first + index,
                "account_id": account_id,
                "username": f"{name}{number}",
                "username_folded": f"{name}{number}",
                "email": f"{name}{number}@example.org",
                "admin": admin,
                "created_at": NOW,
                "proxy": name == "proxy",
                "service": name == "backend",
                "child_account_access": name == "bob",
                "external_id": f"bob{number}" if name == "bob" else None,
            }
        )
    holders = {}
    for index, name in enumerate(("boss", "proxy", "ada", "bob", "boss again")):
        username = name.split()[0]
        account_id = child_id if username == "proxy" else parent_id
        delegated_by = ids["boss"] if username == "proxy" else None
        # A user's second token has the lower or the higher id in turn.
        token_id, spare_id = (first + 2 * index + (index + step) % 2 for step in range(2))
        secret = _add_token(installation, rows, token_id, ids[username], delegated_by)
        before = rows[schema.rotations][-1]["previous"]
        if name == username:
            told = {"kind": "token_leaked", "thing": "x", "token_id": token_id, "created_at": NOW}
            rows[schema.notices].append({"id": ids[name], "user_id": ids[name], **told})
        _add_token(installation, rows, spare_id, ids[username], ids["bob"] if delegated_by else None)
        actor = Actor(
            token_id,
            EVERYTHING,
            FAR,
            ids[username],
            f"{username}{number}",
            account_id,
            euuids[account_id],
            secret.preview,
        )
        session = _add_session(installation, rows, token_id, actor)
        passkey = {"public_key": b"", "sign_count": 0, "label": "phone", "created_at": NOW}
        key_id = f"key {token_id}".encode()
        rows[schema.passkeys].append({"id": token_id, "user_id": actor.user_id, "credential_id": key_id, **passkey})
        if name == username:
            _add_factors(installation, rows, actor.user_id)
        identity = {"issuer": PROVIDER.issuer, "subject": str(actor.token_id), "user_id": actor.user_id}
        rows[schema.identities].append({**identity, "created_at": NOW})
        holders[name] = Holder(actor, secret, before, spare_id, session, _add_link(installation, rows, actor))
    _add_token(installation, rows, first + _OF_BACKEND, ids["backend"], None)
    made = _add_client(installation, rows, first, ids["boss"], account_id=parent_id, service_user_id=ids["bob"])
    return Place(number, euuids[parent_id], euuids[child_id], holders, *made)


def _add_client(
    installation: Installation, rows: dict[Table, list[dict[str, Any]]], id: int, user_id: int, **columns: int
) -> tuple[Client, Secret, Secret, Secret, Secret, Secret]:
    confidential = {"public": False, "authentication": Authentication.BASIC, "pkce_required": False}
    access = Secret.generate(kind=REGISTRATION)
    opening = {"registration_preview": access.preview, "registration_digest": installation.peppers.digest(access)}
    row = {"id": id, **client_row(f"client{id}", **confidential, **opening, **columns)}
    rows[schema.oauth_clients].append(row)
    rows[schema.apps].append({"id": id, "user_id": user_id, "oauth_client_id": id, "scopes": "*", "created_at": NOW})
    of_app = {"app_id": id, "scopes": "linodes:read_only", "created_at": NOW, "expires_at": FAR}
    rows[schema.oauth_grants].append({"id": id, "grant_type": "authorization_code", **of_app})
    code, refresh, device = (Secret.generate(kind=kind) for kind in (CODE, REFRESH, DEVICE_CODE))
    waits = {"oauth_client_id": id, "user_code": user_code_of(id), "interval_seconds": 5, **of_app} | {"app_id": None}
    for secret, table, more in (
        (code, schema.authorization_codes, of_app),
        (device, schema.device_codes, waits),
        (refresh, schema.refresh_tokens, {"grant_id": id, "created_at": NOW, "expires_at": FAR}),
    ):
        digest, generation = installation.peppers.digest(secret), installation.peppers.generation
        rows[table].append({"preview": secret.preview, "digest": digest, "pepper_generation": generation, **more})
    subject = _add_access_token(installation, rows, id, user_id)
    return client_of(row), code, refresh, access, device, subject


def _add_access_token(
    installation: Installation, rows: dict[Table, list[dict[str, Any]]], id: int, user_id: int
) -> Secret:
    """One of the client and the grant of that id."""
    secret, token_id = Secret.generate(kind=ACCESS), id + _IDS_EACH // 2
    token = {"label": "x", "label_folded": "x", "scopes": "linodes:read_only", "created_at": NOW, "expires_at": FAR}
    rows[schema.tokens].append(
        {
            "id": token_id,
            "user_id": user_id,
            "preview": secret.preview,
            "grant_id": id,
            "created_by": "",
            "delegated_by": None,
            **token,
        }
    )
    opening = {"digest": installation.peppers.digest(secret), "pepper_generation": installation.peppers.generation}
    bound = {"kind": secret.kind.name, "client_id": f"client{id}"}
    rows[schema.credentials].append(
        {"preview": secret.preview, "token_id": token_id, "expires_at": FAR, **opening, **bound}
    )
    return secret


def user_code_of(id: int) -> str:
    """A code for the user of a device, of a number."""
    return "".join(LETTERS[id // len(LETTERS) ** place % len(LETTERS)] for place in range(USER_CODE_LENGTH))


def _add_session(
    installation: Installation, rows: dict[Table, list[dict[str, Any]]], session_id: int, actor: Actor
) -> Session:
    secret = Secret.generate(kind=SESSION)
    rows[schema.sessions].append(
        {
            "id": session_id,
            "preview": secret.preview,
            "digest": installation.peppers.digest(secret),
            "pepper_generation": installation.peppers.generation,
            "user_id": actor.user_id,
            "method": "password",
            "created_at": NOW,
            "authenticated_at": NOW,
            "seen_at": NOW,
            "expires_at": FAR,
        }
    )
    user = User(actor.user_id, actor.account_id, actor.username, "", admin=True, created=MOMENT, disabled=None)
    return Session(session_id, user, "password", MOMENT, MOMENT, MOMENT, MOMENT, None, None)


def _add_factors(installation: Installation, rows: dict[Table, list[dict[str, Any]]], user_id: int) -> None:
    peppers = installation.peppers
    sealed = key_seal(peppers).close(KEY.encode(), str(user_id))
    rows[schema.passwords].append({"user_id": user_id, "hash": HASH, "changed_at": NOW})
    rows[schema.authenticators].append({"user_id": user_id, "sealed": sealed, "created_at": NOW, "used_step": 0})
    digest = RECOVERY_CODE.digests(peppers, user_id)[-1]
    rows[schema.recovery_codes].append({"user_id": user_id, "digest": digest, "pepper_generation": peppers.generation})


def _add_link(installation: Installation, rows: dict[Table, list[dict[str, Any]]], actor: Actor) -> Secret:
    secret = Secret.generate(kind=LINK)
    rows[schema.links].append(
        {
            "preview": secret.preview,
            "digest": installation.peppers.digest(secret),
            "pepper_generation": installation.peppers.generation,
            "user_id": actor.user_id,
            "created_at": NOW,
            "expires_at": FAR,
        }
    )
    return secret


def _add_token(
    installation: Installation,
    rows: dict[Table, list[dict[str, Any]]],
    token_id: int,
    user_id: int,
    delegated_by: int | None,
) -> Secret:
    before, secret = Secret.generate(), Secret.generate()
    rows[schema.tokens].append(
        {
            "id": token_id,
            "user_id": user_id,
            "label": "x",
            "label_folded": "x",
            "scopes": "*",
            "preview": secret.preview,
            "created_at": NOW,
            "expires_at": FAR,
            "created_by": "somebody",
            "delegated_by": delegated_by,
            "grant_id": None,
        }
    )
    for each in (before, secret):
        rows[schema.credentials].append(
            {
                "preview": each.preview,
                "token_id": token_id,
                "digest": installation.peppers.digest(each),
                "pepper_generation": installation.peppers.generation,
                "expires_at": FAR,
                "kind": each.kind.name,
                "client_id": None,
            }
        )
    rows[schema.rotations].append(
        {
            "token_id": token_id,
            "preview": secret.preview,
            "previous": before.preview,
            "started_at": NOW,
            "grace_seconds": 60,
            "on_first_use": True,
        }
    )
    return secret
