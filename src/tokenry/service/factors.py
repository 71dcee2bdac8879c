"""Second factors as a whole: what somebody has, recovery codes in place of them, and taking them away."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import NotFound
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.passkeys import Passkey
from tokenry.domain.recovery_codes import CODES, RecoveryCode
from tokenry.domain.secrets import Peppers, Secret
from tokenry.domain.sessions import Session
from tokenry.domain.sign_in_events import FactorsReset, RecoveryCodesMade
from tokenry.domain.users import User
from tokenry.service.idempotency import do_once
from tokenry.service.sessions import Sessions, end_sessions_of, require_session
from tokenry.service.transactions import Change, Transactions
from tokenry.storage.authenticators import delete_authenticator, find_sealed
from tokenry.storage.database import retried
from tokenry.storage.passkeys import delete_passkeys_of, list_passkeys
from tokenry.storage.passwords import find_changed
from tokenry.storage.recovery_codes import count_codes, delete_codes_of, replace_codes
from tokenry.storage.users import claim_user, find_user, get_user


class Held(NamedTuple):
    """By what somebody signs in. Recovery codes are counted."""

    password_set: datetime | None
    passkeys: Sequence[Passkey]
    authenticator: bool
    recovery_codes: int


class Renewed(NamedTuple):
    """What changing a factor brings: the new secret of the session, and recovery codes to show, if there were none."""

    secret: Secret
    codes: Sequence[RecoveryCode] = ()


class Factors:
    """The use cases of all second factors alike."""

    def __init__(self, transactions: Transactions, peppers: Peppers, sessions: Sessions) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._sessions = sessions

    def list_held(self, session: Session) -> Held:
        """List by what who is signed in signs in."""
        user_id = session.user.id
        with self._transactions.read() as connection:
            return Held(
                find_changed(connection, user_id),
                list_passkeys(connection, user_id),
                find_sealed(connection, user_id) is not None,
                count_codes(connection, user_id),
            )

    @retried
    def make_codes(
        self, origin: Origin, session: Session, request: KeyedRequest | None = None
    ) -> Sequence[RecoveryCode]:
        """Make new recovery codes of who is signed in, in place of those before; none without a second factor.

        Repeat `request` and they are made only once. Raises Unauthorized, AlreadyMade.
        """
        with self._transactions.change(origin) as change:
            user = claim_own(change, session)
            if not user.second_factor:
                return ()
            return do_once(change, request, lambda: _make_codes(change, self._peppers, user.id), lambda _: user.id)

    @retried
    def reset_factors(self, origin: Origin, username: str) -> None:
        """Take away all of a user's second factors, and sign the user out everywhere. Raises NotFound."""
        with self._transactions.change(origin) as change:
            found = find_user(change.connection, username)
            if found is None:
                raise NotFound
            claim_user(change.connection, found.id)
            user = get_user(change.connection, found.id)
            forget_factors(change.connection, user.id)
            change.record(FactorsReset(user.id, username))
            end_sessions_of(change, user.id)


def claim_own(change: Change, session: Session) -> User:
    """The user of a session that is still there, claimed, as it is now. Raises Unauthorized."""
    claim_user(change.connection, session.user.id)
    return require_session(change, session)


def renew(change: Change, session: Session, sessions: Sessions, peppers: Peppers) -> Renewed:
    """After a change of the factors of a user who is claimed: other sessions end, and this one gets another secret.

    Recovery codes come with the first factor, and go with the last.
    """
    connection, user_id = change.connection, session.user.id
    codes: Sequence[RecoveryCode] = ()
    if not get_user(connection, user_id).second_factor:
        delete_codes_of(connection, user_id)
    elif not count_codes(connection, user_id):
        codes = _make_codes(change, peppers, user_id)
    end_sessions_of(change, user_id, kept=session.id)
    return Renewed(sessions.renew_session(change, session), codes)


def forget_factors(connection: Connection, user_id: int) -> None:
    """Forget the second factors of a user who is claimed, in a change of the caller's."""
    delete_authenticator(connection, user_id)
    delete_passkeys_of(connection, user_id)
    delete_codes_of(connection, user_id)


def _make_codes(change: Change, peppers: Peppers, user_id: int) -> Sequence[RecoveryCode]:
    codes = [RecoveryCode.generate() for _ in range(CODES)]
    digests = [code.digests(peppers, user_id)[-1] for code in codes]
    replace_codes(change.connection, user_id, digests, pepper_generation=peppers.generation)
    change.record(RecoveryCodesMade(user_id))
    return codes
