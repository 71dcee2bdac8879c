"""Devices: each waits for its user, asks no more often than it may, and gets its tokens once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.making import NOW, new_user
from tests.oauth_making import add_client
from tests.service.parts import Bench, at_once
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.device_codes import DeviceCode
from tokenry.domain.oauth import DEVICE_CODE_LIFETIME_SECONDS, GrantType, OAuthError, OAuthRefusal
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Peppers, Secret
from tokenry.service.grants.device_code import DeviceCodes
from tokenry.service.grants.issuing import Issued
from tokenry.service.transactions import Transactions
from tokenry.storage.database import Database
from tokenry.storage.schema import apps, oauth_clients, oauth_grants

PEPPERS = Peppers((bytes(32),))
DEVICE = Origin("client:tv", address="192.0.2.7")
USER = Origin("admin")


def codes(bench: Bench, seconds: float = 0) -> DeviceCodes:
    return DeviceCodes(Transactions(bench.database, lambda: NOW + timedelta(seconds=seconds)), PEPPERS)


def television(bench: Bench, **columns: object) -> Client:
    grant_types = f"{GrantType.DEVICE_CODE} {GrantType.REFRESH_TOKEN}"
    return add_client(bench.database, None, **({"grant_types": grant_types} | columns))


def begin(bench: Bench, client: Client, scopes: str = "linodes:read_write domains:read_only") -> DeviceCode:
    return codes(bench).begin(DEVICE, client, Scopes.parse(scopes), ())


def poll(bench: Bench, client: Client, code: DeviceCode, seconds: float = 0) -> OAuthError | Issued:
    try:
        return codes(bench, seconds).exchange(DEVICE, client, code.secret.reveal())
    except OAuthRefusal as refusal:
        return refusal.code


def test_device_waits_until_its_user_agrees_and_then_gets_its_tokens_once(bench: Bench) -> None:
    client = television(bench)
    code = begin(bench, client)
    assert poll(bench, client, code) is OAuthError.AUTHORIZATION_PENDING
    found = codes(bench).find(code.user_code)
    assert found is not None
    assert (found[0].address, found[1].client_id) == ("192.0.2.7", client.client_id)
    assert codes(bench).approve(USER, 1, code.user_code)
    issued = poll(bench, client, code, 5)
    assert isinstance(issued, Issued)
    assert (str(issued.scopes), issued.grant.user_id) == ("linodes:read_write domains:read_only", 1)
    assert issued.refresh is not None
    assert poll(bench, client, code, 10) is OAuthError.INVALID_GRANT
    allowed = {"app_id": issued.grant.app_id, "client_id": client.client_id, "scopes": str(issued.scopes)}
    assert ("device.allow", allowed | {"address": "192.0.2.7"}) in bench.events("user:1")


def test_device_that_asks_too_soon_has_to_wait_longer_each_time(bench: Bench) -> None:
    client = television(bench)
    code = begin(bench, client)
    told = [poll(bench, client, code, seconds) for seconds in (0, 5, 9, 19, 33, 53)]
    pending, slow = OAuthError.AUTHORIZATION_PENDING, OAuthError.SLOW_DOWN
    assert told == [pending, pending, slow, pending, pending, pending]
    assert [poll(bench, client, code, seconds) for seconds in (62, 76, 96)] == [slow, slow, pending]


def test_device_whose_user_refuses_is_told_so(bench: Bench) -> None:
    client = television(bench)
    code = begin(bench, client)
    assert codes(bench).refuse(USER, code.user_code)
    assert poll(bench, client, code) is OAuthError.ACCESS_DENIED
    assert codes(bench).find(code.user_code) is None
    assert not codes(bench).approve(USER, 1, code.user_code)
    assert not codes(bench).refuse(USER, code.user_code)


def test_code_lives_ten_minutes_for_both(bench: Bench) -> None:
    client = television(bench)
    code = begin(bench, client)
    late = codes(bench, DEVICE_CODE_LIFETIME_SECONDS)
    assert late.find(code.user_code) is None
    assert not late.approve(USER, 1, code.user_code)
    assert poll(bench, client, code, DEVICE_CODE_LIFETIME_SECONDS) is OAuthError.EXPIRED_TOKEN


def test_user_may_give_less_than_was_asked_for_and_no_more(bench: Bench) -> None:
    client = television(bench)
    code = begin(bench, client)
    with pytest.raises(OAuthRefusal):
        codes(bench).approve(USER, 1, code.user_code, Scopes.parse("images:read_only"))
    assert codes(bench).approve(USER, 1, code.user_code, Scopes.parse("linodes:read_only"))
    issued = poll(bench, client, code)
    assert isinstance(issued, Issued)
    assert str(issued.scopes) == "linodes:read_only"


def test_device_asks_for_no_more_than_its_client_is_registered_for(bench: Bench) -> None:
    client = television(bench, scopes="linodes:read_only")
    with pytest.raises(OAuthRefusal) as refusal:
        begin(bench, client, "linodes:read_write")
    assert refusal.value.code is OAuthError.INVALID_SCOPE
    assert codes(bench).begin(DEVICE, client, None, ()).interval == 5


def test_other_client_learns_nothing_and_spoils_nothing(bench: Bench) -> None:
    client, thief = television(bench), television(bench)
    code = begin(bench, client)
    codes(bench).approve(USER, 1, code.user_code)
    assert poll(bench, thief, code) is OAuthError.INVALID_GRANT
    assert isinstance(poll(bench, client, code), Issued)


def test_code_that_is_made_up_is_refused(bench: Bench) -> None:
    client = television(bench)
    code = begin(bench, client)
    forged = code.secret.preview + Secret.generate(kind=code.secret.kind).reveal()[16:]
    for text in (forged, code.secret.preview, code.user_code, "", "é"):
        with pytest.raises(OAuthRefusal) as refusal:
            codes(bench).exchange(DEVICE, client, text)
        assert refusal.value.code is OAuthError.INVALID_GRANT


def test_client_that_is_not_registered_for_it_begins_nothing(bench: Bench) -> None:
    with pytest.raises(OAuthRefusal) as refusal:
        begin(bench, add_client(bench.database))
    assert refusal.value.code is OAuthError.UNAUTHORIZED_CLIENT


def test_two_that_ask_at_once_get_tokens_once(bench: Bench) -> None:
    client = television(bench)
    code = begin(bench, client)
    codes(bench).approve(USER, 1, code.user_code)

    def act(database: Database) -> Issued:
        return DeviceCodes(Transactions(database, lambda: NOW), PEPPERS).exchange(DEVICE, client, code.secret.reveal())

    told = at_once(bench.database, *[act] * 4)
    assert sum(isinstance(each, Issued) for each in told) == 1
    with bench.database.read() as connection:
        assert len(connection.execute(select(oauth_grants.c.id)).all()) == 1


def test_two_users_who_answer_at_once_are_not_both_taken(bench: Bench) -> None:
    other_id = new_user(bench.database, "eve")
    client = television(bench)
    code = begin(bench, client)

    def approve(user_id: int) -> object:
        return lambda database: DeviceCodes(Transactions(database, lambda: NOW), PEPPERS).approve(
            USER, user_id, code.user_code
        )

    assert sorted(map(str, at_once(bench.database, approve(1), approve(other_id)))) == ["False", "True"]  # type: ignore[arg-type]


@pytest.mark.parametrize("ended", ["app", "client"])
def test_what_has_ended_meanwhile_brings_nothing(bench: Bench, ended: str) -> None:
    client = television(bench)
    code = begin(bench, client)
    codes(bench).approve(USER, 1, code.user_code)
    with bench.database.write() as connection:
        if ended == "app":
            connection.execute(apps.update().values(ended_at=1))
        else:
            connection.execute(oauth_clients.update().values(disabled_at=1))
    expected = OAuthError.INVALID_GRANT if ended == "app" else OAuthError.INVALID_CLIENT
    assert poll(bench, client, code) is expected


def test_device_of_a_client_that_was_disabled_does_not_wait_any_more(bench: Bench) -> None:
    client = television(bench)
    code = begin(bench, client)
    with bench.database.write() as connection:
        connection.execute(oauth_clients.update().values(disabled_at=1))
    assert codes(bench).find(code.user_code) is None
    assert not codes(bench).approve(USER, 1, code.user_code)
