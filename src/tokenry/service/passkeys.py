"""Passkeys of who is signed in: registering, naming and removing them. `passkey_sign_in.py` signs in by them."""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Fault, Invalid, NotFound, raise_faults
from tokenry.domain.passkeys import (
    CHALLENGE_BYTES,
    CHALLENGE_LIFETIME,
    PASSKEYS_MAX,
    Passkey,
    PasskeyKey,
    RelyingParty,
    label_faults,
    user_handle,
)
from tokenry.domain.seals import Ticket, Tickets
from tokenry.domain.secrets import Peppers
from tokenry.domain.sessions import Session
from tokenry.domain.sign_in_events import PasskeyAdded, PasskeyRemoved, PasskeyRenamed
from tokenry.service.factors import Renewed, claim_own, renew
from tokenry.service.sessions import Sessions
from tokenry.service.transactions import Transactions
from tokenry.storage import passkeys as stored
from tokenry.storage.assertions import see_assertion
from tokenry.storage.database import retried

NO_PARTY = Fault("Passkeys are for a host with a name, and this service is known by an IP address, or none.")
_NOT_RIGHT = Fault("That passkey could not be used. Try again.")


@dataclass(frozen=True, slots=True)
class PasskeyRequest:
    """What a browser is asked, as JSON, and the ticket that comes back with its answer."""

    options: str
    ticket: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasskeyResponse:
    """What a browser answers, as JSON, with its ticket, and what that has to be bound to."""

    answer: str
    ticket: str = field(repr=False)
    bound_to: str = field(repr=False)


class Passkeys:
    """The use cases of who has passkeys. There are none without a relying party."""

    def __init__(
        self, transactions: Transactions, peppers: Peppers, sessions: Sessions, party: RelyingParty | None
    ) -> None:
        self.party = party
        self._transactions = transactions
        self._peppers = peppers
        self._sessions = sessions
        self._tickets = Tickets(peppers, "new passkey", CHALLENGE_LIFETIME)

    def ask_for_new(self, session: Session, bound_to: str) -> PasskeyRequest:
        """Ask the browser of who is signed in to make a passkey. Raises Invalid where there can be none."""
        from tokenry.domain import ceremonies  # noqa: PLC0415 - nobody else need wait for it

        party, challenge = require_party(self.party), secrets.token_bytes(CHALLENGE_BYTES)
        with self._transactions.read() as connection:
            known = stored.list_credential_ids(connection, session.user.id)
        handle = user_handle(self._peppers, session.user.id)
        options = ceremonies.ask_for_new(party, session.user, handle=handle, challenge=challenge, known=known)
        values = {"user": session.user.id, "challenge": b64encode(challenge).decode("ascii")}
        return PasskeyRequest(options, self._tickets.issue(values, bound_to=bound_to, now=self._transactions.now()))

    def register(self, origin: Origin, session: Session, answered: PasskeyResponse, label: str) -> Renewed:
        """Store the passkey that a browser has made. Other sessions end. Raises Invalid, Unauthorized."""
        from tokenry.domain import ceremonies  # noqa: PLC0415 - nobody else need wait for it

        party = require_party(self.party)
        raise_faults(label_faults(label))
        ticket = self._tickets.read(answered.ticket, bound_to=answered.bound_to, now=self._transactions.now())
        if ticket is None or ticket.values["user"] != session.user.id:
            raise Invalid(Fault("That took too long: try again."))
        key = ceremonies.read_new(party, answered.answer, challenge=b64decode(ticket.values["challenge"]))
        if key is None:
            raise Invalid(_NOT_RIGHT)
        with _known_once():
            return self._store(origin, session, key, label, ticket)

    def get_passkey(self, session: Session, passkey_id: int) -> Passkey:
        """Read one of who is signed in. Raises NotFound."""
        with self._transactions.read() as connection:
            passkey = stored.find_passkey(connection, passkey_id, user_id=session.user.id)
        if passkey is None:
            raise NotFound
        return passkey

    @retried
    def rename(self, origin: Origin, session: Session, passkey_id: int, label: str) -> None:
        """Give one another label. Raises Invalid, NotFound, Unauthorized."""
        raise_faults(label_faults(label))
        with self._transactions.change(origin) as change:
            user = claim_own(change, session)
            before = stored.find_passkey(change.connection, passkey_id, user_id=user.id)
            if before is None:
                raise NotFound
            if before.label != label:
                stored.rename_passkey(change.connection, passkey_id, label, user_id=user.id)
                change.record(PasskeyRenamed(user.id, passkey_id, before.label, label))

    @retried
    def remove(self, origin: Origin, session: Session, passkey_id: int) -> Renewed:
        """Remove one; other sessions end. Raises NotFound, Unauthorized."""
        with self._transactions.change(origin) as change:
            user = claim_own(change, session)
            before = stored.find_passkey(change.connection, passkey_id, user_id=user.id)
            if before is None or not stored.delete_passkey(change.connection, passkey_id, user_id=user.id):
                raise NotFound
            change.record(PasskeyRemoved(user.id, passkey_id, before.label))
            return renew(change, session, self._sessions, self._peppers)

    @retried
    def _store(self, origin: Origin, session: Session, key: PasskeyKey, label: str, ticket: Ticket) -> Renewed:
        with self._transactions.change(origin) as change:
            user = claim_own(change, session)
            if stored.count_passkeys(change.connection, user.id) >= PASSKEYS_MAX:
                raise Invalid(Fault(f"You have {PASSKEYS_MAX} passkeys: remove one first."))
            if not see_assertion(change.connection, ticket.digest, ticket.expires):
                raise Invalid(_NOT_RIGHT)
            passkey_id = stored.insert_passkey(change.connection, user.id, key, label=label, now=change.now)
            change.record(PasskeyAdded(user.id, passkey_id, label))
            return renew(change, session, self._sessions, self._peppers)


def require_party(party: RelyingParty | None) -> RelyingParty:
    """The relying party. Raises Invalid where there is none."""
    if party is None:
        raise Invalid(NO_PARTY)
    return party


@contextmanager
def _known_once() -> Iterator[None]:
    """Turn the database's word that a passkey is somebody's already into Invalid."""
    try:
        yield
    except IntegrityError as error:
        raise Invalid(Fault("This passkey is registered already.")) from error
