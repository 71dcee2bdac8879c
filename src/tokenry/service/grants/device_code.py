"""Device codes (RFC 8628): a device without a browser waits, while its user agrees on another one.

A code for the user is short, so that it can be typed: whoever lets somebody type one has to bound how often.
"""

from dataclasses import replace
from datetime import timedelta
from enum import Enum
from functools import partial

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.device_codes import DeviceCode, DeviceRequest, NewDeviceCode, generate_user_code
from tokenry.domain.errors import Unavailable
from tokenry.domain.events import DeviceAllowed
from tokenry.domain.grants import NewGrant
from tokenry.domain.oauth import (
    DEVICE_CODE_LIFETIME_SECONDS,
    DEVICE_INTERVAL_SECONDS,
    GrantType,
    OAuthError,
    OAuthRefusal,
)
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import DEVICE_CODE, Peppers, Secret
from tokenry.domain.sessions import Session
from tokenry.service.grants.checking import choose_audience, choose_scopes, narrow, require_grant_type, require_key
from tokenry.service.grants.issuing import Issued, allow_app, allowed_scopes, begin_grant, issue, keep_parties
from tokenry.service.policy import policy_in_force
from tokenry.service.presented import find_presented
from tokenry.service.sessions import require_session
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import device_codes as stored
from tokenry.storage.database import retried
from tokenry.storage.grants import lock_app
from tokenry.storage.oauth_clients import find_client

SLOWER_SECONDS = 5
"""By how much longer a device has to wait from then on that asks too soon (RFC 8628 section 3.5)."""


class _Waiting(Enum):
    PENDING = OAuthError.AUTHORIZATION_PENDING
    TOO_SOON = OAuthError.SLOW_DOWN


_WORDS = {
    _Waiting.PENDING: "The user has not answered yet.",
    _Waiting.TOO_SOON: f"Ask less often: from now on wait {SLOWER_SECONDS} seconds longer each time.",
}


