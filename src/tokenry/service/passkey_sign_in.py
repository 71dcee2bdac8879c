"""Signing in by a passkey, and proving anew by one who is signed in.

What a browser answers is read between two transactions; the second makes sure that what it was read by is still so.
"""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import NamedTuple

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Unauthorized
from tokenry.domain.passkeys import (
    CHALLENGE_BYTES,
    CHALLENGE_LIFETIME,
    Passkey,
    RelyingParty,
    is_cloned,
    user_handle,
)
from tokenry.domain.seals import Ticket, Tickets
from tokenry.domain.secrets import Peppers, Secret
from tokenry.domain.sessions import PASSKEY, Session
from tokenry.domain.sign_in_events import PasskeyCloned
from tokenry.service.passkeys import PasskeyRequest, PasskeyResponse, require_party
from tokenry.service.sessions import Sessions, require_session
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import passkeys as stored
from tokenry.storage.assertions import see_assertion
from tokenry.storage.database import retried
from tokenry.storage.logins import insert_login
from tokenry.storage.users import find_user_by_id, keep_user


class Signed(NamedTuple):
    """An answer that is right: whose passkey signed it, in answer to what, and its count before and after."""

    passkey: Passkey
    username: str
    ticket: Ticket
    before: int
    after: int


class PasskeySignIn:
    """The use cases of signing in by passkeys."""

    def __init__(
        self, transactions: Transactions, peppers: Peppers, sessions: Sessions, party: RelyingParty | None
    ) -> None:
        self.party = party
        self._transactions = transactions
        self._peppers = peppers
        self._sessions = sessions
        self._tickets = Tickets(peppers, "passkey", CHALLENGE_LIFETIME)

    def ask(self, bound_to: str, user_id: int | None = None) -> PasskeyRequest:
        """Ask a browser for a passkey: of a user's, or anybody's. Raises Invalid where there can be none."""
        from tokenry.domain import ceremonies  # noqa: PLC0415 - nobody else need wait for it

        party, challenge = require_party(self.party), secrets.token_bytes(CHALLENGE_BYTES)
        allowed: Sequence[bytes] = ()
        if user_id is not None:
            with self._transactions.read() as connection:
                allowed = stored.list_credential_ids(connection, user_id)
        values = {"user": user_id, "challenge": b64encode(challenge).decode("ascii")}
        ticket = self._tickets.issue(values, bound_to=bound_to, now=self._transactions.now())
        return PasskeyRequest(ceremonies.ask_for_known(party, challenge=challenge, allowed=allowed), ticket)

    def sign_in(
        self, answered: PasskeyResponse, *, address: str | None, agent: str | None, replaced: Session | None = None
    ) -> Secret:
        """Begin a session of whose passkey has signed. Raises Unauthorized, whatever is wrong."""
        return _require(self._begin(self._read(answered), address=address, agent=agent, replaced=replaced))

    def prove(self, origin: Origin, session: Session, answered: PasskeyResponse) -> Secret:
        """Note that it was proved anew who is signed in; the new secret of the session. Raises Unauthorized."""
        signed = self._read(answered)
        if signed.passkey.user_id != session.user.id:
            raise Unauthorized
        return _require(self._renew(origin, session, signed))

    @retried
    def _begin(
        self, signed: Signed, *, address: str | None, agent: str | None, replaced: Session | None
    ) -> Secret | None:
        user_id = signed.passkey.user_id
        with self._transactions.change(Origin(signed.username, address=address, user_id=user_id)) as change:
            if not self._use(change, signed):
                return None
            return self._sessions.begin_session(
                change, user_id, method=PASSKEY, address=address, agent=agent, replaced=replaced
            )

    @retried
    def _renew(self, origin: Origin, session: Session, signed: Signed) -> Secret | None:
        with self._transactions.change(origin) as change:
            if not self._use(change, signed):
                return None
            require_session(change, session)
            return self._sessions.renew_session(change, session)

    def _read(self, answered: PasskeyResponse) -> Signed:
        from tokenry.domain import ceremonies  # noqa: PLC0415 - nobody else need wait for it

        party = require_party(self.party)
        ticket = self._tickets.read(answered.ticket, bound_to=answered.bound_to, now=self._transactions.now())
        credential_id = ceremonies.read_credential_id(answered.answer)
        if ticket is None or credential_id is None:
            raise Unauthorized
        with self._transactions.read() as connection:
            found = stored.find_by_credential(connection, credential_id)
            user = None if found is None else find_user_by_id(connection, found.passkey.user_id)
        if found is None or user is None or ticket.values["user"] not in {None, user.id}:
            raise Unauthorized
        after = ceremonies.read_known(
            party,
            answered.answer,
            challenge=b64decode(ticket.values["challenge"]),
            key=found.key,
            handle=user_handle(self._peppers, user.id),
        )
        if after is None:
            raise Unauthorized
        return Signed(found.passkey, user.username, ticket, found.key.sign_count, after)

    def _use(self, change: Change, signed: Signed) -> bool:
        """Use up an answer; False for a passkey that there are two of, which is written down. Raises Unauthorized."""
        connection, passkey = change.connection, signed.passkey
        user = keep_user(connection, passkey.user_id)
        if user is None or user.disabled is not None or user.proxy:
            raise Unauthorized
        if not see_assertion(connection, signed.ticket.digest, signed.ticket.expires):
            raise Unauthorized
        cloned = is_cloned(signed.before, signed.after)
        if cloned:
            change.record(PasskeyCloned(user.id, passkey.id, passkey.label))
        elif not stored.use_passkey(connection, passkey.id, before=signed.before, after=signed.after, now=change.now):
            raise Unauthorized
        insert_login(
            connection,
            user_id=user.id,
            now=change.now,
            address=change.origin.address,
            succeeded=not cloned,
            method=PASSKEY,
        )
        return not cloned


def _require(secret: Secret | None) -> Secret:
    if secret is None:
        raise Unauthorized
    return secret
