"""What opens once opens once, also for two who come at the same moment; on both engines."""

from dataclasses import dataclass, replace

import pytest
from pyotp import TOTP
from sqlalchemy import func, select

from tests.conftest import START
from tests.devices import Device
from tests.making import NOW, OPERATOR, new_user
from tests.service.parts import PEPPERS, Bench, at_once, sessions_of
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Invalid, Unauthorized
from tokenry.domain.one_time_passwords import GUESSES_MAX, STEP_SECONDS
from tokenry.domain.passkeys import RelyingParty
from tokenry.domain.secrets import Secret
from tokenry.domain.sessions import Session
from tokenry.service.one_time_passwords import OneTimePasswords
from tokenry.service.passkey_sign_in import PasskeySignIn
from tokenry.service.passkeys import PasskeyResponse, Passkeys
from tokenry.service.passwords import PasswordProved
from tokenry.service.second_steps import SecondStepRefused, SecondSteps
from tokenry.service.transactions import Transactions
from tokenry.service.users import Users
from tokenry.storage import schema
from tokenry.storage.database import Database
from tokenry.storage.passwords import set_password

ORIGIN = Origin("admin", user_id=1)
HASH = "hash"
PARTY = RelyingParty("https://tokens.example.com", "tokens.example.com")


def steps_of(database: Database) -> SecondSteps:
    return SecondSteps(Transactions(database, lambda: NOW), PEPPERS, sessions_of(database))


@dataclass
class Held:
    """What the administrator has: the key of an app, and a recovery code."""

    bench: Bench
    session: Session
    totp: TOTP
    recovery_code: str

    @property
    def code(self) -> str:
        """That of the next step: this one's was taken when the key was set up."""
        return self.totp.at(int(START) + STEP_SECONDS)

    def begin(self) -> str:
        return steps_of(self.bench.database).begin(PasswordProved(self.session.user, HASH), "browser")

    def take(self, database: Database, ticket: str, typed: str) -> Secret | SecondStepRefused:
        use_cases = steps_of(database)
        pending = use_cases.find_pending(ticket, "browser")
        assert pending is not None
        return use_cases.take_code(ticket, typed, bound_to="browser", pending=pending, address=None, agent=None)

    def count(self) -> int:
        with self.bench.database.read() as connection:
            return connection.execute(select(func.count()).select_from(schema.sessions)).scalar_one()


@pytest.fixture
def held(bench: Bench) -> Held:
    sessions = sessions_of(bench.database)
    with bench.transactions.change(ORIGIN) as change:
        set_password(change.connection, 1, HASH, NOW)
        secret = sessions.begin_session(change, 1, method="password", address=None, agent=None)
    session = sessions.find_session(secret.reveal())
    assert session is not None
    use_cases = OneTimePasswords(bench.transactions, PEPPERS, sessions)
    offer = use_cases.offer_key(session, "browser")
    totp = TOTP(offer.key)
    renewed = use_cases.set_up(ORIGIN, session, offer.ticket, totp.at(int(START)), bound_to="browser")
    return Held(bench, session, totp, renewed.codes[0].reveal())


def outcomes(told: list[object]) -> list[str]:
    return sorted("session" if isinstance(each, Secret) else "refused" for each in told)


@pytest.mark.parametrize("kind", ["code", "recovery_code"])
def test_of_two_who_type_a_code_at_once_one_gets_in(held: Held, kind: str) -> None:
    typed, tickets = getattr(held, kind), [held.begin(), held.begin()]
    told = at_once(
        held.bench.database,
        lambda database: held.take(database, tickets[0], typed),
        lambda database: held.take(database, tickets[1], typed),
    )
    assert outcomes(told) == ["refused", "session"]
    assert held.count() == 2