class DeviceCodes:
    """The use cases of a device, which begins and asks, and of its user, who agrees or refuses."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    @retried
    def begin(self, origin: Origin, client: Client, scopes: Scopes | None, audience: tuple[str, ...]) -> DeviceCode:
        """Let a device of a client, which has proved who it is, begin to wait. Raises OAuthRefusal."""
        require_grant_type(client, GrantType.DEVICE_CODE)
        new = NewDeviceCode(choose_scopes(scopes, client.rights.scopes), audience, address=origin.address)
        code = DeviceCode(
            Secret.generate(kind=DEVICE_CODE),
            generate_user_code(),
            DEVICE_CODE_LIFETIME_SECONDS,
            DEVICE_INTERVAL_SECONDS,
        )
        with self._transactions.change(origin) as change:
            inserted = stored.insert_device_code(
                change.connection,
                client.id,
                new,
                self._peppers.key(code.secret),
                user_code=code.user_code,
                interval=code.interval,
                created=change.now,
                expiry=change.now + timedelta(seconds=code.expires_in),
            )
            if not inserted:
                raise Unavailable("another device was given the same code", collided=True)
        return code

    def find(self, user_code: str) -> tuple[DeviceRequest, Client] | None:
        """What a device waits for and a user may answer, and whose it is. The code is as `read_user_code` gives it."""
        with self._transactions.read() as connection:
            request = stored.find_by_user_code(connection, user_code, self._transactions.now())
            client = None if request is None else find_client(connection, request.client_id)
        return None if request is None or client is None or client.disabled is not None else (request, client)

    @retried
    def approve(
        self,
        origin: Origin,
        user_id: int,
        user_code: str,
        scopes: Scopes | None = None,
        *,
        session: Session | None = None,
    ) -> bool:
        """Let a device in for what it asked for, or for these scopes; whether it was still waiting.

        Those of a client that has ended do not. Raises OAuthRefusal if the user may not, or for more than is asked for,
        and Unauthorized if the user's `session`, which agrees, has ended.
        """
        with self._transactions.change(origin) as change, policy_in_force(change) as policy:
            if session is not None:
                require_session(change, session)
            request = stored.find_by_user_code(change.connection, user_code, change.now)
            client = None if request is None else find_client(change.connection, request.client_id)
            if request is None or client is None:
                return False
            try:
                user = keep_parties(change, user_id, client)
            except OAuthRefusal as refusal:
                if refusal.code is OAuthError.INVALID_CLIENT:
                    return False
                raise
            agreed = narrow(choose_scopes(scopes, request.scopes), allowed_scopes(policy, user, client))
            app = allow_app(change, user, client, agreed)
            if not stored.agree(change.connection, user_code, app_id=app.id, scopes=agreed, now=change.now):
                raise Unavailable("somebody else answered", collided=True)
            change.record(DeviceAllowed(user.id, app.id, client.client_id, agreed, request.address))
            return True

    @retried
    def refuse(self, origin: Origin, user_code: str) -> bool:
        """Turn a device away; whether it was still waiting."""
        with self._transactions.change(origin) as change:
            return stored.refuse(change.connection, user_code, change.now)

    def exchange(
        self,
        origin: Origin,
        client: Client,
        text: str,
        jkt: str | None = None,
        audience: tuple[str, ...] | None = None,
    ) -> Issued:
        """Give a device, whose client has proved who it is, what its user agreed to. Raises OAuthRefusal.

        `audience` is for whom the first access token is to be; None for all whom the device began for.
        That is also how a device is told that its user has not answered yet, or that it asks too often: the second is
        committed, although it is a refusal.
        """
        require_grant_type(client, GrantType.DEVICE_CODE)
        require_key(client, jkt)
        told = self._exchange(origin, client, text, jkt, audience)
        if isinstance(told, _Waiting):
            raise OAuthRefusal(told.value, _WORDS[told])
        return told

    @retried
    def _exchange(
        self, origin: Origin, client: Client, text: str, jkt: str | None, audience: tuple[str, ...] | None
    ) -> Issued | _Waiting:
        with self._transactions.change(origin) as change, policy_in_force(change) as policy:
            secret, request = self._get(change.connection, text, client)
            wanted = choose_audience(audience, request.audience)
            if change.now >= request.expiry:
                raise OAuthRefusal(OAuthError.EXPIRED_TOKEN, "The device code expired: begin anew.")
            if request.refused:
                raise OAuthRefusal(OAuthError.ACCESS_DENIED, "The user refused.")
            if request.app_id is None or request.user_id is None:
                return self._wait(change, secret, request)
            user = keep_parties(change, request.user_id, client)
            app = lock_app(change.connection, user_id=user.id, oauth_client_id=client.id)
            if app is None or app.id != request.app_id:
                raise _refused("The user does not let the client in any more.")
            if not stored.use_device_code(change.connection, secret.preview, change.now):
                raise _refused("The device code was used before.")
            scopes = narrow(request.scopes, allowed_scopes(policy, user, client))
            new = NewGrant(GrantType.DEVICE_CODE, scopes, request.audience, jkt)
            grant = begin_grant(change, app, client, new, policy, refreshes=client.refreshes)
            given = replace(grant, audience=wanted)
            return issue(change, self._peppers, given, client.label, refreshes=client.refreshes)

    def _wait(self, change: Change, secret: Secret, request: DeviceRequest) -> _Waiting:
        """Have a device ask again later; longer from now on, if it asked too soon."""
        earliest = None if request.polled is None else request.polled + timedelta(seconds=request.interval)
        too_soon = earliest is not None and change.now < earliest
        interval = request.interval + SLOWER_SECONDS if too_soon else request.interval
        stored.note_poll(change.connection, secret.preview, interval=interval, now=change.now)
        return _Waiting.TOO_SOON if too_soon else _Waiting.PENDING

    def _get(self, connection: Connection, text: str, client: Client) -> tuple[Secret, DeviceRequest]:
        found = find_presented(self._peppers, client, text, DEVICE_CODE, partial(stored.find_device_code, connection))
        if found is None:
            raise _refused("The device code is unknown, or was given to another client.")
        return found


def _refused(description: str) -> OAuthRefusal:
    return OAuthRefusal(OAuthError.INVALID_GRANT, description)