def test_of_two_who_bring_one_ticket_at_once_one_gets_in_and_the_others_code_is_left(held: Held) -> None:
    ticket = held.begin()
    told = at_once(
        held.bench.database,
        lambda database: held.take(database, ticket, held.code),
        lambda database: held.take(database, ticket, held.recovery_code),
    )
    assert outcomes(told) == ["refused", "session"]
    assert Unauthorized in told
    assert held.count() == 2
    left = [
        isinstance(held.take(held.bench.database, held.begin(), typed), Secret)
        for typed in (held.code, held.recovery_code)
    ]
    assert sorted(left) == [False, True]


def test_no_more_guesses_are_taken_by_many_at_once(held: Held) -> None:
    wrong = f"{(int(held.code) + 1) % 1_000_000:06}"
    for _ in range(GUESSES_MAX - 1):
        assert held.take(held.bench.database, held.begin(), wrong) == SecondStepRefused(too_often=False)
    tickets = [held.begin() for _ in range(3)]
    told = at_once(
        held.bench.database,
        *(lambda database, ticket=ticket: held.take(database, ticket, wrong) for ticket in tickets),
    )
    assert told.count(SecondStepRefused(too_often=False)) == 1
    assert told.count(SecondStepRefused(too_often=True)) == 2


def test_of_two_answers_to_one_challenge_one_signs_in(held: Held) -> None:
    bench, device = held.bench, Device(PARTY.origin, PARTY.id)
    passkeys = Passkeys(bench.transactions, PEPPERS, sessions_of(bench.database), PARTY)
    made = passkeys.ask_for_new(held.session, "browser")
    passkeys.register(ORIGIN, held.session, PasskeyResponse(device.make(made.options), made.ticket, "browser"), "phone")

    def sign_in(database: Database) -> Secret:
        use_cases = PasskeySignIn(Transactions(database, lambda: NOW), PEPPERS, sessions_of(database), PARTY)
        return use_cases.sign_in(answered, address=None, agent=None)

    asked = PasskeySignIn(bench.transactions, PEPPERS, sessions_of(bench.database), PARTY).ask("browser")
    answered = PasskeyResponse(device.sign(asked.options), asked.ticket, "browser")
    assert outcomes(at_once(bench.database, sign_in, sign_in)) == ["refused", "session"]
    assert held.count() == 2


def test_what_was_begun_for_one_user_is_ended_by_no_other(held: Held) -> None:
    """Also where somebody had both at one browser."""
    bench, device = held.bench, Device(PARTY.origin, PARTY.id)
    eve = replace(held.session, user=replace(held.session.user, id=new_user(bench.database, "eve")))
    sessions = sessions_of(bench.database)
    use_cases = OneTimePasswords(bench.transactions, PEPPERS, sessions)
    offer = use_cases.offer_key(held.session, "browser")
    assert use_cases.find_offer(eve, offer.ticket, "browser") is None
    passkeys = Passkeys(bench.transactions, PEPPERS, sessions, PARTY)
    made = passkeys.ask_for_new(held.session, "browser")
    answered = PasskeyResponse(device.make(made.options), made.ticket, "browser")
    with pytest.raises(Invalid, match="took too long"):
        passkeys.register(ORIGIN, eve, answered, "phone")
    passkeys.register(ORIGIN, held.session, answered, "phone")
    sign_in = PasskeySignIn(bench.transactions, PEPPERS, sessions, PARTY)
    asked = sign_in.ask("browser")
    with pytest.raises(Unauthorized):
        sign_in.prove(ORIGIN, eve, PasskeyResponse(device.sign(asked.options), asked.ticket, "browser"))


def test_user_who_is_deleted_leaves_no_factor(held: Held) -> None:
    users = Users(held.bench.transactions)
    users.create_user(OPERATOR, username="other", admin=True)
    users.delete_user(OPERATOR, "admin")
    with held.bench.database.read() as connection:
        for table in (schema.authenticators, schema.recovery_codes, schema.passkeys):
            assert connection.execute(select(table)).all() == []
